/**
 * SIGKILL while orders are on their way: each BMC has the order and holds it, unanswered, and carries it out when the
 * sender is dead. Nothing is lost, and nothing that must not be is sent twice.
 */
import type { ExecutionContext } from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import type { Task } from './client.ts';
import { enrolSimBmc, speakersTo, untilAllAtRest, untilNoSessionAt } from './killing.ts';
import { BY_IPMITOOL, enrolSim, nodeNow, order, ordersAt, untilIn } from './orders.ts';
import type { Moment, Scene } from './shared_kill.ts';

const HOLDS_MS = 1;

/** An agent that lived on heard the answers; if it died, the outcome of a reset or an NMI is unknown. */
const HEARD = { state: 'SUCCEEDED' } as const;
const NOT_HEARD = { state: 'FAILED', errorCode: 'OUTCOME_UNKNOWN' } as const;

async function show(t: ExecutionContext, { house, victim, turn, killed, started }: Scene): Promise<void> {
  const { client } = house;
  // The two BMCs in this process carry out their order at once, and answer it when this clock is turned.
  const clock = new VirtualClock();
  const faults = { holdsOrdersMs: HOLDS_MS };
  const [off, again, reset, waits, nmi] = await Promise.all([
    enrolSim(t, house, 'off', { holds: true }),
    enrolSim(t, house, 'again', { holds: true }, BY_IPMITOOL),
    enrolSimBmc(t, house, 'reset', { clock, faults }, BY_IPMITOOL),
    enrolSim(t, house, 'waits'),
    enrolSimBmc(t, house, 'nmi', { clock, faults }),
  ]);
  const held = [off, again];
  await turn();

  waits.suspend();
  const soft = [order(client, 'off', 'SOFT_POWER_OFF'), order(client, 'again', 'SOFT_REBOOT')];
  await Promise.all(held.map((sim) => sim.untilReceived('soft', 1, never())));
  // An agent that lives on waits for answers, as long as a driver does: 10 s for an order, 6 s for a reading. So the
  // kill comes as soon as it can.
  const hard = [order(client, 'reset', 'REBOOT'), order(client, 'nmi', 'INJECT_NMI')];
  await Promise.all([
    eventually('the reset to be received', () => reset.bmc.received.includes('reset')),
    eventually('the NMI to be received', () => nmi.bmc.received.includes('diag')),
  ]);
  const speakers = await speakersTo(reset);
  const queued = await untilIn(order(client, 'waits', 'SOFT_POWER_OFF'), 'QUEUED');
  await killed();
  if (victim.agentDies) await untilNoSessionAt(...held, waits, reset, nmi);
  await clock.turn(HOLDS_MS);
  waits.resume();
  t.true(speakers.length > 0);
  const sent = [...soft, ...hard].map((watch) => watch.seen.at(-1) as Task);
  for (const { state } of sent.slice(2)) t.is(state, 'SENDING');
  await Promise.all(held.map((sim) => sim.configure({ holds: false })));
  await started();

  const rested = await untilAllAtRest(house, [...sent, queued]);
  const known = victim.agentDies ? NOT_HEARD : HEARD;
  for (const [index, expected] of [HEARD, HEARD, known, known, HEARD].entries())
    t.like(rested[index], expected, `the ${rested[index]?.target} of ${rested[index]?.nodeName}`);
  const received = await Promise.all([off, again, reset, nmi, waits].map(ordersAt));
  t.deepEqual(received, [['soft'], ['soft', 'on'], ['reset'], ['diag'], ['soft']]);
  const states = { off: 'OFF', again: 'ON', reset: 'ON', nmi: 'ON', waits: 'OFF' } as const;
  for (const [name, powerState] of Object.entries(states))
    t.is((await nodeNow(house.client, name)).powerState, powerState, name);
}

/** Orders that the BMCs have and hold, and one that waits for a reading. */
export const SENDING: Moment = { title: 'SENDING', lasts: 'six seconds', show };

async function showStopped(t: ExecutionContext, { house, turn, killed, started }: Scene): Promise<void> {
  const names = ['stops1', 'stops2', 'stops3', 'stops4'];
  const sims = await Promise.all(names.map((name) => enrolSim(t, house, name)));
  await turn();
  const orders = names.map((name) => order(house.client, name, 'SOFT_POWER_OFF', { timeout: 10 }));
  const tasks = await Promise.all(
    orders.map(async (watch, index) => {
      const task = await untilIn(watch, 'SENDING');
      sims[index]?.suspend();
      return task;
    }),
  );
  await killed();
  await started();
  for (const sim of sims) sim.resume();
  const rested = await untilAllAtRest(house, tasks);
  // Some of them got there, some did not: which is not known beforehand, but none got there twice.
  for (const [index, { state, nodeName }] of rested.entries()) {
    const count = (await sims[index]?.received())?.filter((command) => command === 'soft').length ?? 0;
    t.true(state === 'SUCCEEDED' ? count === 1 : count <= 1, `${nodeName} is ${state} and received it ${count} times`);
  }
  for (const sim of sims) t.false((await sim.received()).includes('on'));
}

/** The orders may be in the sockets of BMCs that have stopped. */
export const SENDING_TO_STOPPED: Moment = {
  title: 'SENDING to BMCs that stop',
  lasts: 'ten seconds',
  show: showStopped,
};
