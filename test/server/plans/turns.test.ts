/** Plans of more actions than one turn of the engine moves. */
import test from 'ava';
import { endWorld, make, standing, story, wanted, worldWith } from '../plan_making.ts';

const SIZE = 1200;
const sleeps = Array.from({ length: SIZE }, (_, at) => wanted(`s${at}`, 'sleep', { duration: 60 }));
const nops = Array.from({ length: SIZE }, (_, at) => wanted(`n${at}`, 'nop', {}, [`s${at}`]));

test('everything that runs and waits is taken back, and each action says first that it is, then its outcome', async (t) => {
  const world = await worldWith(t);
  await make(world, 'p1', [...sleeps, ...nops], { maxParallel: SIZE });
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  const running = Object.values((await standing(world, 'p1')).actions).filter((state) => state === 'ONGOING');
  t.is(running.length, SIZE);
  const marked: number[] = [];
  world.onChange = (change) => {
    const marks = change.kind === 'plan' ? change.actions.filter(({ state }) => state === 'CANCELLING') : [];
    if (marks.length > 0) marked.push(marks.length);
  };
  await world.conductor.plans.cancel('p1', '');
  await world.clock.settle();
  t.deepEqual(marked, [1000, 200]);
  const { plan, actions } = await standing(world, 'p1');
  t.is(plan.state, 'CANCELLED');
  t.is(plan.statusMessage, `cancelled; actions: ${2 * SIZE} cancelled`);
  t.deepEqual([...new Set(Object.values(actions))], ['CANCELLED']);
  const told = (await story(world)).filter((line) => line.startsWith('action.cancel'));
  const lines = new Set(told);
  t.is(told.length, 2 * 2 * SIZE);
  for (const { name } of sleeps) t.true(lines.has(`action.cancel.start ${name} CANCELLING`), name);
  for (const { name } of nops) t.true(lines.has(`action.cancel.start ${name} PENDING`), name);
  for (const { name } of [...sleeps, ...nops]) t.true(lines.has(`action.cancel.end ${name} CANCELLED`), name);
  await endWorld(world);
});

test('a failure drops all that waits, however much that is', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_fault: 'refuse' });
  const bad = wanted('bad', 'change_node_power_state', { resource_id: 'n1', state: 'power off' });
  const rest = nops.map((action) => ({ ...action, parents: ['bad'] }));
  await make(world, 'p1', [bad, ...rest], { onFailure: 'CONTINUE' });
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  const { plan, actions } = await standing(world, 'p1');
  t.is(plan.state, 'FAILED');
  const { bad: failed, ...others } = actions;
  t.is(failed, 'FAILED');
  t.deepEqual([...new Set(Object.values(others))], ['CANCELLED']);
  t.is((await story(world)).filter((line) => line.startsWith('action.cancel.end')).length, SIZE);
  await endWorld(world);
});
