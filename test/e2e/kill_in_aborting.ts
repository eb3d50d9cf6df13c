/**
 * SIGKILL while orders are taken back, before any agent could say what came of it. Afterwards the aborts are carried
 * out: what the BMC has received is not sent again, and no node is powered on.
 */
import type { ExecutionContext } from 'ava';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import type { Task } from './client.ts';
import type { House } from './house.ts';
import { checkAll, untilAllAtRest, type Victim } from './killing.ts';
import { enrolSim, nodeNow, order, ordersAt, untilIn, watchNode, watchTask } from './orders.ts';
import type { Stage } from './shared_kill.ts';

/** Holds the aborts open: stops the agent, or makes it look at BMCs that do not answer. */
async function keepAgentFromAnswering(house: House, victim: Victim, sims: readonly IpmiSim[]): Promise<void> {
  if (victim.apart) {
    house.agent.signal('SIGSTOP');
    return;
  }
  // An agent that was started again must look at the hardware before it can say what came of an order.
  await house.kill('conductor');
  for (const sim of sims) sim.suspend();
  await house.start('conductor');
}

async function abortBoth(house: House, tasks: readonly Task[]): Promise<Task[]> {
  const watches = tasks.map(({ uuid }) => watchTask(house.client, uuid));
  await Promise.all(watches.map((watch) => untilIn(watch, 'CONFIRMING')));
  const aborts = [
    order(house.client, 'aborted-off', 'ABORT_SOFT_POWER_OFF'),
    order(house.client, 'aborted-again', 'ABORT_SOFT_REBOOT'),
  ];
  await Promise.all(watches.map((watch) => untilIn(watch, 'ABORTING')));
  return Promise.all(aborts.map((watch) => untilIn(watch, 'SENDING')));
}

async function letAgentAnswer(house: House, victim: Victim, sims: readonly IpmiSim[]): Promise<void> {
  for (const sim of sims) sim.resume();
  await house.start(victim.part);
  if (victim.part === 'conductor' && victim.apart) house.agent.signal('SIGCONT');
}

async function checkWindow(t: ExecutionContext, house: House, name: string, sim: IpmiSim): Promise<void> {
  const reading = watchNode(house.client, name);
  await reading.until('the reading after the abort', ({ powerState }) => powerState === 'ON');
  t.truthy((await nodeNow(house.client, name)).mayStillChangeUntil);
  await sim.setPower('power off');
  await reading.until('the late change', ({ powerState }) => powerState === 'OFF');
}

/** Shows it, in a house where all is at rest. */
export async function showAborting(t: ExecutionContext, { house, victim, listener }: Stage): Promise<void> {
  const hangs = { softOffDelayS: 'never' } as const;
  const [off, again] = await Promise.all([
    enrolSim(t, house, 'aborted-off', hangs),
    enrolSim(t, house, 'aborted-again', hangs),
  ]);
  const sims = [off, again];
  const orders = [
    order(house.client, 'aborted-off', 'SOFT_POWER_OFF'),
    order(house.client, 'aborted-again', 'SOFT_REBOOT'),
  ];
  const tasks = await Promise.all(orders.map((watch) => untilIn(watch, 'CONFIRMING')));

  await keepAgentFromAnswering(house, victim, sims);
  const aborts = await abortBoth(house, tasks);
  await house.kill(victim.part);
  await letAgentAnswer(house, victim, sims);
  listener.resume();

  const rested = await untilAllAtRest(house, [...tasks, ...aborts]);
  await checkAll(t, house, listener);
  for (const task of rested) {
    const state = task.abortsTaskUuid ? 'SUCCEEDED' : 'ABORTED';
    t.like(task, { state, abort: { outcome: 'STOPPED_WAITING' } }, `the ${task.target} of ${task.nodeName}`);
  }
  await checkWindow(t, house, 'aborted-off', off);
  await checkWindow(t, house, 'aborted-again', again);
  t.deepEqual(await Promise.all(sims.map(ordersAt)), [['soft'], ['soft']]);
}
