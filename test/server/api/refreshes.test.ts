/** RefreshNodes: who is read for when, and that a call that has ended costs nothing more. */
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { OPEN_LIMITS } from '../../../src/core/limits.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { Refreshes } from '../../../src/server/api/refreshes.ts';
import type { ReadingParts } from '../../../src/server/power/readings.ts';
import type { Seen } from '../../../src/server/power/shared_readings.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';
import { World } from '../../world/world.ts';

const GONE = fail('CALL_ENDED', 'the test has gone');
const FULL = { code: 'TOO_MANY_STREAMS' } as never;

const rows = (count: number, prefix = 'n'): NodeRow[] =>
  Array.from({ length: count }, (_, at) => ({ uuid: `${prefix}${at}`, name: `${prefix}${at}` }) as NodeRow);

/** Refreshes whose readings end when the test says so, and the names of the nodes that were begun. */
function held() {
  const begun: string[] = [];
  const open = new Map<string, (error: Error) => void>();
  const read = (node: NodeRow, _asker: string, signal: AbortSignal): Promise<Seen> => {
    begun.push(node.name);
    return new Promise((_, reject) => {
      open.set(node.name, reject);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };
  return { refreshes: new Refreshes({ shared: { read } } as unknown as ReadingParts), begun, open };
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

function begin(refreshes: Refreshes, who: string, nodes: readonly NodeRow[]) {
  const cancellation = openCancellation([]);
  const results = refreshes.enter(who, cancellation.signal).read(nodes)[Symbol.asyncIterator]();
  const first = results.next();
  first.catch(() => {});
  return { cancellation, first };
}

test('one call more than the limit of a caller is refused, and let in when another has ended', (t) => {
  const { refreshes } = held();
  const { signal } = openCancellation([]);
  const calls = Array.from({ length: OPEN_LIMITS.refreshes_of_caller.limit }, () => refreshes.enter('one', signal));
  t.throws(() => refreshes.enter('one', signal), FULL);
  t.notThrows(() => refreshes.enter('other', signal).leave());
  calls[0]?.leave();
  calls[0]?.leave();
  t.notThrows(() => refreshes.enter('one', signal));
  t.throws(() => refreshes.enter('one', signal), FULL);
});

test('one call more than the limit is refused', (t) => {
  const { refreshes } = held();
  const { signal } = openCancellation([]);
  for (let at = 0; at < OPEN_LIMITS.refreshes.limit; at += 1) refreshes.enter(`caller ${at}`, signal);
  t.throws(() => refreshes.enter('one more', signal), FULL);
});

test('one node more than the limit of a caller is refused, and none is read', (t) => {
  const { refreshes, begun } = held();
  const { signal } = openCancellation([]);
  const nodes = rows(OPEN_LIMITS.refreshed_nodes_of_caller.limit);
  refreshes.enter('one', signal).read(nodes);
  const before = begun.length;
  t.throws(() => refreshes.enter('one', signal).read(rows(1, 'm')), FULL);
  t.is(begun.length, before);
});

test('one node more than the limit is refused', (t) => {
  const { refreshes } = held();
  const { signal } = openCancellation([]);
  const nodes = rows(OPEN_LIMITS.refreshed_nodes_of_caller.limit);
  const callers = OPEN_LIMITS.refreshed_nodes.limit / nodes.length;
  for (let at = 0; at < callers; at += 1) refreshes.enter(`caller ${at}`, signal).read(nodes);
  t.throws(() => refreshes.enter('one more', signal).read(rows(1)), FULL);
});

test('a call that is reset ends with its readings at once, and nothing more is begun for it', async (t) => {
  const { refreshes, begun } = held();
  const calls = Array.from({ length: 300 }, () => begin(refreshes, 'one', rows(300)));
  const atOnce = begun.length;
  t.true(atOnce <= 128, `${atOnce} readings were begun in one go`);
  for (const { cancellation } of calls) cancellation.abort(GONE);
  await turns(5);
  t.is(begun.length, atOnce);
  await Promise.all(calls.map(({ first }) => t.throwsAsync(first, { is: GONE })));
  const again = Array.from({ length: OPEN_LIMITS.refreshes_of_caller.limit }, () => begin(refreshes, 'one', rows(1)));
  t.is(again.length, OPEN_LIMITS.refreshes_of_caller.limit, 'all places are free again');
});

test('a call that has been reset before its turn is not let in', (t) => {
  const { refreshes } = held();
  const cancellation = openCancellation([]);
  cancellation.abort(GONE);
  t.throws(() => refreshes.enter('one', cancellation.signal), { is: GONE });
});

test('beside a caller who takes all that it gets, and whose BMCs hang, another is read for', async (t) => {
  const { refreshes, begun } = held();
  for (let call = 0; call < 200; call += 1) begin(refreshes, 'greedy', rows(500));
  await turns(1000);
  t.true(begun.length < 10_000, `${begun.length} wait for one caller`);
  const before = begun.length;
  begin(refreshes, 'healthy', rows(100, 'h'));
  await turns(2);
  t.deepEqual(
    begun.slice(before).sort(),
    rows(100, 'h')
      .map(({ name }) => name)
      .sort(),
  );
});

async function fleet(t: ExecutionContext): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  for (let at = 0; at < 10; at += 1) await world.enrol(`n${at}`);
  await world.clock.turn(1000);
  return world;
}

test('each node is read, and told once', async (t) => {
  const world = await fleet(t);
  const { conductor } = world;
  const nodes: NodeRow[] = [];
  for (let at = 0; at < 10; at += 1) nodes.push(await getNode(`n${at}`, world.database.read));
  const admitted = new Refreshes(conductor.readings).enter('one', openCancellation([]).signal);
  const told: string[] = [];
  const all = async (): Promise<void> => {
    for await (const { node, reading } of admitted.read(nodes)) told.push(`${node.name} ${reading?.powerState}`);
  };
  await world.finish(all());
  t.deepEqual(told.sort(), nodes.map(({ name }) => `${name} power on`).sort());
});
