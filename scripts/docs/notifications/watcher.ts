/** The payloads about audits, action plans and actions: Watcher's versioned objects, with `name` added. */
import { ACTION_PLAN_STATES, ACTION_STATES, AUDIT_STATES } from '../../../src/core/states.ts';
import { PAYLOAD_NAMES, type PayloadKind } from '../../../src/server/plans/notifications.ts';
import {
  actor,
  anyObject,
  CALLED,
  DIALECT,
  flag,
  growing,
  listOf,
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

const TIME = '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z';
const time = (description: string): Schema => ref('time', description);
const timeOrNull = (description: string): Schema => ref('time_or_null', description);
const uuid = (description: string): Schema => ref('uuid', description);
const message = textOrNull('Why it is in this state, in a sentence; null if there is nothing to say.');
const indicator: Properties = {
  name: text('The indicator.'),
  description: text('What it says.'),
  unit: textOrNull('Its unit; null for a plain number.'),
};
const efficacy = listOf(
  growing({ ...indicator, value: { type: 'number', description: 'How much.' } }),
  'What the plan is good for, as the strategy that made it counts; empty where nothing is counted.',
);
const specification = listOf(growing(indicator), 'By what a plan for it is measured.');

const STAMPS: Properties = {
  created_at: time('When it was made.'),
  updated_at: timeOrNull('When it was last changed; null if it never was.'),
  deleted_at: timeOrNull('When it was deleted; null while it is there.'),
};

const AUDIT: Properties = {
  uuid: uuid('The audit.'),
  name: text('Its name; of a plan that was made directly, the name of the plan.'),
  audit_type: oneOf(['ONESHOT', 'CONTINUOUS'], 'Whether its strategy runs once or again and again.'),
  state: oneOf(Object.keys(AUDIT_STATES), 'Its state.'),
  status_message: message,
  parameters: anyObject('What its strategy was told.'),
  interval: textOrNull('How often its strategy runs, in seconds; null if it does not repeat.'),
  scope: listOf({}, 'Which nodes it is about; empty: all, or those that the actions name.'),
  goal_uuid: uuid('The goal.'),
  strategy_uuid: uuid('The strategy.'),
  auto_trigger: flag('Whether its plans start by themselves.'),
  next_run_time: timeOrNull('When its strategy runs next; null if it does not.'),
  ...STAMPS,
};

const ACTION_PLAN: Properties = {
  uuid: uuid('The action plan.'),
  name: text('Its name. Watcher has no such key.'),
  state: oneOf(Object.keys(ACTION_PLAN_STATES), 'Its state.'),
  status_message: message,
  global_efficacy: efficacy,
  audit_uuid: uuid('The audit behind it.'),
  audit: ref('TerseAuditPayload', 'The audit behind it.'),
  strategy_uuid: uuid('The strategy that made it.'),
  strategy: ref('StrategyPayload', 'The strategy that made it.'),
  created_by: actor('Who made it; null if that is not known. Not a key of Watcher.'),
  started_by: actor('Who started it; null if it was not started. Not a key of Watcher.'),
  approval: orNull(
    growing({
      state: oneOf(['WANTED', 'GIVEN', 'REFUSED'], 'Whether a second person has agreed to its start.'),
      why: text('The rule that wants it.'),
      decided_by: actor('Who has decided.'),
    }),
    'The agreement of a second person; null if none has to agree. Not a key of Watcher.',
  ),
  ...STAMPS,
};

/** What a plan says of the plan that undoes it. Watcher has no such keys. */
const ROLLBACK: Properties = {
  rollback_uuid: uuid('The plan that undoes it.'),
  rollback_state: oneOf(Object.keys(ACTION_PLAN_STATES), 'The state of that plan.'),
  rollback_status_message: textOrNull('Why that plan is in its state; null if there is nothing to say.'),
};

const ACTION: Properties = {
  uuid: uuid('The action.'),
  name: text('Its name within the plan. Watcher has no such key.'),
  action_type: text('What kind of step it is: docs/action_types.md.'),
  input_parameters: anyObject('The parameters of the type.'),
  state: oneOf(Object.keys(ACTION_STATES), 'Its state.'),
  status_message: message,
  parents: listOf(uuid(''), 'The actions that must be done before it.'),
  action_plan: ref('TerseActionPlanPayload', 'The plan that it is part of.'),
  ...STAMPS,
};

const THINGS: Readonly<Record<string, Properties>> = {
  audit: {
    ...AUDIT,
    goal: ref('GoalPayload', 'What it is for.'),
    strategy: ref('StrategyPayload', 'How it looks for a plan.'),
  },
  action_plan: ACTION_PLAN,
  action: ACTION,
};

/** What a payload of this kind has beside the keys of its thing. */
function extrasOf(kind: PayloadKind): Properties {
  if (kind.endsWith('.update')) {
    const name = PAYLOAD_NAMES[kind].replace('UpdatePayload', 'StateUpdatePayload');
    return { state_update: ref(name, 'The change of its state.') };
  }
  const mayFail = /\.(execution|cancel|rollback)$/.test(kind);
  return {
    ...(mayFail ? { fault: orNull(ref('ExceptionPayload'), 'What went wrong; null unless this is an error.') } : {}),
    ...(kind.endsWith('.rollback') ? ROLLBACK : {}),
  };
}

function payloads(): Record<string, Schema> {
  const kinds = Object.keys(PAYLOAD_NAMES) as PayloadKind[];
  return Object.fromEntries(
    kinds.map((kind) => {
      const [thing = ''] = kind.split('.');
      const name = PAYLOAD_NAMES[kind];
      return [name, versioned('watcher', name, { ...THINGS[thing], ...extrasOf(kind), ...CALLED })];
    }),
  );
}

function stateUpdate(name: string, states: object): Record<string, Schema> {
  const data = {
    old_state: oneOfOrNull(Object.keys(states), 'The state before.'),
    state: oneOf(Object.keys(states), 'The state now.'),
    status_message: message,
  };
  return { [name]: versioned('watcher', name, data) };
}

function parts(): Record<string, Schema> {
  const named = { uuid: uuid(''), name: text('Its name.'), display_name: text('Its name, for people.') };
  return {
    TerseAuditPayload: versioned('watcher', 'TerseAuditPayload', AUDIT),
    TerseActionPlanPayload: versioned('watcher', 'TerseActionPlanPayload', tersePlan()),
    GoalPayload: versioned('watcher', 'GoalPayload', { ...named, efficacy_specification: specification, ...STAMPS }),
    StrategyPayload: versioned('watcher', 'StrategyPayload', {
      ...named,
      parameters_spec: anyObject('The parameters that it takes.'),
      ...STAMPS,
    }),
    ...stateUpdate('AuditStateUpdatePayload', AUDIT_STATES),
    ...stateUpdate('ActionPlanStateUpdatePayload', ACTION_PLAN_STATES),
    ...stateUpdate('ActionStateUpdatePayload', ACTION_STATES),
    ExceptionPayload: versioned('watcher', 'ExceptionPayload', {
      module_name: text('Always "countermand".'),
      function_name: text('Where it went wrong: "action_plan", or the type of the action.'),
      exception: ref('error_code', 'The code of the error.'),
      exception_message: text('The error in a sentence.'),
    }),
  };
}

function tersePlan(): Properties {
  const { name, audit, strategy, created_by, started_by, approval, ...terse } = ACTION_PLAN;
  return terse;
}

/** The definitions that the schemas of `audit.*`, `action_plan.*` and `action.*` refer to. */
export function watcherObjects(): Schema {
  return {
    $schema: DIALECT,
    title: 'Payloads about audits, action plans and actions',
    $defs: {
      uuid: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
      time: { type: 'string', pattern: `^${TIME}$` },
      time_or_null: { type: ['string', 'null'], pattern: `^${TIME}$` },
      error_code: { type: 'string', pattern: '^[A-Z]+(_[A-Z]+)*$', description: 'A code of docs/errors.md.' },
      ...payloads(),
      ...parts(),
    },
  };
}

/** What a type says more exactly than its payload: no fault, or always one. */
export function faultOf(eventType: string): Properties {
  if (!/\.(execution|cancel|rollback)\./.test(eventType)) return {};
  return { fault: eventType.endsWith('.error') ? { type: 'object' } : nothing() };
}
