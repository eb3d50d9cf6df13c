/** Changes of one node at the same moment: each holds, and none takes another back. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { changeNode, deleteNode, type NodePermit } from '../../../src/server/nodes/enrolment.ts';
import { readNode } from '../../../src/server/power/readings.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';
import { World } from '../../world/world.ts';

const NOTHING = { setDriverInfo: {}, removeDriverInfo: [], setLabels: {}, removeLabels: [] };

async function open(t: { teardown(end: () => Promise<void>): void }): Promise<World> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  t.teardown(async () => {
    await world.end();
    await world.database.close();
  });
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: '1000' });
  return world;
}

test('labels that are set, and taken away, at the same moment', async (t) => {
  const world = await open(t);
  await changeNode({ ...NOTHING, node: 'n1', setLabels: { old: '1', stays: '1' } }, world.conductor);
  const names = Array.from({ length: 20 }, (_, at) => `l${at}`);
  const changes = names.map((name) => ({ ...NOTHING, node: 'n1', setLabels: { [name]: '1' } }));
  const removes = { ...NOTHING, node: 'n1', removeLabels: ['old'] };
  await world.finish(Promise.all([...changes, removes].map((change) => changeNode(change, world.conductor))));
  const { labels } = await getNode('n1', world.database.read);
  t.deepEqual(Object.keys(labels).sort(), ['stays', ...names].sort());
});

test('keys of driver_info that are set at the same moment: each is checked with the others', async (t) => {
  const world = await open(t);
  const infos: Record<string, string>[] = [
    { fake_soft_ms: '2000' },
    { fake_answer_ms: '300' },
    { fake_start_ms: '400' },
  ];
  const changes = infos.map((setDriverInfo) => ({ ...NOTHING, node: 'n1', setDriverInfo }));
  await world.finish(Promise.all(changes.map((change) => changeNode(change, world.conductor))));
  t.like((await getNode('n1', world.database.read)).driverInfo, Object.assign({}, ...infos));
});

test('a permit is asked of the node as it is when the change is written', async (t) => {
  const world = await open(t);
  const asked: unknown[] = [];
  const permit: NodePermit = (before, after) => {
    asked.push([before.labels.rack, after.labels.rack, after.maintenance]);
    if (before.labels.rack === '8') throw fail('PERMISSION_DENIED', 'not in rack 8');
  };
  const moves = changeNode({ ...NOTHING, node: 'n1', setLabels: { rack: '8' } }, world.conductor);
  const parts = { ...world.conductor, permit };
  const refused = t.throwsAsync(changeNode({ ...NOTHING, node: 'n1', maintenance: true }, parts), {
    code: 'PERMISSION_DENIED',
  });
  await world.finish(Promise.all([moves, refused]));
  t.deepEqual(asked, [
    [undefined, undefined, true],
    ['8', '8', true],
  ]);
  t.false((await getNode('n1', world.database.read)).maintenance);
});

/** Ways in which a node is reached otherwise, and is the same server as far as anybody knows. */
const OTHER_WAYS = [
  ['another zone', { zone: 'north' }],
  ['another key of driver_info', { setDriverInfo: { fake_soft_ms: '2000' } }],
] as const;

for (const [what, change] of OTHER_WAYS)
  test(`${what} while a node is read: what was read on the old way is dropped, and it is read on the new one`, async (t) => {
    const world = await open(t);
    await world.startAgent('a2', ['north']);
    await world.clock.turn(1000);
    const before = await getNode('n1', world.database.read);
    const server = world.server('n1');
    server.settings = { ...server.settings, fake_answer_ms: 1000 };
    const reading = readNode(before, 'operator', world.conductor.readings, openCancellation([]).signal);
    await world.clock.turn(500);
    await world.finish(changeNode({ ...NOTHING, node: 'n1', ...change }, world.conductor));
    const looks = world.looks.length;
    const { reason, node } = await world.finish(reading);
    t.is(reason, 'not recorded: it was changed, or ordered about, meanwhile');
    t.is(node.powerStateReadAt, before.powerStateReadAt);
    await world.clock.turn(2000);
    t.is(world.looks.length, looks + 1);
    t.true(((await getNode('n1', world.database.read)).powerStateReadAt ?? 0) > (before.powerStateReadAt ?? 0));
  });

test('a change that leaves the way to a node as it is takes no reading from it', async (t) => {
  const world = await open(t);
  const { fence } = await getNode('n1', world.database.read);
  const same = { setDriverInfo: { fake_soft_ms: '1000' }, zone: 'default', setLabels: { a: 'b' }, name: 'n2' };
  t.is((await world.finish(changeNode({ ...NOTHING, node: 'n1', ...same }, world.conductor))).fence, fence);
});

test('while an order that was given up is taken back, its node is neither deleted nor reached otherwise', async (t) => {
  const world = await open(t);
  await world.enrol('n2', { fake_soft_ms: '120000' });
  await world.clock.turn(1000);
  await world.order('n2', 'soft power off', { timeoutMs: 3000 });
  await world.clock.turn(5000);
  t.is((await getNode('n2', world.database.read)).heldBy, null);
  const { uuid } = await world.order('n2', 'abort soft power off');
  const held = { code: 'NODE_HELD', message: /held by an abort that takes back an older order/ } as never;
  const other = { setDriverInfo: { fake_address: 'n3' } };
  await t.throwsAsync(world.finish(changeNode({ ...NOTHING, node: 'n2', ...other }, world.conductor)), held);
  await t.throwsAsync(world.finish(changeNode({ ...NOTHING, node: 'n2', name: 'n4' }, world.conductor)), held);
  await t.throwsAsync(world.finish(deleteNode('n2', world.conductor)), held);
  await world.finish(changeNode({ ...NOTHING, node: 'n2', maintenance: true }, world.conductor));
  await world.clock.turn(30_000);
  t.like(await getPowerTask(uuid, world.database.read), { abortOutcome: 'RECALLED' });
  t.is(world.server('n2').powerState, 'power on');
  await world.finish(deleteNode('n2', world.conductor));
});

test('a revision, and what may be deleted, are asked of the node as it is when it is written', async (t) => {
  const world = await open(t);
  const { store } = world.conductor;
  const { database } = store;
  const late: Database = Object.assign(Object.create(database), {
    async write<T>(work: Parameters<typeof database.write<T>>[0]): Promise<T> {
      await changeNode({ ...NOTHING, node: 'n1', setLabels: { rack: '8' } }, world.conductor);
      return database.write(work);
    },
  });
  const parts = { ...world.conductor, store: { ...store, database: late } };
  const allow = ({ labels }: NodeRow): void => {
    if (labels.rack === '8') throw fail('PERMISSION_DENIED', 'not in rack 8');
  };
  const calls: readonly ((revision: number) => readonly [code: string, call: Promise<unknown>])[] = [
    (revision) => ['REVISION_MISMATCH', changeNode({ ...NOTHING, node: 'n1', maintenance: true, revision }, parts)],
    (revision) => ['REVISION_MISMATCH', deleteNode('n1', parts, revision)],
    () => ['PERMISSION_DENIED', deleteNode('n1', parts, null, allow)],
  ];
  for (const callAt of calls) {
    await world.finish(changeNode({ ...NOTHING, node: 'n1', removeLabels: ['rack'] }, world.conductor));
    const [code, call] = callAt((await getNode('n1', world.database.read)).revision);
    await t.throwsAsync(world.finish(call), { code } as never);
    t.like(await getNode('n1', world.database.read), { labels: { rack: '8' }, maintenance: false });
  }
});

test('that a node could not be read on the old way is no problem of the node on the new one', async (t) => {
  const world = await open(t);
  await world.clock.turn(1000);
  const problems: string[] = [];
  world.onChange = (change) => {
    if (change.kind === 'node' && change.node.problem) problems.push(change.node.problem.code);
  };
  const server = world.server('n1');
  server.settings = { ...server.settings, fake_fault: 'silent' };
  const before = await getNode('n1', world.database.read);
  const reading = readNode(before, 'operator', world.conductor.readings, openCancellation([]).signal);
  await world.clock.turn(10);
  await world.finish(changeNode({ ...NOTHING, node: 'n1', setDriverInfo: { fake_soft_ms: '2000' } }, world.conductor));
  server.settings = { ...server.settings, fake_fault: 'none' };
  t.like(await world.finish(reading), { errorCode: 'BMC_SILENT' });
  await world.clock.turn(20_000);
  t.deepEqual(problems, []);
  t.true(((await getNode('n1', world.database.read)).powerStateReadAt ?? 0) > (before.powerStateReadAt ?? 0));
});
