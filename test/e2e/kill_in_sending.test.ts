/**
 * SIGKILL while orders are on their way: each BMC has the order and holds it, unanswered, and carries it out when the
 * sender is dead. Nothing is lost, and nothing that must not be is sent twice.
 */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { never } from '../counterparts/signals.ts';
import { openHouse } from './house.ts';
import { enrolPyghmi, LEASE_S, Listener, speakersTo, untilAllAtRest, untilNobodySpeaksTo, VICTIMS } from './killing.ts';
import { BY_IPMITOOL, enrolSim, nodeNow, order, ordersAt, untilIn } from './orders.ts';

/** An agent that lived on heard the answers; if it died, nobody can tell any more what became of a reset or an NMI. */
const HEARD = { state: 'SUCCEEDED' } as const;
const NOT_HEARD = { state: 'FAILED', errorCode: 'OUTCOME_UNKNOWN' } as const;

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} in SENDING`, async (t) => {
    const house = await openHouse(t, { apart: victim.apart, settings: { agent_lease: LEASE_S } });
    const [off, again, reset, waits, nmi] = await Promise.all([
      enrolSim(t, house, 'off'),
      enrolSim(t, house, 'again', {}, BY_IPMITOOL),
      enrolSim(t, house, 'reset', {}, BY_IPMITOOL),
      enrolSim(t, house, 'waits'),
      enrolPyghmi(t, house, 'nmi', { holds: true }),
    ]);
    const held = [off, again, reset];
    await Promise.all(held.map((sim) => sim.configure({ holds: true })));
    const listener = new Listener(house);

    const sending = [
      order(house.client, 'off', 'SOFT_POWER_OFF'),
      order(house.client, 'again', 'SOFT_REBOOT'),
      order(house.client, 'reset', 'REBOOT'),
      order(house.client, 'nmi', 'INJECT_NMI'),
    ];
    const sent = await Promise.all(sending.map((watch) => untilIn(watch, 'SENDING')));
    await Promise.all([
      off.untilReceived('soft', 1, never()),
      again.untilReceived('soft', 1, never()),
      reset.untilReceived('reset', 1, never()),
      eventually('the NMI to be received', () => nmi.received.includes('diag')),
    ]);
    for (const bmc of [again, reset]) t.true((await speakersTo(bmc)).length > 0);
    waits.suspend();
    const queued = await untilIn(order(house.client, 'waits', 'SOFT_POWER_OFF'), 'QUEUED');

    await house.kill(victim.part);
    if (victim.agentDies) await untilNobodySpeaksTo(...held, waits, nmi);
    await Promise.all(held.map((sim) => sim.configure({ holds: false })));
    nmi.release();
    waits.resume();
    await house.start(victim.part);
    listener.resume();

    const rested = await untilAllAtRest(t, house, [...sent, queued], listener);
    const hard = victim.agentDies ? NOT_HEARD : HEARD;
    for (const [index, expected] of [HEARD, HEARD, hard, hard, HEARD].entries())
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
  // Some of them got there, some did not: nobody can tell beforehand, but none got there twice.
  for (const [index, { state, nodeName }] of rested.entries()) {
    const count = (await sims[index]?.received())?.filter((command) => command === 'soft').length ?? 0;
    t.true(state === 'SUCCEEDED' ? count === 1 : count <= 1, `${nodeName} is ${state} and received it ${count} times`);
  }
  for (const sim of sims) t.false((await sim.received()).includes('on'));
});
