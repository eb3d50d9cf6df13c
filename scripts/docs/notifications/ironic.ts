/** The payloads about nodes and power orders: Ironic's NodePayload 1.0 with its extensions, the power task and its abort added. */
import { POWER_STATES, TARGETS } from '../../../src/core/power.ts';
import { ABORT_OUTCOMES, POWER_TASK_STATES } from '../../../src/core/states.ts';
import {
  actor,
  anyObject,
  CALLED,
  DIALECT,
  flag,
  growing,
  nothing,
  oneOf,
  oneOfOrNull,
  orNull,
  type Properties,
  ref,
  type Schema,
  text,
  textOrNull,
  versioned,
} from './schema.ts';

const TIME = '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z';
const ON_OFF = POWER_STATES.filter((state) => state !== 'error');
const uuid = (description: string): Schema => ref('uuid', description);
const uuidOrNull = (description: string): Schema => orNull(ref('uuid'), description);

/** Keys of Ironic that have no counterpart here. */
const FOREIGN = [
  'clean_step',
  'console_enabled',
  'inspection_finished_at',
  'inspection_started_at',
  'instance_uuid',
  'network_interface',
  'provision_state',
  'provision_updated_at',
  'resource_class',
  'target_provision_state',
];

const NODE: Properties = {
  uuid: uuid('The node.'),
  name: text('Its name.'),
  driver: text('Its driver.'),
  power_state: oneOfOrNull(POWER_STATES, 'What it is; null while it is not known.'),
  target_power_state: oneOfOrNull(TARGETS, 'What it is on its way to; null if nothing is under way.'),
  last_error: textOrNull('Why it could not be read last; null if it could.'),
  maintenance: flag('Whether it is in maintenance.'),
  maintenance_reason: textOrNull('Why.'),
  extra: anyObject('Its labels.'),
  properties: anyObject('Its zone, as `zone`.'),
  ...Object.fromEntries(FOREIGN.map((key) => [key, nothing()])),
  created_at: ref('time', 'When it was enrolled.'),
  updated_at: ref('time', 'When it was last changed.'),
};

const POWER_TASK: Properties = {
  uuid: uuid('The power task.'),
  target: oneOf(TARGETS, 'What was ordered.'),
  state: oneOf(Object.keys(POWER_TASK_STATES), 'Its state.'),
  old_state: oneOfOrNull(Object.keys(POWER_TASK_STATES), 'Its state before; null if it is new.'),
  request_id: text("The client's id of the order; empty if an action of a plan gave it."),
  action_uuid: uuidOrNull(
    'The action that gave the order, or whose order this abort takes back; null if a client gave it.',
  ),
  plan_uuid: uuidOrNull('The plan of that action.'),
  reason: text('Why it was ordered; empty if no reason was given.'),
  ordered_by: actor('Who ordered it; null if an action of a plan did.'),
  before_power_state: oneOfOrNull(ON_OFF, 'What the node was just before the order was sent; null if nothing was.'),
  observed_power_state: oneOfOrNull(ON_OFF, 'What was last seen; null if nothing was.'),
  error_code: orNull(ref('error_code'), 'The code of the error that it ended with.'),
  error_message: textOrNull('That error in a sentence.'),
  may_still_change_until: ref('time_or_null', 'The end of the window in which the order may still take effect.'),
};

const ABORTED: Properties = {
  outcome: oneOfOrNull(Object.keys(ABORT_OUTCOMES), 'The outcome; null while it is under way.'),
  reason: text('That in a sentence.'),
  observed: oneOfOrNull(ON_OFF, 'What was seen at its end.'),
  task_uuid: uuidOrNull('Of the aborted task: the task of the abort; null if it was a withdrawal.'),
  aborts_task_uuid: uuidOrNull('Of the task of the abort: the task that it aborts.'),
  requested_at: ref('time', 'When it was ordered.'),
};

function ofTask(name: string): Record<string, Schema> {
  const data = {
    ...NODE,
    to_power: oneOf(TARGETS, 'What was ordered.'),
    power_task: growing(POWER_TASK, 'The power task. Ironic has no such key.'),
    abort: orNull(growing(ABORTED), 'Its abort, or the abort that it is; null if there is none. Not a key of Ironic.'),
  };
  return { [name]: versioned('ironic', name, { ...data, ...CALLED }) };
}

/** What is told of a change of an enrolled node. */
const CHANGE: Properties = {
  ...NODE,
  created_at: ref('time_or_null', 'When it was enrolled; null if its enrolment was refused.'),
  updated_at: ref('time_or_null', 'When it was last changed; null if its enrolment was refused.'),
  changed: {
    type: 'array',
    items: { type: 'string' },
    description: 'What was changed, or was to be. Not a key of Ironic.',
  },
  cause: text('Why, in a sentence. Not a key of Ironic.'),
  plan_uuid: uuidOrNull('The plan whose action did it; null if none did. Not a key of Ironic.'),
  error_code: orNull(ref('error_code'), 'The code of the error that refused it. Not a key of Ironic.'),
  error_message: textOrNull('That error in a sentence. Not a key of Ironic.'),
};

const CRUD: Properties = {
  ...CHANGE,
  driver_info: anyObject('How its BMC is reached; secrets are masked.'),
  chassis_uuid: nothing(),
  instance_info: nothing(),
};

/** The definitions that the schemas of `baremetal.node.*` refer to. */
export function ironicObjects(): Schema {
  const corrected = {
    ...NODE,
    from_power: oneOfOrNull(POWER_STATES, 'What it was before it was read; null if it was not known.'),
    late_change_of: uuidOrNull('The power task that was given up and has now taken effect. Not a key of Ironic.'),
  };
  const name = 'NodeCorrectedPowerStatePayload';
  return {
    $schema: DIALECT,
    title: 'Payloads about nodes and power orders',
    $defs: {
      uuid: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
      time: { type: 'string', pattern: `^${TIME}$` },
      time_or_null: { type: ['string', 'null'], pattern: `^${TIME}$` },
      error_code: { type: 'string', pattern: '^[A-Z]+(_[A-Z]+)*$', description: 'A code of docs/errors.md.' },
      NodeCRUDPayload: versioned('ironic', 'NodeCRUDPayload', { ...CRUD, ...CALLED }),
      NodePayload: versioned('ironic', 'NodePayload', { ...CHANGE, ...CALLED }),
      ...ofTask('NodeSetPowerStatePayload'),
      ...ofTask('NodePowerAbortPayload'),
      [name]: versioned('ironic', name, { ...corrected, ...CALLED }),
    },
  };
}
