/**
 * SIGKILL while orders are on their way: each BMC has the order and holds it, unanswered, and carries it out when the
 * sender is dead. Nothing is lost, and nothing that must not be is sent twice.
 */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { never } from '../counterparts/signals.ts';
import { openHouse } from './house.ts';
import {
  enrolPyghmi,
  LEASE_S,
  Listener,
  ordersAt,
  speakersTo,
  untilAllAtRest,
  untilNobodySpeaksTo,
  VICTIMS,
} from './killing.ts';
import { enrolSim, nodeNow, order, untilIn } from './orders.ts';

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} in SENDING`, async (t) => {
    const house = await openHouse(t, { apart: victim.apart, settings: { agent_lease: LEASE_S } });
    const names = ['off', 'again', 'reset', 'waits'] as const;
    const sims = await Promise.all(names.map((name) => enrolSim(t, house, name)));
    const [off, again, reset, waits] = sims as [(typeof sims)[0], (typeof sims)[0], (typeof sims)[0], (typeof sims)[0]];
    const nmi = await enrolPyghmi(t, house, 'nmi', { holds: true });
    const held = [off, again, reset];
    await Promise.all(held.map((sim) => sim.configure({ holds: true })));
    waits.suspend();
    const listener = new Listener(house);

    const orders = [
      order(house.client, 'off', 'SOFT_POWER_OFF'),
      order(house.client, 'again', 'SOFT_REBOOT'),
      order(house.client, 'reset', 'REBOOT'),
      order(house.client, 'nmi', 'INJECT_NMI'),
    ];
    const queued = order(house.client, 'waits', 'SOFT_POWER_OFF');
    const sending = await Promise.all(orders.map((watch) => untilIn(watch, 'SENDING')));
    const tasks = [...sending, await untilIn(queued, 'QUEUED')];
    await Promise.all([
      off.untilReceived('soft', 1, never()),
      again.untilReceived('soft', 1, never()),
      reset.untilReceived('reset', 1, never()),
      eventually('the NMI to be received', () => nmi.received.includes('diag')),
    ]);
    for (const bmc of [...held, nmi]) t.true((await speakersTo(bmc)).length > 0);

    await house.kill(victim.part);
    if (victim.agentDies) await untilNobodySpeaksTo(...sims, nmi);
    await Promise.all(held.map((sim) => sim.configure({ holds: false })));
    nmi.release();
    waits.resume();
    await house.start(victim.part);
    listener.resume();

    const rested = await untilAllAtRest(t, house, tasks, listener);
    // An agent that lives heard the answers; nobody can tell any more what became of a reset or an NMI if it died.
    const unknown = { state: 'FAILED', errorCode: 'OUTCOME_UNKNOWN' } as const;
    const hard = victim.agentDies ? unknown : ({ state: 'SUCCEEDED' } as const);
    const soft = { state: 'SUCCEEDED' } as const;
    for (const [index, expected] of [soft, soft, hard, hard, soft].entries())
      t.like(rested[index], expected, `the ${rested[index]?.target} of ${rested[index]?.nodeName}`);
    t.deepEqual(await ordersAt(off), ['soft']);
    t.deepEqual(await ordersAt(again), ['soft', 'on']);
    t.deepEqual(await ordersAt(reset), ['reset']);
    t.deepEqual(await ordersAt(nmi), ['diag']);
    t.deepEqual(await ordersAt(waits), ['soft']);
    for (const [name, powerState] of Object.entries({ off: 'OFF', again: 'ON', reset: 'ON', nmi: 'ON', waits: 'OFF' }))
      t.like(await nodeNow(house.client, name), { powerState });
  });
}
