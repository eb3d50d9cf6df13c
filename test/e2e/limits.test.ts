/** One more than each limit, sent to a real conductor: the error of the table, and nothing written. */
import test from 'ava';
import { KEPT_LIMITS, type LimitRow, SENT_LIMITS } from '../../src/core/limits.ts';
import { FailurePolicy } from '../../src/gen/countermand/v1/action_plan.ts';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { type Client, Refusal } from './client.ts';
import { openHouse } from './house.ts';

const text = (length: number): string => 'x'.repeat(length);
const list = <T>(length: number, part: (at: number) => T): T[] => Array.from({ length }, (_, at) => part(at));
const pairs = (count: number, value = 'v'): Record<string, string> =>
  Object.fromEntries(list(count, (at) => [`k${at}`, value]));
const nop = (at: number, more: object = {}) => ({
  name: `a${at}`,
  actionType: 'nop',
  inputParameters: {},
  parents: [],
  ...more,
});
const nested = (depth: number): object => (depth === 0 ? {} : { in: nested(depth - 1) });

/** One more than the limit of a row, as a call. */
type OneMore = (client: Client, limit: number) => Promise<unknown>;

const plan = (client: Client, more: object): Promise<unknown> =>
  client.plans.createActionPlan({
    name: 'p',
    requestId: 'r',
    actions: [nop(0)],
    onFailure: FailurePolicy.STOP,
    ...more,
  });
const audit = (client: Client, more: object): Promise<unknown> =>
  client.audits.createAudit({ name: 'a', requestId: 'r', strategy: 'dummy', ...more });
const node = (client: Client, more: object): Promise<unknown> =>
  client.nodes.createNode({ name: 'new', driver: 'fake', driverInfo: { fake_address: 'new' }, ...more });
const first = (stream: AsyncIterable<unknown>): Promise<unknown> => stream[Symbol.asyncIterator]().next();

const CALLS: Readonly<Record<keyof typeof SENT_LIMITS, OneMore>> = {
  message_bytes: (client, limit) => client.nodes.getNode({ node: text(limit + 1) }),
  plan_message_bytes: (client, limit) => plan(client, { name: text(limit + 1) }),
  // Two parts of each parent: what it is, and how long. Ten actions have more parents than are decoded.
  message_parts: (client, limit) =>
    plan(client, { actions: list(10, (at) => nop(at, { parents: list(limit / 20 + 1, () => '') })) }),
  name: (client, limit) => node(client, { name: text(limit + 1) }),
  text: (client, limit) =>
    first(client.power.setPowerState({ node: 'n1', target: PowerTarget.OFF, reason: text(limit + 1) })),
  list: (client, limit) => client.nodes.updateNode({ node: 'n1', removeLabels: list(limit + 1, (at) => `l${at}`) }),
  nesting: (client, limit) =>
    client.audits.reportClusterEvent({ eventType: 'instance.update', nodes: ['n1'], payload: nested(limit) }),
  named_nodes: (client, limit) => first(client.nodes.refreshNodes({ nodes: [`n[1-${limit}]`, 'n1'] })),
  named_characters: (client) => first(client.nodes.refreshNodes({ nodes: [`n[1-100000]${'[1]'.repeat(240)}`] })),
  range_digits: (client, limit) => first(client.nodes.refreshNodes({ nodes: [`n[${'9'.repeat(limit + 1)}]`] })),
  range_pattern: (client, limit) => first(client.nodes.refreshNodes({ nodes: [`n[${'1,'.repeat(limit / 2)}1]`] })),
  label_count: (client, limit) => client.nodes.updateNode({ node: 'n1', setLabels: pairs(limit + 1) }),
  label_key: (client, limit) => client.nodes.updateNode({ node: 'n1', setLabels: { [text(limit + 1)]: 'v' } }),
  label_value: (client, limit) => client.nodes.updateNode({ node: 'n1', setLabels: { l: text(limit + 1) } }),
  info_count: (client, limit) => node(client, { driverInfo: pairs(limit + 1) }),
  info_value: (client, limit) => node(client, { driverInfo: { fake_address: text(limit + 1) } }),
  scope_criteria: (client, limit) =>
    audit(client, { scope: [{ baremetal: list(limit + 1, (at) => ({ labels: { l: `${at}` } })) }] }),
  page_size: (client, limit) => client.nodes.listNodes({ pageSize: limit + 1 }),
  page_token: (client, limit) => client.nodes.listNodes({ pageToken: text(limit + 1) }),
  event_types: (client, limit) =>
    first(client.notifications.subscribe({ eventTypes: list(limit + 1, (at) => `e${at}`) })),
  actions: (client, limit) => plan(client, { actions: list(limit + 1, nop) }),
  parents: (client, limit) =>
    plan(client, {
      actions: [nop(0), ...list(60, (at) => nop(at + 1, { parents: list(Math.ceil((limit + 1) / 60), () => 'a0') }))],
    }),
  max_parallel: (client, limit) => plan(client, { maxParallel: limit + 1 }),
  action_timeout_s: (client, limit) => plan(client, { actions: [nop(0, { timeout: limit + 1 })] }),
  audit_interval_s: (client, limit) => audit(client, { auditType: AuditType.CONTINUOUS, interval: limit + 1 }),
};

test('one more than each limit is refused with the error of the table, and nothing is written', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  await client.nodes.createNode({ name: 'n1', driver: 'fake', driverInfo: { fake_address: 'n1' } });
  const newest = async () => {
    let last = 0n;
    for await (const { event } of client.notifications.subscribe({ fromSequence: 0n, stopAtPresent: true }))
      if (!event?.eventType.startsWith('baremetal.node.power_state_corrected')) last = event?.sequence ?? last;
    return last;
  };
  const before = await newest();
  for (const [name, row] of Object.entries(SENT_LIMITS) as [keyof typeof SENT_LIMITS, LimitRow][]) {
    const error = await t.throwsAsync(CALLS[name](client, row.limit), { instanceOf: Refusal }, name);
    t.is((error as Refusal).code, row.error, `${name}: ${error?.message}`);
    t.regex(error?.message ?? '', /at most|more than|longer than|it is|1 to/, name);
  }
  const { nodes } = await client.nodes.listNodes({});
  t.deepEqual(
    nodes.map((found) => [found.name, found.labels]),
    [['n1', {}]],
  );
  t.is(await newest(), before);
});

/** Texts that once kept the conductor busy, or ended it. All are small. */
const TRAPS: readonly (readonly [name: string, call: (client: Client) => Promise<unknown>])[] = [
  [
    'numbers that cannot be counted',
    (client) =>
      audit(client, { scope: [{ baremetal: [{ nodes: ['n[99999999999999999998-99999999999999999999]'] }] }] }),
  ],
  [
    'the same large range ten times',
    (client) => first(client.nodes.refreshNodes({ nodes: list(10, () => 'n[1-100000]') })),
  ],
  [
    'ten large ranges in one text',
    (client) => first(client.nodes.watchNodes({ nodes: [list(10, () => 'n[1-100000]').join(',')] })),
  ],
  ['groups that multiply', (client) => first(client.nodes.refreshNodes({ nodes: ['n[1-999][1-999][1-999][1-999]'] }))],
  [
    'long names in a scope',
    (client) => audit(client, { scope: [{ baremetal: [{ nodes: [`n[1-100000]${'[1]'.repeat(80)}`] }] }] }),
  ],
  [
    'long names of an event',
    (client) =>
      client.audits.reportClusterEvent({ eventType: 'instance.update', nodes: [`n[1-100000]${'[1]'.repeat(240)}`] }),
  ],
  [
    'many labels in a scope',
    (client) => audit(client, { scope: [{ baremetal: [{ labels: pairs(SENT_LIMITS.scope_criteria.limit + 1) }] }] }),
  ],
  [
    'large ranges in exclusions',
    (client) => audit(client, { scope: [{ baremetal: [{ exclude: list(10, () => ({ nodes: ['n[1-99999]'] })) }] }] }),
  ],
  [
    'numbers beyond those of JavaScript',
    (client) => first(client.notifications.subscribe({ fromSequence: 2n ** 62n })),
  ],
  ['many labels in a filter', (client) => client.nodes.listNodes({ labels: pairs(SENT_LIMITS.label_count.limit + 1) })],
  ['a negative page', (client) => client.nodes.listNodes({ pageSize: -1 })],
];

test('small requests that mean much work are refused before it is done', async (t) => {
  const house = await openHouse(t, { here: true });
  for (const [name, call] of TRAPS) {
    const error = await t.throwsAsync(call(house.client), { instanceOf: Refusal }, name);
    t.regex((error as Refusal).code, /INVALID|NOT_FOUND|OUT_OF_RANGE/, `${name}: ${error?.message}`);
  }
  await house.client.nodes.listNodes({});
});

test('a payload that is nested two thousand times is an error of that call only', async (t) => {
  const house = await openHouse(t, { here: true });
  let payload: object = {};
  for (let depth = 0; depth < 2000; depth += 1) payload = { in: payload };
  await t.throwsAsync(
    house.client.audits.reportClusterEvent({ eventType: 'instance.update', nodes: ['n1'], payload: payload as never }),
  );
  await house.client.nodes.listNodes({});
});

test('the sentence of an error is cut, however much of the request it repeats', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const unknown = Object.fromEntries(list(50, (at) => [`${at}${text(200)}`, 'v']));
  const error = await t.throwsAsync(audit(client, { scope: [{ baremetal: [unknown] }] }), { instanceOf: Refusal });
  t.is(error?.message.length, KEPT_LIMITS.answer_text.limit);
});
