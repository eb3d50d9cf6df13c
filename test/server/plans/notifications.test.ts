/**
 * The notifications of plans against those of Watcher: the keys below are those of its real payloads, one of each type,
 * with what their values are. Ours have at least these, and what they say is true.
 */
import test from 'ava';
import { isErrorCode } from '../../../src/core/errors.ts';
import type { EventRow } from '../../../src/server/store/rows.ts';
import { everyNotification } from '../../world/every_notification.ts';

type Data = Readonly<Record<string, unknown>>;
type Kind = 'text' | 'text?' | 'list' | 'object' | 'flag' | Keys;
interface Keys {
  readonly [key: string]: Kind;
}

const STAMPS: Keys = { created_at: 'text', updated_at: 'text?', deleted_at: 'text?' };
const GOAL: Keys = { uuid: 'text', name: 'text', display_name: 'text', efficacy_specification: 'list', ...STAMPS };
const STRATEGY: Keys = { uuid: 'text', name: 'text', display_name: 'text', parameters_spec: 'object', ...STAMPS };
const TERSE_AUDIT: Keys = {
  uuid: 'text',
  name: 'text',
  audit_type: 'text',
  state: 'text',
  status_message: 'text?',
  parameters: 'object',
  interval: 'text?',
  scope: 'list',
  goal_uuid: 'text',
  strategy_uuid: 'text?',
  auto_trigger: 'flag',
  next_run_time: 'text?',
  ...STAMPS,
};
const AUDIT: Keys = { ...TERSE_AUDIT, goal: GOAL, strategy: STRATEGY };
const TERSE_PLAN: Keys = {
  uuid: 'text',
  state: 'text',
  status_message: 'text?',
  global_efficacy: 'list',
  audit_uuid: 'text',
  strategy_uuid: 'text',
  ...STAMPS,
};
const PLAN: Keys = { ...TERSE_PLAN, audit: TERSE_AUDIT, strategy: STRATEGY };
const ACTION: Keys = {
  uuid: 'text',
  action_type: 'text',
  input_parameters: 'object',
  state: 'text',
  status_message: 'text?',
  parents: 'list',
  action_plan: TERSE_PLAN,
  ...STAMPS,
};
/** Watcher's old state and state of an action are always null; ours are not. */
const STATE_UPDATE: Keys = { old_state: 'text', state: 'text', status_message: 'text?' };
const FAULT: Keys = { module_name: 'text', function_name: 'text', exception: 'text', exception_message: 'text' };

/** The names that Watcher gives its payloads. */
const NAMES: Readonly<Record<string, string>> = {
  'action_plan.create': 'ActionPlanCreatePayload',
  'action_plan.rollback.end': 'ActionPlanRollbackPayload',
  'action_plan.rollback.error': 'ActionPlanRollbackPayload',
  'action_plan.rollback.start': 'ActionPlanRollbackPayload',
  'action_plan.update': 'ActionPlanUpdatePayload',
  'action_plan.delete': 'ActionPlanDeletePayload',
  'action_plan.execution.start': 'ActionPlanActionPayload',
  'action_plan.execution.end': 'ActionPlanActionPayload',
  'action_plan.execution.error': 'ActionPlanActionPayload',
  'action_plan.cancel.start': 'ActionPlanCancelPayload',
  'action_plan.cancel.end': 'ActionPlanCancelPayload',
  'action_plan.cancel.error': 'ActionPlanCancelPayload',
  'action.create': 'ActionCreatePayload',
  'action.update': 'ActionUpdatePayload',
  'action.delete': 'ActionDeletePayload',
  'action.execution.start': 'ActionExecutionPayload',
  'action.execution.end': 'ActionExecutionPayload',
  'action.execution.error': 'ActionExecutionPayload',
  'action.cancel.start': 'ActionCancelPayload',
  'action.cancel.end': 'ActionCancelPayload',
  'action.cancel.error': 'ActionCancelPayload',
  'audit.create': 'AuditCreatePayload',
  'audit.update': 'AuditUpdatePayload',
  'audit.delete': 'AuditDeletePayload',
};

/** The keys that Watcher's payload of a type has. */
function keysOf(eventType: string): Keys {
  const [thing = '', verb = '', phase] = eventType.split('.');
  const own = { audit: AUDIT, action_plan: PLAN, action: ACTION }[thing] as Keys;
  if (verb === 'update') return { ...own, state_update: STATE_UPDATE };
  if (phase === undefined) return own;
  return { ...own, fault: phase === 'error' ? FAULT : 'text?' };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return { string: 'text', boolean: 'flag', object: 'object' }[typeof value as string] ?? typeof value;
}

/** What a payload lacks of these keys, or has otherwise. */
function lacks(payload: Data, keys: Keys, place: string): string[] {
  const data = payload['watcher_object.data'] as Data;
  const wrapped = payload['watcher_object.namespace'] === 'watcher' && payload['watcher_object.version'] === '1.0';
  const wrong = wrapped ? [] : [`${place} is no versioned object of Watcher`];
  const inside = Object.entries(keys).flatMap(([key, kind]) => {
    const value = data[key];
    const where = `${place}.${key}`;
    if (value === undefined) return [`${where} is not there`];
    if (typeof kind !== 'string') return value === null ? [`${where} is null`] : lacks(value as Data, kind, where);
    if (value === null) return kind.endsWith('?') ? [] : [`${where} is null`];
    return kindOf(value) === kind.replace('?', '') ? [] : [`${where} is ${kindOf(value)}`];
  });
  return [...wrong, ...inside];
}

const dataOf = ({ payload }: EventRow): Data => payload['watcher_object.data'] as Data;
const partOf = (data: Data, key: string): Data => (data[key] as Data)['watcher_object.data'] as Data;

let events: EventRow[] = [];
test.before(async () => {
  const all = await everyNotification();
  events = all.filter(({ payload }) => payload['watcher_object.data'] !== undefined);
});

test('every key of the real payloads is there, with a value of its type', (t) => {
  const missing = events.flatMap(({ eventType, payload }) => lacks(payload, keysOf(eventType), eventType));
  t.deepEqual([...new Set(missing)], []);
});

test('every type has the name of its payload and its priority, and was sent', (t) => {
  const names = Object.fromEntries(
    events.map(({ eventType, payload }) => [eventType, payload['watcher_object.name'] as string]),
  );
  t.deepEqual(names, NAMES);
  for (const { eventType, priority } of events) t.is(priority, eventType.endsWith('.error') ? 'ERROR' : 'INFO');
});

test('the state updates, replayed, give every state that any event carries', (t) => {
  const states = new Map<unknown, unknown>();
  for (const event of events) {
    const { eventType } = event;
    const data = dataOf(event);
    if (eventType.endsWith('.create')) states.set(data.uuid, data.state);
    if (eventType.endsWith('.update')) {
      const update = partOf(data, 'state_update');
      t.is(update.old_state, states.get(data.uuid), `${eventType} ${event.sequence}: old_state`);
      states.set(data.uuid, update.state);
    }
    t.is(data.state, states.get(data.uuid), `${eventType} ${event.sequence}: state`);
    if (eventType.startsWith('action.'))
      t.is(partOf(data, 'action_plan').state, states.get(partOf(data, 'action_plan').uuid), `${event.sequence}: plan`);
  }
});

test('a start is followed by one end or error; what is cancelled while it runs has that of the cancel', (t) => {
  const open = new Map<unknown, string>();
  for (const event of events) {
    const { eventType } = event;
    const { uuid, name } = dataOf(event);
    const [, verb = '', phase = ''] = eventType.split('.');
    if (phase === '') continue;
    const before = open.get(uuid);
    if (phase === 'start') {
      t.true(before === undefined || (before === 'execution' && verb === 'cancel'), `${name}: ${eventType}`);
      open.set(uuid, verb);
    } else {
      const refused = before === undefined && eventType === 'action.execution.error';
      t.true(before === verb || refused, `${name}: ${eventType} after ${before}`);
      open.delete(uuid);
    }
  }
  t.deepEqual([...open], [], 'nothing is left open');
});

test('an error carries what went wrong, and nothing else does', (t) => {
  for (const event of events) {
    const { fault } = dataOf(event);
    const isError = event.eventType.endsWith('.error');
    t.is(typeof fault === 'object' && fault !== null, isError, event.eventType);
    if (!isError) continue;
    const { exception, exception_message: message } = partOf(dataOf(event), 'fault');
    t.true(isErrorCode(exception as string), `${exception}`);
    t.not(message, '');
  }
  const cancelError = events.find(({ eventType }) => eventType === 'action.cancel.error') as EventRow;
  t.is(partOf(dataOf(cancelError), 'fault').exception, 'RECALL_FAILED');
  t.regex(partOf(dataOf(cancelError), 'fault').exception_message as string, /the pretended BMC refuses recalls/);
});

test('what is deleted says when', (t) => {
  for (const event of events)
    t.is(dataOf(event).deleted_at !== null, dataOf(event).state === 'DELETED', `${event.eventType} ${event.sequence}`);
});
