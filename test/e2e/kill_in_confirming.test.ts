/**
 * SIGKILL while the hardware is watched: two operating systems hang on their way down, and two BMCs have taken a reset
 * and an NMI and do not say whether they have settled. Afterwards all are watched on, and nothing is sent again.
 */
import test from 'ava';
import { never } from '../counterparts/signals.ts';
import { openHouse } from './house.ts';
import {
  enrolSimBmc,
  fallSilentAfterAnOrder,
  houseFor,
  Listener,
  speakAgain,
  untilAllAtRest,
  untilNoSessionAt,
  VICTIMS,
} from './killing.ts';
import { enrolSim, nodeNow, order, ordersAt, untilIn, watchTask } from './orders.ts';

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} in CONFIRMING`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const hangs = { softOffDelayS: 'never' } as const;
    const [off, again, reset, nmi] = await Promise.all([
      enrolSim(t, house, 'off', hangs),
      enrolSim(t, house, 'again', hangs),
      enrolSimBmc(t, house, 'reset'),
      enrolSimBmc(t, house, 'nmi'),
    ]);
    for (const bmc of [reset, nmi]) fallSilentAfterAnOrder(bmc);
    const listener = new Listener(house);
    const orders = [
      order(house.client, 'off', 'SOFT_POWER_OFF'),
      order(house.client, 'again', 'SOFT_REBOOT'),
      order(house.client, 'reset', 'REBOOT'),
      order(house.client, 'nmi', 'INJECT_NMI'),
    ];
    const tasks = await Promise.all(orders.map((watch) => untilIn(watch, 'CONFIRMING')));
    await house.kill(victim.part);
    for (const watch of orders) t.is(watch.seen.at(-1)?.state, 'CONFIRMING', 'it cannot have settled');
    if (victim.agentDies) await untilNoSessionAt(off, again, reset, nmi);

    for (const bmc of [reset, nmi]) speakAgain(bmc);
    await house.start(victim.part);
    listener.resume();
    for (const sim of [off, again]) {
      // A new agent looks at once; one that lived on has never stopped looking, and takes its time.
      const looks = (await sim.received()).filter((command) => command === 'status').length;
      if (victim.agentDies) await sim.untilReceived('status', looks + 1, never());
      await sim.setPower('power off');
    }
    const rested = await untilAllAtRest(t, house, tasks, listener);
    for (const task of rested) t.like(task, { state: 'SUCCEEDED' }, `the ${task.target}`);
    const received = await Promise.all([off, again, reset, nmi].map(ordersAt));
    t.deepEqual(received, [['soft'], ['soft', 'on'], ['reset'], ['diag']]);
    for (const [name, powerState] of Object.entries({ off: 'OFF', again: 'ON', reset: 'ON', nmi: 'ON' } as const))
      t.is((await nodeNow(house.client, name)).powerState, powerState, name);
  });
}

test('SIGKILL of the conductor and the agent inside while a soft reboot powers the node on', async (t) => {
  const house = await openHouse(t);
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_REBOOT');
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  await sim.configure({ holds: true });
  await sim.setPower('power off');
  await watch.until('the second half to be sent', ({ phase, state }) => phase === 'UP' && state === 'SENDING');
  await sim.untilReceived('on', 1, never());
  await house.kill('conductor');
  await untilNoSessionAt(sim);
  await sim.configure({ holds: false });
  await house.start('conductor');
  t.like(await untilIn(watchTask(house.client, uuid), 'SUCCEEDED', 'FAILED'), { state: 'SUCCEEDED', phase: 'UP' });
  t.is(await sim.power(), 'power on');
  const [first, ...others] = await ordersAt(sim);
  t.is(first, 'soft');
  t.deepEqual([...new Set(others)], ['on'], 'a power on may be sent again, nothing else');
});
