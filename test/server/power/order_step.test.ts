/** What a turn of the keeper does with an order, as data: what it is decided on, and the step, before anything is written. */
import test from 'ava';
import { TARGETS } from '../../../src/core/power.ts';
import { type ChangeOrder, type ChangeRows, nextOfOrder, stepOfChange } from '../../../src/server/power/order_step.ts';
import { bodyOf, repetitionOf } from '../../../src/server/power/repeated_orders.ts';
import type { PowerTaskRow } from '../../../src/server/store/rows.ts';
import { FACTS, NODE, NOW, taskNamed, wordsOfStep } from './step_words.ts';

const ASKED = {
  node: 'n1',
  target: 'power off',
  timeoutMs: null,
  onTimeout: 'FAIL',
  reason: '',
  abortsTaskUuid: null,
  joinEqual: false,
  by: {
    requestId: 'id-1',
    actionUuid: null,
    abortsActionUuid: null,
    planUuid: null,
    orderedBy: 'ann',
    orderedFor: null,
    trace: null,
  },
} as const;

const CHANGE: ChangeOrder = {
  kind: 'change',
  asked: ASKED,
  task: taskNamed('own', { target: 'power off', phase: 'WHOLE' }),
  node: NODE,
  driver: { targets: TARGETS } as never,
  agentUuid: 'agent-1',
  guard: async () => {},
  also: undefined,
};

// Orders that were given before.
const repeats = test.macro<[Partial<PowerTaskRow> | null, Partial<PowerTaskRow> | null, string, object?]>({
  exec(t, earlier, last, expected, more = {}) {
    const order = { ...ASKED, ...more };
    const row = (uuid: string, given: Partial<PowerTaskRow> | null): PowerTaskRow | null =>
      given && taskNamed(uuid, { target: 'power off', requestBody: bodyOf(order), ...given });
    const found = { earlier: row('earlier', earlier), last: row('last', last) };
    t.is(wordsOfStep(repetitionOf(order, found, FACTS)), expected);
  },
  title: (what = '', _earlier, _last, expected) => `${what} -> ${expected.slice(0, 60)}`,
});

test('an order like no other', repeats, null, null, 'not given before');
test('its request_id is known', repeats, {}, null, 'is earlier');
test('its request_id is known, and it has ended', repeats, { state: 'FAILED', createdAt: 0 }, null, 'is earlier');
const TAKEN = "REQUEST_ID_TAKEN: request_id 'id-1' was used for a power off of n1 (power task earlier); choose another";
test('its request_id is known of another order', repeats, { requestBody: '{}' }, null, TAKEN);
test(
  'its request_id is known of another node',
  repeats,
  { nodeUuid: 'other', nodeName: 'n2' },
  null,
  TAKEN.replace('n1', 'n2'),
);
test('its node is named by uuid now', repeats, {}, null, 'is earlier', { node: 'node' });
test('its request_id and its like are known', repeats, {}, {}, 'is earlier');
const OF_ACTION = { by: { ...ASKED.by, requestId: null, actionUuid: 'action' } };
test('of an action, worded otherwise', repeats, { requestBody: '{}' }, null, 'is earlier', OF_ACTION);
test(
  'of an action, of another target',
  repeats,
  { target: 'power on' },
  null,
  'INTERNAL: power task earlier of an action is a power on of n1',
  OF_ACTION,
);
test('its like, not at rest', repeats, null, { createdAt: 0 }, 'is last');
test('its like, at rest a moment ago', repeats, null, { state: 'SUCCEEDED' }, 'is last');
test('its like, at rest long ago', repeats, null, { state: 'SUCCEEDED', createdAt: 0 }, 'not given before');
test('one unlike it', repeats, null, { requestBody: '{}' }, 'not given before');
test('its like, for another identity', repeats, null, { orderedFor: 'bob' }, 'not given before');

// Orders.
const orders = test.macro<[Partial<ChangeRows>, string]>({
  exec(t, rows, expected) {
    const found = { node: NODE, frozen: null, obstacle: null, ...rows };
    t.is(wordsOfStep(stepOfChange(CHANGE, found, NOW)), expected);
  },
  title: (what = '', _rows, expected) => `an order: ${what} -> ${expected.slice(0, 60)}`,
});

const held = (more: Partial<PowerTaskRow>, planRuns = false) =>
  ({ obstacle: { kind: 'task', task: taskNamed('holder', more), planRuns } }) as const;
const FROZEN = {
  frozen: { uuid: 'freeze', zone: '', labels: {}, reason: 'moving', until: null, createdBy: 'bob' } as never,
};
const FREEZES = 'NODE_FROZEN: node n1 is frozen until freeze freeze is lifted: moving; aborts are accepted';
test('a free node', orders, {}, 'order own; tells own');
test('a node that was deleted', orders, { node: null }, 'NODE_NOT_FOUND: node n1 was deleted');
test('a frozen node', orders, FROZEN, FREEZES);
test('a frozen node that was deleted', orders, { node: null, ...FROZEN }, FREEZES);
test('a frozen node that is held', orders, { ...held({}), ...FROZEN }, FREEZES);
const HELD = 'NODE_HELD: node n1 is held by power task holder';
test('the holder is queued', orders, held({}), `${HELD}, soft power off QUEUED since 5 s; possible: withdraw it`);
test(
  'the holder can be aborted',
  orders,
  held({ state: 'CONFIRMING' }),
  `${HELD}, soft power off CONFIRMING since 5 s; possible: abort soft power off`,
);
test(
  'the holder is being aborted',
  orders,
  held({ state: 'ABORTING' }),
  `${HELD}, soft power off ABORTING since 5 s; wait until it is at rest`,
);
test(
  'the holder is of a plan that runs',
  orders,
  held({ planUuid: 'plan', actionUuid: 'action' }, true),
  `${HELD} of plan plan, soft power off QUEUED since 5 s; possible: cancel the plan, withdraw it`,
);
test(
  'a recall is under way',
  orders,
  held({ target: 'abort soft power off', phase: 'WHOLE', state: 'SENDING' }),
  `${HELD}, abort soft power off SENDING since 5 s; wait until it is at rest`,
);
test(
  'another node has the same BMC',
  orders,
  { obstacle: { kind: 'twin', twin: { ...NODE, uuid: 'twin', name: 'n2', heldBy: 'other' } } },
  'NODE_HELD: node n1 is reached through the same BMC (10.0.0.1) as node n2, which is held by power task other; delete one of the two nodes, or change its address',
);

test('what an order writes of its node', (t) => {
  const step = stepOfChange(CHANGE, { node: NODE, frozen: null, obstacle: null }, NOW);
  t.like(step, { answer: 'own', on: { tasks: [] }, writes: [{ node: { agentUuid: 'agent-1', fence: 8 } }] });
});

// What follows when it is committed.
const follows = test.macro<[Partial<PowerTaskRow>, string | null, string]>({
  exec(t, more, attached, expected) {
    const next: string = nextOfOrder({ task: taskNamed('own', more), node: NODE }, attached);
    t.is(next, expected);
  },
  title: (what = '', _more, attached, expected) => `${what}, attached: ${attached} -> ${expected}`,
});

const RECALL = {
  target: 'abort soft power off',
  state: 'SENDING',
  abortsTaskUuid: 'given-up',
  abortDeadlineAt: NOW,
} as const;
test('a new order', follows, {}, 'agent-1', 'tell');
test('a new order', follows, {}, 'agent-2', 'hand_over');
test('a new order', follows, {}, null, 'rest');
test('an order that is being aborted', follows, { state: 'ABORTING' }, 'agent-1', 'tell');
test('an order that is being aborted', follows, { state: 'ABORTING' }, 'agent-2', 'hand_over');
test('an order that was aborted unsent', follows, { state: 'ABORTED' }, 'agent-1', 'tell');
test('an order that was aborted unsent', follows, { state: 'ABORTED' }, 'agent-2', 'rest');
test('a recall', follows, RECALL, 'agent-1', 'hand_over');
test('a recall', follows, RECALL, null, 'rest');
