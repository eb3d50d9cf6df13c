/**
 * SIGKILL while orders are on their way: each BMC has the order and holds it, unanswered, and carries it out when the
 * sender is dead. Nothing is lost, and nothing that must not be is sent twice.
 */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import type { Task } from './client.ts';
import { openHouse } from './house.ts';
import { enrolSimBmc, houseFor, Listener, speakersTo, untilAllAtRest, untilNoSessionAt, VICTIMS } from './killing.ts';
import { BY_IPMITOOL, enrolSim, nodeNow, order, ordersAt, untilIn } from './orders.ts';

const HOLDS_MS = 1;

/** An agent that lived on heard the answers; if it died, the outcome of a reset or an NMI is unknown. */
const HEARD = { state: 'SUCCEEDED' } as const;
const NOT_HEARD = { state: 'FAILED', errorCode: 'OUTCOME_UNKNOWN' } as const;

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} in SENDING`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    // The two BMCs in this process carry out their order at once, and answer it when this clock is turned.
    const clock = new VirtualClock();
    const faults = { holdsOrdersMs: HOLDS_MS };
    const [off, again, reset, waits, nmi] = await Promise.all([
      enrolSim(t, house, 'off'),
      enrolSim(t, house, 'again', {}, BY_IPMITOOL),
      enrolSimBmc(t, house, 'reset', { clock, faults }, BY_IPMITOOL),
      enrolSim(t, house, 'waits'),
      enrolSimBmc(t, house, 'nmi', { clock, faults }),
    ]);
    const held = [off, again];
    await Promise.all(held.map((sim) => sim.configure({ holds: true })));
    const listener = new Listener(house);

    waits.suspend();
    const soft = [order(house.client, 'off', 'SOFT_POWER_OFF'), order(house.client, 'again', 'SOFT_REBOOT')];
    await Promise.all(held.map((sim) => sim.untilReceived('soft', 1, never())));
    // An agent that lives on waits for answers, as long as a driver does: 10 s for an order, 6 s for a reading. So the
    // kill comes as soon as it can.
    const hard = [order(house.client, 'reset', 'REBOOT'), order(house.client, 'nmi', 'INJECT_NMI')];
    await Promise.all([
      eventually('the reset to be received', () => reset.bmc.received.includes('reset')),
      eventually('the NMI to be received', () => nmi.bmc.received.includes('diag')),
    ]);
    const speakers = await speakersTo(reset);
    const queued = await untilIn(order(house.client, 'waits', 'SOFT_POWER_OFF'), 'QUEUED');
    await house.kill(victim.part);
    if (victim.agentDies) await untilNoSessionAt(...held, waits, reset, nmi);
    await clock.turn(HOLDS_MS);
    waits.resume();
    t.true(speakers.length > 0);
    const sent = [...soft, ...hard].map((watch) => watch.seen.at(-1) as Task);
    for (const { state } of sent.slice(2)) t.is(state, 'SENDING');
    await Promise.all(held.map((sim) => sim.configure({ holds: false })));
    await house.start(victim.part);
    listener.resume();

    const rested = await untilAllAtRest(t, house, [...sent, queued], listener);
    const known = victim.agentDies ? NOT_HEARD : HEARD;
    for (const [index, expected] of [HEARD, HEARD, known, known, HEARD].entries())
      t.like(rested[index], expected, `the ${rested[index]?.target} of ${rested[index]?.nodeName}`);
    const received = await Promise.all([off, again, reset, nmi, waits].map(ordersAt));
    t.deepEqual(received, [['soft'], ['soft', 'on'], ['reset'], ['diag'], ['soft']]);
    for (const [name, powerState] of Object.entries({
      off: 'OFF',
      again: 'ON',
      reset: 'ON',
      nmi: 'ON',
      waits: 'OFF',
    } as const))
      t.is((await nodeNow(house.client, name)).powerState, powerState, name);
  });
}

test('SIGKILL while the order may be in the socket of a BMC that has stopped', async (t) => {
  const house = await openHouse(t);
  const names = ['n1', 'n2', 'n3', 'n4'];
  const sims = await Promise.all(names.map((name) => enrolSim(t, house, name)));
  const orders = names.map((name) => order(house.client, name, 'SOFT_POWER_OFF', { timeout: 2 }));
  const tasks = await Promise.all(
    orders.map(async (watch, index) => {
      const task = await untilIn(watch, 'SENDING');
      sims[index]?.suspend();
      return task;
    }),
  );
  const listener = new Listener(house);
  await house.kill('conductor');
  await house.start('conductor');
  for (const sim of sims) sim.resume();
  listener.resume();
  const rested = await untilAllAtRest(t, house, tasks, listener);
  // Some of them got there, some did not: which is not known beforehand, but none got there twice.
  for (const [index, { state, nodeName }] of rested.entries()) {
    const count = (await sims[index]?.received())?.filter((command) => command === 'soft').length ?? 0;
    t.true(state === 'SUCCEEDED' ? count === 1 : count <= 1, `${nodeName} is ${state} and received it ${count} times`);
  }
  for (const sim of sims) t.false((await sim.received()).includes('on'));
});
