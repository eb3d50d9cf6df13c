/** A node as Ironic writes it: the fields that OpenStack's clients know, and ours beside them. */
import * as z from 'zod';
import { POWER_STATE_NAMES, POWER_STATES, TARGET_TABLE, TARGETS, type Target } from '../../core/power.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import { PowerState, PowerTarget } from '../../gen/countermand/v1/power.ts';
import { linksTo } from '../pages.ts';

const text = z.string();
const time = z.iso.datetime();
const nothing = z.null();
const texts = z.record(z.string(), z.string());
const Links = z.array(z.object({ href: text, rel: text }));

/** A node in a short list. */
export const ShortNode = z.object({
  uuid: text,
  name: text,
  instance_uuid: nothing,
  power_state: z.enum(POWER_STATES).nullable(),
  provision_state: nothing,
  maintenance: z.boolean(),
  links: Links,
});

/** A node. */
export const FullNode = z.object({
  uuid: text,
  name: text,
  driver: text,
  driver_info: texts.describe('Secrets are masked.'),
  power_state: z.enum(POWER_STATES).nullable(),
  target_power_state: z.enum(TARGETS).nullable(),
  supported_power_states: z.array(z.enum(TARGETS)).describe('The targets of its driver.'),
  last_error: text.nullable(),
  reservation: text.nullable().describe('The power task that holds the node.'),
  maintenance: z.boolean(),
  maintenance_reason: text.nullable(),
  fault: nothing,
  conductor_group: text.describe('The zone; empty is the zone `default`.'),
  conductor: nothing,
  provision_state: nothing,
  target_provision_state: nothing,
  provision_updated_at: nothing,
  instance_uuid: nothing,
  console_enabled: z.literal(false),
  extra: texts.describe('The labels.'),
  properties: z.object({}),
  resource_class: nothing,
  traits: z.array(text).length(0),
  instance_info: z.object({}),
  driver_internal_info: z.object({}),
  created_at: time.nullable(),
  updated_at: time.nullable(),
  power_state_read_at: time.nullable(),
  may_still_change_until: time.nullable(),
  problem: z.object({ code: text, message: text }).nullable().describe('Why the node cannot be read.'),
  links: Links,
});

/** What a node can be ordered and what it is on its way to. */
export const States = z.object({
  power_state: z.enum(POWER_STATES).nullable(),
  target_power_state: z.enum(TARGETS).nullable(),
  last_error: text.nullable(),
  provision_state: nothing,
  target_provision_state: nothing,
  provision_updated_at: nothing,
  console_enabled: z.literal(false),
  supported_power_states: z.array(z.enum(TARGETS)).describe('What the hardware says that it can do now.'),
  supported_power_states_probed_at: time.nullable(),
  supported_power_states_reason: text.nullable().describe('Why it is less than the driver has, or was not asked.'),
  held_by: text.nullable(),
  may_still_change_until: time.nullable(),
});

/** Fields that clients of Ironic ask for by name and that no node here has. */
const ABSENT = [
  ...['allocation_uuid', 'automated_clean', 'boot_mode', 'chassis_uuid', 'clean_step', 'deploy_step', 'description'],
  ...['inspection_finished_at', 'inspection_started_at', 'lessee', 'network_data', 'owner', 'protected'],
  ...['protected_reason', 'raid_config', 'retired', 'retired_reason', 'secure_boot', 'shard', 'target_raid_config'],
  ...[
    'bios',
    'boot',
    'console',
    'deploy',
    'inspect',
    'management',
    'network',
    'power',
    'raid',
    'rescue',
    'storage',
    'vendor',
  ].map((part) => `${part}_interface`),
];

/** The fields that a client may ask for by name. */
export const FIELDS: readonly string[] = [...Object.keys(FullNode.shape), ...ABSENT];

/** The targets of the driver of a node. */
export type TargetsOf = (node: Node) => readonly Target[];

/** The word of a power state; null for unknown. */
export function powerStateWord(value: PowerState): (typeof POWER_STATES)[number] | null {
  return POWER_STATES.find((state) => PowerState[POWER_STATE_NAMES[state]] === value) ?? null;
}

/** The word of a target; null for none. */
export function targetWord(value: PowerTarget): Target | null {
  return TARGETS.find((target) => PowerTarget[TARGET_TABLE[target].name] === value) ?? null;
}

/** A target for an RPC. */
export const targetValue = (target: Target): PowerTarget => PowerTarget[TARGET_TABLE[target].name];

/** A time; null for none. */
export const timeText = (at: Date | undefined): string | null => at?.toISOString() ?? null;

/** A text; null for an empty one. */
export const textOrNull = (said: string): string | null => (said === '' ? null : said);

/** The zone as a conductor group: Ironic's default group has no name. */
export const groupOf = (zone: string): string => (zone === 'default' ? '' : zone);

/** A conductor group as a zone. */
export const zoneOf = (group: string): string => (group === '' ? 'default' : group);

/** A node in a short list. */
export function toShortNode(node: Node, base: string): z.infer<typeof ShortNode> {
  return {
    uuid: node.uuid,
    name: node.name,
    instance_uuid: null,
    power_state: powerStateWord(node.powerState),
    provision_state: null,
    maintenance: node.maintenance,
    links: linksTo(base, `nodes/${node.uuid}`),
  };
}

/** A whole node. */
export function toFullNode(node: Node, targetsOf: TargetsOf, base: string): z.infer<typeof FullNode> {
  const { problem } = node;
  return {
    uuid: node.uuid,
    name: node.name,
    driver: node.driver,
    driver_info: node.driverInfo,
    power_state: powerStateWord(node.powerState),
    target_power_state: targetWord(node.targetPowerState),
    supported_power_states: [...targetsOf(node)],
    last_error: textOrNull(node.lastError),
    reservation: textOrNull(node.heldBy),
    maintenance: node.maintenance,
    maintenance_reason: textOrNull(node.maintenanceReason),
    fault: null,
    conductor_group: groupOf(node.zone),
    conductor: null,
    provision_state: null,
    target_provision_state: null,
    provision_updated_at: null,
    instance_uuid: null,
    console_enabled: false,
    extra: node.labels,
    properties: {},
    resource_class: null,
    traits: [],
    instance_info: {},
    driver_internal_info: {},
    created_at: timeText(node.createdAt),
    updated_at: timeText(node.updatedAt),
    power_state_read_at: timeText(node.powerStateReadAt),
    may_still_change_until: timeText(node.mayStillChangeUntil),
    problem: problem ? { code: problem.code, message: problem.message } : null,
    links: linksTo(base, `nodes/${node.uuid}`),
  };
}

/** These fields of a node, and its links; what Ironic has and we have not is null. */
export function pickFields(node: z.infer<typeof FullNode>, fields: readonly string[]): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = node;
  return Object.fromEntries([...fields, 'links'].map((field) => [field, values[field] ?? null]));
}
