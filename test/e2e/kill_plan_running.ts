/**
 * SIGKILL while the actions of a plan run on real BMCs: one order is on its way, one waits for the operating system, one
 * action is done, two have not begun. The plan goes on from its rows, and no BMC receives anything twice.
 */
import type { ExecutionContext } from 'ava';
import { never } from '../counterparts/signals.ts';
import { allTasks } from './client.ts';
import { untilNoSessionAt } from './killing.ts';
import { enrolSim, nodeNow, ordersAt } from './orders.ts';
import { actionStates, power, startPlan, untilActionIn, untilPlanEnds, watchPlan } from './plans.ts';
import type { Moment, Scene } from './shared_kill.ts';

async function show(t: ExecutionContext, { house, victim, turn, killed, started }: Scene): Promise<void> {
  const [slow, held, next, last] = await Promise.all([
    enrolSim(t, house, 'slow', { softOffDelayS: 'never' }),
    enrolSim(t, house, 'held', { holds: true }),
    enrolSim(t, house, 'next'),
    enrolSim(t, house, 'last'),
  ]);
  const drain = { resource_id: 'slow', maintenance: true, reason: 'rack work' };
  await turn();
  const { uuid } = await startPlan(house.client, 'rack down', [
    { name: 'drain', actionType: 'set_node_maintenance', inputParameters: drain },
    power('slow', 'soft power off', 'drain'),
    power('held', 'soft rebooting'),
    power('next', 'soft power off', 'slow'),
    power('last', 'power off', 'next', 'held'),
  ]);
  const before = watchPlan(house.client, uuid);
  await untilActionIn(before, 'slow', 'ONGOING');
  await Promise.all([slow.untilReceived('soft', 1, never()), held.untilReceived('soft', 1, never())]);

  await killed();
  if (victim.agentDies) await untilNoSessionAt(slow, held);
  await held.configure({ holds: false });
  await started();
  await slow.setPower('power off');

  const watch = watchPlan(house.client, uuid);
  t.like(await untilPlanEnds(watch), { state: 'SUCCEEDED', statusMessage: 'actions: 5 succeeded' });
  t.is(await watch.ended, null);
  const done = { drain: 'SUCCEEDED', slow: 'SUCCEEDED', held: 'SUCCEEDED', next: 'SUCCEEDED', last: 'SUCCEEDED' };
  t.deepEqual(await actionStates(house.client, uuid), done as never);
  t.deepEqual(await Promise.all([slow, held, next, last].map(ordersAt)), [['soft'], ['soft', 'on'], ['soft'], ['off']]);
  const states = { slow: 'OFF', held: 'ON', next: 'OFF', last: 'OFF' } as const;
  for (const [name, state] of Object.entries(states)) t.is((await nodeNow(house.client, name)).powerState, state, name);
  const tasks = (await allTasks(house.client)).filter(({ nodeName }) => nodeName in states);
  t.is(tasks.length, 4, 'one power task for each action');
}

/** A plan whose actions run. */
export const PLAN_RUNNING: Moment = { title: 'while the actions of a plan run', lasts: 'ten seconds', show };
