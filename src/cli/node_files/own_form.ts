/** Nodes in our own form, and in those of Ironic: its own files, and what its command prints. */
import { type Item, type Notes, refuseMasks, type WantedNode } from './wanted.ts';

/** What Ironic keeps of a node and no power order needs; as its API and its command call it. */
const HARMLESS: ReadonlySet<string> = new Set(
  `allocation_uuid automated_clean bios_interface boot_interface boot_mode chassis_uuid clean_step conductor console_enabled
  console_interface created_at current_raid_configuration deploy_interface deploy_step description disable_power_off_reason
  driver_internal_info fault firmware_interface health inspect_interface inspection_finished_at inspection_started_at instance_info
  instance_name instance_uuid last_error lessee links management_interface network_configuration network_data network_interface owner
  parent_node pending_clean_steps portgroups ports power_interface power_state properties protected protected_reason provision_state
  provision_updated_at provisioning_state raid_config raid_interface rescue_interface reservation resource_class retired
  retired_reason secure_boot service_step shard states storage_interface target_power_state target_provision_state
  target_raid_config target_raid_configuration traits updated_at vendor_interface volume`.split(/\s+/),
);

/** Keys of Ironic's driver_info that are about deploying, consoles and boot devices. */
const HARMLESS_INFO = new RegExp(
  `^(?:${[
    'agent_verify_ca|bootloader|can_provide_dhcp|config_via_floppy|config_via_removable|deploy_forces_oob_reboot|external_http_url',
    '(?:irmc_|redfish_|ilo_)?(?:deploy|rescue|boot)_(?:kernel|ramdisk|iso)(?:_by_arch)?|force_persistent_boot_device|image_\\w+',
    'kernel_append_params|ipmi_(?:terminal_port|force_boot_device|disable_boot_timeout)|console_port|irmc_remote_image_\\w+',
  ].join('|')})$`,
);

/** Values that say what is done anyway. */
const AS_EVER: Readonly<Record<string, string>> = { ipmi_protocol_version: '2.0', ipmi_bridging: 'no' };

/** Ironic's older names of drivers. */
const DRIVERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:pxe|agent)_ipmitool$/, 'ipmi'],
  [/^(?:pxe|iscsi|agent)_irmc$/, 'irmc'],
  [/^fake-hardware$/, 'fake'],
];

/** The node of an item. Labels are Ironic's `extra`, and its zone is the `conductor_group`. */
export function ownNode(item: Item, notes: Notes): WantedNode {
  const said = item.text('driver');
  const all = item.pairs('driver_info');
  // An iDRAC has Redfish; Ironic's own driver for it takes the same keys.
  const isRedfish = said === 'idrac' && 'redfish_address' in all;
  const driver = isRedfish ? 'redfish' : (DRIVERS.find(([old]) => old.test(said))?.[1] ?? said);
  const driverInfo = withoutHarmless(all, driver, notes);
  refuseMasks(driverInfo, `${item.place}.driver_info`, notes);
  const group = item.text('conductor_group');
  const node = {
    place: item.place,
    name: item.text('name'),
    uuid: item.text('uuid'),
    driver,
    driverInfo,
    zone: item.text('zone') || group || undefined,
    labels: { ...item.pairs('extra'), ...item.pairs('labels') },
    maintenance: item.flag('maintenance'),
    maintenanceReason: item.text('maintenance_reason') || undefined,
  };
  item.end(HARMLESS);
  return node;
}

function withoutHarmless(info: Readonly<Record<string, string>>, driver: string, notes: Notes): Record<string, string> {
  const kept = Object.entries(info).filter(([key, value]) => {
    const ofAnother = driver === 'irmc' && key.startsWith('redfish_');
    if (!ofAnother && !HARMLESS_INFO.test(key) && AS_EVER[key] !== value) return true;
    notes.ignore(`driver_info.${key}`);
    return false;
  });
  return Object.fromEntries(kept);
}
