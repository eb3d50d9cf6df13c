import anyTest from 'ava';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import {
  forgetModelChanges,
  isAnyChangeOld,
  listModelChanges,
  modelRevision,
} from '../../../src/server/store/cluster_model.ts';
import { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, wanted, worldLike, worldWith } from '../plan_making.ts';

/** One test after the other: each world takes over the memory of the one before. */
const test = anyTest.serial;

const DAY_MS = 24 * 3_600_000;
const LOOK_MS = 30_000;
const limits = { checkPeriodicIntervalMs: LOOK_MS };

const relabel = (rack: string, world: World) => {
  const rest = { removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
  return world.finish(changeNode({ node: 'n1', setLabels: { rack }, ...rest }, world.conductor));
};

/** What is remembered of the labels, the newest first. */
const remembered = async ({ database }: World): Promise<string[]> =>
  (await listModelChanges(0, null, 1000, database.read)).map(({ newValue }) => newValue);

test('a look that finds nothing is two statements, and commits nothing', async (t) => {
  const world = await World.open(t, { limits: { ...limits, syncPowerStateIntervalMs: 0 } });
  // The nodes that no agent serves have been looked for once before.
  await world.clock.turn(2 * LOOK_MS);
  const process = world.conductorProcess;
  const statement = process.statement.bind(process);
  let statements = 0;
  process.statement = () => {
    statements += 1;
    statement();
  };
  await world.clock.turn(10 * LOOK_MS);
  t.is(statements, 2 * 10);
  await endWorld(world);
});

test('a plan that has become too old in the queue, between two looks, is superseded as its turn comes', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  const off = { resource_id: 'n1', maintenance: false };
  await make(world, 'runs', [
    wanted('nap', 'sleep', { duration: 60 }),
    wanted('m', 'set_node_maintenance', off, ['nap']),
  ]);
  await plans.start('runs', false);
  await make(world, 'waits', [softOff('n1')]);
  await plans.start('waits', true);
  world.clock.jump(DAY_MS);
  t.is((await standing(world, 'waits')).plan.state, 'PENDING');
  await world.clock.turn(61_000);
  t.is((await standing(world, 'waits')).plan.state, 'SUPERSEDED');
  t.deepEqual(world.received, []);
  await endWorld(world);
});

test('the late end of an order of a plan that is over supersedes what waits, but not for that plan any more', async (t) => {
  const world = await worldWith(t, 'n2');
  const { plans } = world.conductor;
  await world.enrol('n1', { fake_soft_ms: '20000' });
  const off = { resource_id: 'n1', state: 'soft power off', timeout: 5 };
  await make(world, 'over', [wanted('off', 'change_node_power_state', off)]);
  await plans.start('over', false);
  await world.clock.turn(7000);
  t.is((await standing(world, 'over')).plan.state, 'FAILED');
  await make(world, 'runs', [wanted('nap', 'sleep', { duration: 600 }), softOff('n2', ['nap'])]);
  await plans.start('runs', false);
  await make(world, 'waits', [softOff('n1'), softOff('n2')]);
  await plans.start('waits', true);
  await world.clock.turn(60_000);
  const { state, statusMessage } = (await standing(world, 'waits')).plan;
  t.is(state, 'SUPERSEDED');
  t.regex(statusMessage, /the late end of power task/);
  await endWorld(world);
});

test('many changes are forgotten a portion at a time, in writes of their own', async (t) => {
  const world = await worldLike(t, { limits }, 'n1');
  const { database } = world;
  await database.write(async ({ sql }) => {
    const { revision: _, ...change } = await sql('model_changes').first();
    for (let at = 0; at < 10; at += 1) await sql('model_changes').insert(Array<object>(100).fill(change));
  });
  const later = world.clock.now() + DAY_MS;
  const left: number[] = [];
  for (let more = true; more; ) {
    more = await database.write((transaction) => forgetModelChanges(later, transaction));
    left.push((await listModelChanges(0, null, 2000, database.read)).length);
  }
  t.deepEqual(left, [601, 201, 1]);
  await database.write(async ({ sql }) => {
    const { revision: _, ...change } = await sql('model_changes').first();
    for (let at = 0; at < 10; at += 1) await sql('model_changes').insert(Array<object>(100).fill(change));
  });
  world.clock.jump(8 * DAY_MS);
  await world.clock.turn(LOOK_MS);
  t.is((await remembered(world)).length, 1);
  await endWorld(world);
});

test('changes are forgotten after a week, but the newest, and those since a plan that runs was made', async (t) => {
  const world = await worldLike(t, { limits }, 'n1');
  for (const rack of ['1', '2']) await relabel(rack, world);
  const { database } = world;
  await make(world, 'p1', [wanted('wait', 'sleep', { duration: 120 })]);
  await world.finish(world.conductor.plans.start('p1', false));
  for (const rack of ['3', '4']) await relabel(rack, world);
  const revision = await modelRevision(database.read);
  t.is((await remembered(world)).length, 5);
  world.clock.jump(7 * DAY_MS - 60_000);
  await world.clock.turn(LOOK_MS);
  t.is((await remembered(world)).length, 5);
  // What was there when the plan was made stays while it runs.
  await world.clock.turn(60_000);
  t.deepEqual(await remembered(world), ['rack=4', 'rack=3', 'rack=2']);
  await world.clock.turn(60_000);
  t.deepEqual(await remembered(world), ['rack=4']);
  t.is(await modelRevision(database.read), revision);
  await endWorld(world);
});

test('a look says that something is old exactly if something would be forgotten', async (t) => {
  const world = await worldWith(t, 'n1');
  const { database } = world;
  const later = world.clock.now() + DAY_MS;
  const old = (): Promise<boolean> => isAnyChangeOld(later, database.read);
  const forget = () => database.write((transaction) => forgetModelChanges(later, transaction));
  const count = async (): Promise<number> => (await remembered(world)).length;
  const agree = async (): Promise<boolean> => {
    const [said, before] = [await old(), await count()];
    await forget();
    t.is(said, (await count()) < before);
    return said;
  };
  // The agent's first readings may have made changes.
  await agree();
  t.false(await agree());
  t.false(await isAnyChangeOld(world.clock.now() - DAY_MS, database.read));
  await relabel('1', world);
  await relabel('2', world);
  await make(world, 'p1', [softOff('n1')]);
  await world.finish(world.conductor.plans.start('p1', false));
  await relabel('3', world);
  t.true(await agree());
  t.deepEqual(await remembered(world), ['rack=3', 'rack=2']);
  t.false(await agree());
  await world.clock.turn(120_000);
  t.true(await agree());
  await endWorld(world);
});
