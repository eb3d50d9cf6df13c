import test from 'ava';
import { eventLine } from '../../../src/cli/events/line.ts';
import { isOfNode, isOfPlan } from '../../../src/cli/events/payload.ts';
import { utcTime } from '../../../src/cli/shared/times.ts';
import { Event } from '../../../src/gen/countermand/v1/notification.ts';

const lineOf = (eventType: string, data: object): string =>
  eventLine(
    Event.fromPartial({ sequence: 7n, eventType, timestamp: new Date(0), payload: { 'ironic_object.data': data } }),
    new Map(),
    utcTime,
  );

test('a power task: the states that it left and reached', (t) => {
  const task = { target: 'soft power off', old_state: 'CONFIRMING', state: 'SUCCEEDED' };
  t.is(
    lineOf('baremetal.node.power_set.end', { name: 'n1', power_task: task }),
    `     7  1970-01-01T00:00:00.000Z  ${'baremetal.node.power_set.end'.padEnd(44)}  n1  soft power off: CONFIRMING -> SUCCEEDED`,
  );
});

test('an abort: its outcome', (t) => {
  const task = { target: 'abort soft power off', old_state: null, state: 'SUCCEEDED' };
  const line = lineOf('x', { name: 'n1', power_task: task, abort: { outcome: 'NOTHING_TO_ABORT' } });
  t.regex(line, / {2}n1 {2}abort soft power off: SUCCEEDED \(NOTHING_TO_ABORT\)$/);
});

test('what was done to an enrolled node, and why not', (t) => {
  const said = (change: string, data: object): string => lineOf(`baremetal.node.${change}`, { name: 'n1', ...data });
  t.regex(said('create.end', { driver: 'ipmi', error_code: null }), /n1 {2}driver ipmi$/);
  t.regex(said('update.end', { changed: ['name', 'labels'] }), /n1 {2}changed: name, labels$/);
  t.regex(said('maintenance_set.end', { maintenance: true, maintenance_reason: 'fan' }), /n1 {2}maintenance on: fan$/);
  t.regex(said('maintenance_set.end', { maintenance: false, maintenance_reason: null }), /n1 {2}maintenance off$/);
  t.regex(said('delete.end', {}), /n1$/);
  t.regex(
    said('delete.error', { error_code: 'NODE_HELD', error_message: 'node n1 is held' }),
    /n1 {2}NODE_HELD: node n1 is held$/,
  );
  t.regex(said('update.end', { changed: 'x' }), /changed: unknown$/);
});

test('a reading: from and to', (t) => {
  t.regex(
    lineOf('x', { name: 'n1', from_power: 'power on', power_state: 'power off' }),
    /n1 {2}power on -> power off$/,
  );
  t.regex(lineOf('x', { name: 'n1', from_power: null, power_state: 'power off' }), /n1 {2}unknown -> power off$/);
});

test('an event of another kind, or with a payload of another shape, is a line all the same', (t) => {
  for (const data of [{}, { name: 3, power_task: 'x' }, { power_task: { state: {} } }, { name: 'a\nb' }])
    t.regex(lineOf('x', data), /^ {5}7 {2}1970\S+ {2}x/);
  t.is(eventLine(Event.fromPartial({ sequence: 1n, eventType: 'x' }), new Map(), utcTime), '     1    x');
  t.notRegex(lineOf('x', { name: 'a\nb' }), /\n/);
});

const watcher = (data: object): object => ({ 'watcher_object.data': data });
const planEvent = (eventType: string, data: object): Event =>
  Event.fromPartial({ sequence: 7n, eventType, timestamp: new Date(0), payload: watcher(data) });
const NAMES = new Map([['plan-1', 'rack 7 down']]);
const afterType = (event: Event): string => eventLine(event, NAMES, utcTime).slice(80);

test('a plan: old and new state, and why', (t) => {
  const update = { old_state: 'ONGOING', state: 'CANCELLING', status_message: 'cancelled: wrong rack' };
  const event = planEvent('action_plan.update', {
    uuid: 'plan-1',
    name: 'rack 7 down',
    state: 'CANCELLING',
    state_update: watcher(update),
  });
  t.is(afterType(event), 'rack 7 down  ONGOING -> CANCELLING; cancelled: wrong rack');
});

test('an action: its plan by name, its state, and its fault', (t) => {
  const fault = { exception: 'RECALL_FAILED', exception_message: 'the BMC refused' };
  const data = { name: 'down', state: 'FAILED', action_plan: watcher({ uuid: 'plan-1' }), fault: watcher(fault) };
  t.is(afterType(planEvent('action.cancel.error', data)), 'rack 7 down/down  FAILED; RECALL_FAILED: the BMC refused');
  const of2 = { ...data, action_plan: watcher({ uuid: 'plan-2' }), fault: null };
  t.is(afterType(planEvent('action.cancel.end', of2)), 'plan-2/down  FAILED');
});

test('the events of a plan: its own, its actions, and the power tasks that they ordered', (t) => {
  const plan = { uuid: 'plan-1', name: 'rack 7 down' };
  const taskOf = (uuid: string) => ({
    power_task: { reason: `action 'down' of plan 'rack 7 down' (${uuid})` },
  });
  const ofNode = (data: object) =>
    Event.fromPartial({ eventType: 'baremetal.node.power_set.end', payload: { 'ironic_object.data': data } });
  t.true(isOfPlan(planEvent('action_plan.update', { uuid: 'plan-1' }), plan));
  t.true(isOfPlan(planEvent('action.update', { uuid: 'a', action_plan: watcher({ uuid: 'plan-1' }) }), plan));
  const ordered = { plan_uuid: 'plan-1', reason: '' };
  t.true(isOfPlan(ofNode({ power_task: ordered }), plan));
  t.false(isOfPlan(ofNode({ power_task: { ...taskOf('plan-1').power_task, plan_uuid: null } }), plan));
  const changed = { cause: 'ordered by an operator', plan_uuid: null, maintenance_reason: 'as in (plan-1)' };
  t.true(isOfPlan(ofNode({ ...changed, plan_uuid: 'plan-1' }), plan));
  t.false(isOfPlan(ofNode({ ...changed, cause: 'an operator wrote (plan-1)' }), plan));
  // Events of earlier versions.
  t.true(isOfPlan(ofNode(taskOf('plan-1')), plan));
  t.true(isOfPlan(ofNode({ cause: "action 'a' of plan 'rack 7 down' (plan-1)" }), plan));
  t.false(isOfPlan(planEvent('action_plan.update', { uuid: 'plan-2', name: 'rack 7 down' }), plan));
  t.false(isOfPlan(planEvent('audit.update', { uuid: 'plan-1' }), plan));
  t.false(isOfPlan(ofNode(taskOf('plan-2')), plan));
});

test('the events of a node: its own, and the actions about it', (t) => {
  const node = { uuid: 'node-1', name: 'r7n1' };
  const ofNode = (data: object) =>
    Event.fromPartial({ eventType: 'baremetal.node.power_set.end', payload: { 'ironic_object.data': data } });
  t.true(isOfNode(ofNode({ uuid: 'node-1', name: 'old' }), node));
  t.true(isOfNode(ofNode({ name: 'r7n1' }), node));
  for (const resource of ['r7n1', 'node-1'])
    t.true(isOfNode(planEvent('action.update', { input_parameters: { resource_id: resource } }), node));
  t.false(isOfNode(planEvent('action.update', { name: 'r7n1' }), node));
  t.false(isOfNode(planEvent('action_plan.update', { name: 'r7n1' }), node));
  t.false(isOfNode(ofNode({}), node));
});
