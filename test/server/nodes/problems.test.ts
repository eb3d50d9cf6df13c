/** What cannot be read is said, cheaply, wherever the node is shown. The scenario `what_cannot_be_read_is_said` has the rest. */
import test, { type ExecutionContext } from 'ava';
import { openCancellation } from '../../../src/core/signals.ts';
import { EVERYTHING } from '../../../src/server/access/rights.ts';
import { createNodeService } from '../../../src/server/api/node_service.ts';
import { View } from '../../../src/server/api/view.ts';
import { problemAfter } from '../../../src/server/nodes/problems.ts';
import type { Change } from '../../../src/server/store/feed.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

async function rack(t: ExecutionContext, names: readonly string[], info: Record<string, string> = {}): Promise<World> {
  const world = await World.open(t);
  await world.startAgent('a1');
  for (const name of names) await world.enrol(name, info);
  await world.clock.turn(1000);
  return world;
}

function setFault(world: World, name: string, fault: 'none' | 'silent' | 'garbled'): void {
  const server = world.server(name);
  server.settings = { ...server.settings, fake_fault: fault };
}

test('a silent rack writes each node once, however often it is read, and once more when it answers', async (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `n${index}`);
  const world = await rack(t, names);
  const writes = new Map<string, number>();
  world.onChange = (change: Change) => {
    if (change.kind === 'node') writes.set(change.node.name, (writes.get(change.node.name) ?? 0) + 1);
  };
  for (const name of names) setFault(world, name, 'silent');
  await world.clock.turn(3_600_000);
  t.deepEqual(
    [...writes.values()],
    names.map(() => 1),
  );
  for (const name of names) t.is((await getNode(name, world.database.read)).problem?.code, 'BMC_SILENT');
  // Another reason is news; the node is not readable since the first.
  const { since } = (await getNode('n0', world.database.read)).problem ?? {};
  setFault(world, 'n0', 'garbled');
  await world.clock.turn(300_000);
  const garbled = (await getNode('n0', world.database.read)).problem;
  t.is(garbled?.code, 'BMC_GARBLED');
  t.is(garbled?.since, since);
  for (const name of names) setFault(world, name, 'none');
  await world.clock.turn(300_000);
  for (const name of names) t.is((await getNode(name, world.database.read)).problem, null);
  await world.end();
});

test('the API lists the nodes that cannot be read, and a watch of nodes is sent each change', async (t) => {
  const world = await rack(t, ['good', 'dead']);
  const nodes = createNodeService(world.conductor);
  const cancellation = openCancellation([]);
  const view = new View(EVERYTHING, 'anyone', world.database.read);
  const context = { signal: cancellation.signal, metadata: new Map(), view } as unknown as Parameters<
    typeof nodes.watchNodes
  >[1];
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { node } of nodes.watchNodes({ nodes: [] }, context))
      seen.push(`${node?.name} ${node?.problem?.code ?? 'readable'}`);
  })().catch(() => {});
  await world.clock.turn(1000);
  setFault(world, 'dead', 'silent');
  await world.clock.turn(200_000);
  const request = { pageSize: 0, pageToken: '', zone: '', driver: '', labels: {}, after: '', descending: false };
  const { nodes: found = [] } = await nodes.listNodes({ ...request, withProblem: true }, context);
  t.deepEqual(
    found.map(({ name, problem }) => [name, problem?.code, problem?.message]),
    [['dead', 'BMC_SILENT', 'fake BMC dead does not answer']],
  );
  t.is((await nodes.listNodes({ ...request, withProblem: false }, context)).nodes?.length, 2);
  t.true(seen.includes('dead BMC_SILENT'));
  cancellation.abort(new Error('enough') as never);
  cancellation.end();
  await watching;
  await world.end();
});

test('the time of a reading is never that of a decision', async (t) => {
  const world = await rack(t, ['n1'], { fake_soft_ms: 'never' });
  const task = await world.order('n1', 'soft power off', { timeoutMs: 60_000 });
  setFault(world, 'n1', 'silent');
  const before = (await getNode('n1', world.database.read)).powerStateReadAt;
  await world.clock.turn(100_000);
  const after = await getNode('n1', world.database.read);
  t.is(after.heldBy, null, `${task.uuid} has timed out`);
  t.is(after.powerStateReadAt, before);
  t.regex(after.lastError, /last read power on 69 s ago; not readable since: BMC_SILENT: fake BMC n1 does not answer/);
  await world.end();
});

test('a problem stays as it was first said, but for a refused login that is tried again later', (t) => {
  const silent = problemAfter(null, { code: 'BMC_SILENT', message: 'no answer in 5 s' }, 1);
  t.deepEqual(silent, { code: 'BMC_SILENT', message: 'no answer in 5 s', since: 1 });
  t.is(problemAfter(silent, { code: 'BMC_SILENT', message: 'no answer in 7 s' }, 2), silent);
  const refused = problemAfter(silent, { code: 'BMC_PASSWORD_WRONG', message: 'next try at 3' }, 2);
  t.deepEqual(refused, { code: 'BMC_PASSWORD_WRONG', message: 'next try at 3', since: 1 });
  t.is(problemAfter(refused, { code: 'BMC_PASSWORD_WRONG', message: 'next try at 3' }, 3), refused);
  t.is(problemAfter(refused, { code: 'BMC_PASSWORD_WRONG', message: 'next try at 9' }, 3)?.message, 'next try at 9');
  t.is(problemAfter(refused, null, 4), null);
});
