/** What a conductor logs: each order once when it is accepted and once when it has ended, the moves of plans, nodes that cannot be read. */
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { logChanges } from '../../../src/server/events/logged.ts';
import type { Log } from '../../../src/server/log.ts';
import type { Actor } from '../../../src/server/store/actor.ts';
import type { Also } from '../../../src/server/store/also.ts';
import type { World } from '../../world/world.ts';
import { make, softOff, worldWith } from '../plan_making.ts';

type Line = Record<string, unknown> & { message: string; level: string };

/** Everything that is logged from now on, until the test ends. */
function logOf(t: ExecutionContext, world: World): Line[] {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ ...fields, level, message });
  const log: Log = { info: at('info'), warn: at('warn'), error: at('error') };
  const cancellation = openCancellation([]);
  void logChanges(world.conductor.orders.store.database, log, cancellation.signal);
  t.teardown(() => cancellation.abort(fail('CALL_ENDED', 'the test is over')));
  return lines;
}

const about = (lines: readonly Line[], thing: string): Line[] =>
  lines.filter(({ message }) => message.startsWith(thing));

test('an order has a line when it is accepted and a line when it has ended, and so has its abort', async (t) => {
  const world = await worldWith(t, 'n1');
  const lines = logOf(t, world);
  const { uuid } = await world.order('n1', 'soft power off', { requestId: 'r1', reason: 'rack 7' });
  await world.clock.turn(5000);
  await world.order('n1', 'abort soft power off');
  await world.clock.turn(600_000);
  const said = about(lines, 'power order').map(({ message, target, state, outcome }) => ({
    message,
    target,
    state,
    outcome,
  }));
  t.deepEqual(said, [
    { message: 'power order accepted', target: 'soft power off', state: undefined, outcome: undefined },
    { message: 'power order accepted', target: 'abort soft power off', state: undefined, outcome: undefined },
    { message: 'power order ended', target: 'soft power off', state: 'ABORTED', outcome: 'RECALLED' },
    { message: 'power order ended', target: 'abort soft power off', state: 'SUCCEEDED', outcome: 'RECALLED' },
  ]);
  t.like(lines[0], { level: 'info', task: uuid, node: 'n1', request_id: 'r1', reason: 'rack 7' });
  t.is(lines[2]?.took_ms, 20_000);
});

test('a plan has a line for each of its states, and its orders name it', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const lines = logOf(t, world);
  const { uuid } = await make(world, 'p1', [softOff('n1'), softOff('n2', ['n1'])]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(5000);
  await world.conductor.plans.cancel('p1', 'wrong rack');
  await world.clock.turn(600_000);
  t.deepEqual(
    about(lines, 'plan').map(({ message }) => message),
    ['plan RECOMMENDED', 'plan PENDING', 'plan ONGOING', 'plan CANCELLING', 'plan CANCELLED'],
  );
  t.true(about(lines, 'power order').every(({ plan }) => plan === uuid));
});

test('a node that cannot be read has one line, and one when it can be read again', async (t) => {
  const world = await worldWith(t, 'n1');
  const lines = logOf(t, world);
  await world.clock.turn(1000);
  const server = world.server('n1');
  server.settings = { ...server.settings, fake_fault: 'silent' };
  await world.clock.turn(1_200_000);
  server.settings = { ...server.settings, fake_fault: 'none' };
  await world.clock.turn(1_200_000);
  t.deepEqual(
    about(lines, 'node').map(({ level, message, node, code }) => [level, message, node, code]),
    [
      ['warn', 'node cannot be read', 'n1', 'BMC_SILENT'],
      ['info', 'node can be read again', 'n1', undefined],
    ],
  );
});

test('a conductor that begins to log while work is under way tells of no order and no plan a second time', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  await make(world, 'p1', [softOff('n1'), softOff('n2')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(5000);
  const lines = logOf(t, world);
  await world.conductor.plans.cancel('p1', 'wrong rack');
  await world.clock.turn(600_000);
  const targets = about(lines, 'power order accepted').map(({ target }) => target);
  t.deepEqual(targets, ['abort soft power off', 'abort soft power off']);
  t.deepEqual(
    about(lines, 'plan').map(({ message }) => message),
    ['plan CANCELLING', 'plan CANCELLED'],
  );
});

const CALLER: Actor = {
  identity: 'token:rack7',
  onBehalfOf: 'jwt:alice',
  peer: '192.0.2.7:41000',
  trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true, state: '' },
};
const SAID = { identity: 'token:rack7', on_behalf_of: 'jwt:alice', peer: '192.0.2.7:41000' };
/** A call of CALLER, without a trail. */
const also: Also = { actor: CALLER, note: async () => {}, done: () => {} };
const ordered = { also, orderedBy: CALLER.identity, orderedFor: CALLER.onBehalfOf };

test('the lines of an order and of a plan say who called, from where and in which trace', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const lines = logOf(t, world);
  await world.order('n1', 'soft power off', { requestId: 'r1', ...ordered });
  await make(world, 'p1', [softOff('n2')]);
  await world.conductor.plans.start('p1', false, false, null, null, also);
  await world.clock.turn(5000);
  // Another caller, of whom nothing is known.
  await world.order('n1', 'abort soft power off', { requestId: 'r2' });
  await world.conductor.plans.cancel('p1', 'wrong rack', false, null, also);
  await world.clock.turn(600_000);
  const trace_id = 'a'.repeat(32);
  for (const message of ['power order accepted', 'power order ended'])
    t.like(
      lines.find((line) => line.message === message && line.request_id === 'r1'),
      { ...SAID, trace_id },
      message,
    );
  const abort = lines.filter(({ request_id }) => request_id === 'r2');
  t.deepEqual(
    abort.map(({ identity, peer, trace_id: none }) => [identity, peer, none]),
    [
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ],
  );
  const plan = about(lines, 'plan').map(({ message, identity, peer, trace_id: id }) => [message, identity, peer, id]);
  t.deepEqual(plan, [
    ['plan RECOMMENDED', undefined, undefined, undefined],
    ['plan PENDING', SAID.identity, SAID.peer, trace_id],
    ['plan ONGOING', SAID.identity, SAID.peer, trace_id],
    ['plan CANCELLING', SAID.identity, SAID.peer, trace_id],
    ['plan CANCELLED', undefined, undefined, trace_id],
  ]);
  t.true(about(lines, 'plan').every(({ request_id }) => typeof request_id === 'string'));
  // The order of an action is the conductor's own, in the trace of its plan.
  const ofPlan = about(lines, 'power order').find(({ node, message }) => node === 'n2' && message.endsWith('accepted'));
  t.like(ofPlan, { identity: undefined, trace_id });
});

test('an order that an earlier process accepted ends with who gave it, as far as that is stored', async (t) => {
  const world = await worldWith(t, 'n1');
  await world.order('n1', 'soft power off', { requestId: 'r1', ...ordered });
  const lines = logOf(t, world);
  await world.order('n1', 'abort soft power off');
  await world.clock.turn(600_000);
  const end = about(lines, 'power order ended').find(({ request_id }) => request_id === 'r1');
  t.like(end, { identity: SAID.identity, on_behalf_of: SAID.on_behalf_of, peer: undefined, trace_id: 'a'.repeat(32) });
});
