/** What who watches a large plan hears, and in which order. */
import test from 'ava';
import { openCancellation } from '../../../src/core/signals.ts';
import { type PlanChange, watchPlan } from '../../../src/server/plans/watch.ts';
import { endWorld, make, standing, wanted, worldWith } from '../plan_making.ts';

/** Several messages of actions. */
const SIZE = 1800;
const RUNNING = 3;
const sleeps = Array.from({ length: RUNNING }, (_, at) => wanted(`s${at}`, 'sleep', { duration: 60 }));
const nops = Array.from({ length: SIZE - RUNNING }, (_, at) => wanted(`n${at}`, 'nop'));

test('what is taken back while the actions are still being told is told before the rest of them', async (t) => {
  const world = await worldWith(t);
  await make(world, 'p1', [...sleeps, ...nops], { maxParallel: RUNNING });
  await world.conductor.plans.start('p1', false);
  await world.clock.settle();
  const { plan } = await standing(world, 'p1');
  const watching = watchPlan(plan.uuid, world.conductor.orders.store, openCancellation([]).signal);
  const { actions: first } = (await watching.next()).value as PlanChange;
  t.deepEqual(
    first.slice(0, RUNNING).map(({ name, state }) => `${name} ${state}`),
    sleeps.map(({ name }) => `${name} ONGOING`),
  );
  await world.conductor.plans.cancel('p1', '');
  await world.clock.settle();
  const messages = [];
  for await (const message of watching) messages.push(message);
  const [second, ...later] = messages;
  t.is(second?.plan.state, 'CANCELLED');
  // Of what the first message told, all has moved; the others come in their places, and once.
  const placesOf = (actions: PlanChange['actions'] = []): number[] =>
    actions.map(({ position }) => position).sort((one, other) => one - other);
  const told = placesOf(first);
  t.deepEqual(placesOf(second?.actions), told);
  t.deepEqual([...new Set(second?.actions.map(({ state }) => state))], ['CANCELLED']);
  const rest = later.flatMap(({ actions }) => actions);
  t.is(rest.length, SIZE - told.length);
  t.deepEqual(
    rest.map(({ position }) => position),
    rest.map((_, at) => told.length + at),
  );
  t.deepEqual([...new Set(rest.map(({ state }) => state))], ['CANCELLED']);
  await endWorld(world);
});
