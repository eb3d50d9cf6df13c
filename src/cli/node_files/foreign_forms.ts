/** Nodes in the forms of TripleO (instackenv.json) and MAAS (its list of machines, with their power parameters). */
import { type Item, type Notes, openItem, refuseMasks, type WantedNode } from './wanted.ts';

/** The drivers for TripleO's `pm_type`. */
const PM_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(?:ipmi|.*_ipmitool)$/, 'ipmi'],
  [/^(?:irmc|.*_irmc)$/, 'irmc'],
  [/^redfish$/, 'redfish'],
];

/** What TripleO keeps for deploying. */
const OF_TRIPLEO: ReadonlySet<string> = new Set(
  `arch bios_interface boot_interface capabilities console_interface cpu deploy_interface disk inspect_interface kernel_id mac
  management_interface memory network_interface platform ports power_interface profile raid_interface ramdisk_id
  rescue_interface resource_class root_device storage_interface vendor_interface`.split(/\s+/),
);

/** The node of an item of instackenv.json. */
export function tripleoNode(item: Item, notes: Notes): WantedNode {
  const type = item.text('pm_type');
  const driver = PM_TYPES.find(([known]) => known.test(type))?.[1];
  if (driver === undefined) notes.fault(`${item.place}.pm_type`, unknownType(type));
  const prefix = driver ?? 'unknown';
  const info = {
    [`${prefix}_address`]: item.text('pm_addr'),
    [`${prefix}_username`]: item.text('pm_user'),
    [`${prefix}_password`]: item.text('pm_password'),
    [`${prefix}_port`]: item.text('pm_port'),
    [`${prefix}_system_id`]: item.text('pm_system_id'),
  };
  const own = item.left().filter((key) => key.startsWith(`${prefix}_`));
  const driverInfo = said({ ...info, ...Object.fromEntries(own.map((key) => [key, item.text(key)])) });
  refuseMasks(driverInfo, item.place, notes);
  const node = {
    place: item.place,
    name: item.text('name'),
    uuid: item.text('uuid'),
    driver: driver ?? type,
    driverInfo,
    zone: item.text('conductor_group') || undefined,
    labels: {},
  };
  item.end(OF_TRIPLEO);
  return node;
}

function unknownType(type: string): string {
  if (/idrac|_drac$/.test(type))
    return `'${type}' has no driver here; an iDRAC has Redfish: write redfish, and the pm_system_id`;
  return `'${type}' has no driver here; ipmi, irmc and redfish can be taken over`;
}

const said = (pairs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== ''));

/** The driver_info keys for MAAS's power parameters, by its power type. */
const OF_POWER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ipmi: {
    power_address: 'ipmi_address',
    power_user: 'ipmi_username',
    power_pass: 'ipmi_password',
    cipher_suite_id: 'ipmi_cipher_suite',
    privilege_level: 'ipmi_priv_level',
    k_g: 'ipmi_hex_kg_key',
  },
  redfish: {
    power_address: 'redfish_address',
    power_user: 'redfish_username',
    power_pass: 'redfish_password',
    node_id: 'redfish_system_id',
  },
};

/** Power parameters that no power order needs. */
const POWER_HARMLESS: ReadonlySet<string> = new Set([
  'mac_address',
  'power_boot_type',
  'power_off_mode',
  'power_id',
  'workaround_flags',
  'power_driver',
]);

/** What MAAS keeps of hardware, networks, storage and deployments. */
const OF_MAAS: ReadonlySet<string> = new Set(
  `address_ttl architecture bcaches bios_boot_method blockdevice_set boot_disk boot_interface cache_sets commissioning_status
  commissioning_status_name constraint_map constraints_by_type cpu_count cpu_speed cpu_test_status cpu_test_status_name
  current_commissioning_result_id current_installation_result_id current_testing_result_id default_gateways description
  disable_ipv4 distro_series domain enable_hw_sync enable_kernel_crash_dump ephemeral_deploy error_description fqdn hardware_info
  hardware_uuid hwe_kernel interface_set interface_test_status interface_test_status_name ip_addresses is_dpu iscsiblockdevice_set
  last_sync locked macaddress_set memory memory_test_status memory_test_status_name min_hwe_kernel netboot network_test_status
  network_test_status_name next_sync node_type node_type_name numanode_set osystem other_test_status other_test_status_name owner
  owner_data parent physicalblockdevice_set pod power_state raids resource_uri special_filesystems status status_action
  status_message status_name storage storage_test_status storage_test_status_name swap_size sync_interval system_id tag_names
  testing_status testing_status_name virtualblockdevice_set virtualmachine_id volume_groups workload_annotations`.split(
    /\s+/,
  ),
);

const FLAT = 'power_parameters_';

/** The node of an item of MAAS. Its zone and pool become labels: they say nothing of the network of the BMC. */
export function maasNode(item: Item, notes: Notes): WantedNode {
  const id = item.text('system_id');
  const type = item.text('power_type');
  const powers = powersOf(item, notes);
  if (powers === null)
    notes.fault(
      item.place,
      `it has no power_parameters, which 'machines read' leaves out; add what 'maas PROFILE machine power-parameters ${id || 'SYSTEM_ID'}' prints`,
    );
  if (!Object.hasOwn(OF_POWER, type))
    notes.fault(`${item.place}.power_type`, `'${type}' has no driver here; ipmi and redfish can be taken over`);
  const driverInfo = powers === null ? {} : driverInfoOf(type, powers, notes);
  if (powers) refuseMasks(driverInfo, powers.place, notes);
  const [zone = '', pool = ''] = ['zone', 'pool'].map((key) => item.inner(key)?.text('name') ?? '');
  const node = {
    place: item.place,
    name: item.text('hostname'),
    uuid: '',
    driver: type,
    driverInfo,
    labels: said({ zone: zone === 'default' ? '' : zone, pool: pool === 'default' ? '' : pool }),
  };
  item.end(OF_MAAS);
  return node;
}

/** The power parameters: as a thing, as JSON text, or each with its prefix; null if there are none. */
function powersOf(item: Item, notes: Notes): Item | null {
  const flat = item.left().filter((key) => key.startsWith(FLAT));
  if (flat.length > 0)
    return openItem(Object.fromEntries(flat.map((key) => [key.slice(FLAT.length), item.text(key)])), item.place, notes);
  return item.inner('power_parameters');
}

function driverInfoOf(type: string, powers: Item, notes: Notes): Record<string, string> {
  const keys = OF_POWER[type] ?? {};
  if (powers.has('power_driver') && type === 'ipmi') {
    const spoken = powers.text('power_driver');
    if (spoken !== 'LAN_2_0')
      notes.fault(`${powers.place}.power_driver`, `'${spoken}' is not IPMI 2.0; countermand speaks no other`);
  }
  const info = Object.fromEntries(Object.entries(keys).map(([key, own]) => [own, powers.text(key)]));
  powers.end(POWER_HARMLESS);
  if (info.ipmi_priv_level === 'ADMIN') info.ipmi_priv_level = 'ADMINISTRATOR';
  if (info.ipmi_hex_kg_key) info.ipmi_hex_kg_key = hexOf(info.ipmi_hex_kg_key);
  return said(info);
}

/** FreeIPMI takes a key as text, or as hexadecimal digits behind 0x. */
const hexOf = (key: string): string =>
  /^0x/i.test(key) ? key.slice(2).toLowerCase() : Buffer.from(key).toString('hex');
