/**
 * SIGKILL while the hardware is watched: two operating systems hang on their way down, and two BMCs have taken a reset
 * and an NMI and do not say whether they have settled. Afterwards all are watched on, and nothing is sent again.
 */
import type { ExecutionContext } from 'ava';
import { never } from '../counterparts/signals.ts';
import { enrolSimBmc, fallSilentAfterAnOrder, speakAgain, untilAllAtRest, untilNoSessionAt } from './killing.ts';
import { enrolSim, nodeNow, order, ordersAt, untilIn, watchTask } from './orders.ts';
import type { Moment, Scene } from './shared_kill.ts';

async function show(t: ExecutionContext, { house, victim, killed, started }: Scene): Promise<void> {
  const { client } = house;
  const hangs = { softOffDelayS: 'never' } as const;
  const [off, again, reset, nmi] = await Promise.all([
    enrolSim(t, house, 'off-hangs', hangs),
    enrolSim(t, house, 'again-hangs', hangs),
    enrolSimBmc(t, house, 'reset-silent'),
    enrolSimBmc(t, house, 'nmi-silent'),
  ]);
  for (const bmc of [reset, nmi]) fallSilentAfterAnOrder(bmc);
  const orders = [
    order(client, 'off-hangs', 'SOFT_POWER_OFF'),
    order(client, 'again-hangs', 'SOFT_REBOOT'),
    order(client, 'reset-silent', 'REBOOT'),
    order(client, 'nmi-silent', 'INJECT_NMI'),
  ];
  const tasks = await Promise.all(orders.map((watch) => untilIn(watch, 'CONFIRMING')));
  await killed();
  for (const watch of orders) t.is(watch.seen.at(-1)?.state, 'CONFIRMING', 'it cannot have settled');
  if (victim.agentDies) await untilNoSessionAt(off, again, reset, nmi);

  for (const bmc of [reset, nmi]) speakAgain(bmc);
  await started();
  for (const sim of [off, again]) {
    // A new agent looks at once; one that lived on has never stopped looking, and takes its time.
    const looks = (await sim.received()).filter((command) => command === 'status').length;
    if (victim.agentDies) await sim.untilReceived('status', looks + 1, never());
    await sim.setPower('power off');
  }
  const rested = await untilAllAtRest(house, tasks);
  for (const task of rested) t.like(task, { state: 'SUCCEEDED' }, `the ${task.target}`);
  const received = await Promise.all([off, again, reset, nmi].map(ordersAt));
  t.deepEqual(received, [['soft'], ['soft', 'on'], ['reset'], ['diag']]);
  const states = { 'off-hangs': 'OFF', 'again-hangs': 'ON', 'reset-silent': 'ON', 'nmi-silent': 'ON' } as const;
  for (const [name, powerState] of Object.entries(states))
    t.is((await nodeNow(house.client, name)).powerState, powerState, name);
}

/** Orders whose effect is waited for. */
export const CONFIRMING: Moment = { title: 'CONFIRMING', lasts: 'long', show };

async function showPoweringOn(t: ExecutionContext, { house, turn, killed, started }: Scene): Promise<void> {
  const sim = await enrolSim(t, house, 'comes-up', { softOffDelayS: 'never' });
  const watch = order(house.client, 'comes-up', 'SOFT_REBOOT');
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  await sim.configure({ holds: true });
  await turn();
  await sim.setPower('power off');
  await watch.until('the second half to be sent', ({ phase, state }) => phase === 'UP' && state === 'SENDING');
  await sim.untilReceived('on', 1, never());
  await killed();
  await untilNoSessionAt(sim);
  await sim.configure({ holds: false });
  await started();
  t.like(await untilIn(watchTask(house.client, uuid), 'SUCCEEDED', 'FAILED'), { state: 'SUCCEEDED', phase: 'UP' });
  t.is(await sim.power(), 'power on');
  const [first, ...others] = await ordersAt(sim);
  t.is(first, 'soft');
  t.deepEqual([...new Set(others)], ['on'], 'a power on may be sent again, nothing else');
}

/** A soft reboot powers the node on. For a victim whose agent dies. */
export const POWERING_ON: Moment = {
  title: 'the second half of a soft reboot',
  lasts: 'ten seconds',
  show: showPoweringOn,
};
