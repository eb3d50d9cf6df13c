/** Watching nodes: what it tells, and that it costs what it watches. */
import test, { type ExecutionContext } from 'ava';
import { CountermandError, fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { type StreamedNode, watchNodes } from '../../../src/server/api/node_streams.ts';
import { changeNode, deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

const GONE = fail('CALL_ENDED', 'the test has seen enough');

async function worldWith(t: ExecutionContext, count: number): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  for (let at = 0; at < count; at += 1) await world.enrol(`n${at}`);
  return world;
}

const watchersOf = (world: World): number => world.conductor.orders.store.database.feed.size;

const label = (world: World, node: string, value: string) =>
  world.finish(
    changeNode(
      { node, setDriverInfo: {}, removeDriverInfo: [], setLabels: { l: value }, removeLabels: [] } as never,
      world.conductor,
    ),
  );

const told = ({ node, deleted }: StreamedNode): string =>
  `${node.name} ${deleted ? 'deleted' : (node.labels.l ?? '')}`.trim();

async function next(changes: AsyncGenerator<StreamedNode>): Promise<string> {
  const { value, done } = await changes.next();
  return done ? 'end' : told(value);
}

test('a stream of one node reads that node, whatever the size of the fleet', async (t) => {
  const world = await worldWith(t, 50);
  const { database } = world;
  const node = await getNode('n7', database.read);
  const cancellation = openCancellation([]);
  const statements: string[] = [];
  database.read.on('query', ({ sql }: { sql: string }) => statements.push(sql));
  const before = watchersOf(world);
  const changes = watchNodes([node], world.conductor, cancellation.signal);
  t.is(await next(changes), 'n7');
  t.true(statements.length <= 1, statements.join('; '));
  for (const sql of statements) t.regex(sql, /where `uuid` in|where `uuid` = /, sql);
  await label(world, 'n8', 'not watched');
  await label(world, 'n7', 'watched');
  t.is(await next(changes), 'n7 watched');
  cancellation.abort(GONE);
  await t.throwsAsync(changes.next(), { is: GONE });
  t.is(watchersOf(world), before);
});

test('a slow reader gets the last state of each node, once', async (t) => {
  const world = await worldWith(t, 3);
  const cancellation = openCancellation([]);
  const changes = watchNodes(null, world.conductor, cancellation.signal);
  t.deepEqual([await next(changes), await next(changes), await next(changes)], ['n0', 'n1', 'n2']);
  const waiting = next(changes);
  for (let round = 0; round < 20; round += 1) for (const name of ['n0', 'n1']) await label(world, name, String(round));
  await world.finish(deleteNode('n2', world.conductor));
  t.is(await waiting, 'n0 0');
  const rest = [await next(changes), await next(changes), await next(changes)];
  t.deepEqual(rest.sort(), ['n0 19', 'n1 19', 'n2 deleted']);
  cancellation.abort(GONE);
  await t.throwsAsync(changes.next(), { instanceOf: CountermandError });
});

test('a node that was deleted between its naming and the first look is told as deleted', async (t) => {
  const world = await worldWith(t, 1);
  const node = await getNode('n0', world.database.read);
  await world.finish(deleteNode('n0', world.conductor));
  const cancellation = openCancellation([]);
  const before = watchersOf(world);
  const changes = watchNodes([node], world.conductor, cancellation.signal);
  t.is(await next(changes), 'n0 deleted');
  await changes.return(undefined);
  t.is(watchersOf(world), before);
});
