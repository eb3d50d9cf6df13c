/** A BMC belongs to one agent at a time: it moves to another only when the first certainly sends nothing more. */
import test, { type ExecutionContext } from 'ava';
import { never } from '../counterparts/signals.ts';
import { type House, openHouse } from './house.ts';
import { LEASE_S, untilNoSessionAt } from './killing.ts';
import { enrolSim, order, ordersAt, untilAtRest, untilIn } from './orders.ts';
import { untilAttached } from './processes.ts';
import { checkTrail } from './trail.ts';

/** Another agent takes over from one that was killed, and sends nothing again. That it waits for twice the lease: test/server/agents/leases.test.ts. */
async function takesOver(t: ExecutionContext, house: House): Promise<void> {
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(watch, 'CONFIRMING');
  const first = house.agent;
  await house.start('agent');
  await first.kill();
  const lost = JSON.parse(await house.conductor.logged.until('its loss', (line) => line.includes('"agent lost"')));
  t.like(lost, { level: 40, zones: ['default'] });
  t.regex(`${lost.peer} ${lost.identity} ${lost.reason}`, /^\S+:\d+ anonymous@\S+ ./);
  await untilNoSessionAt(sim);
  const looks = (await sim.received()).filter((command) => command === 'status').length;
  await sim.untilReceived('status', looks + 1, never());
  await sim.setPower('power off');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['soft']);
}

/** An agent that was stopped, and wakes up when another is in charge, sends nothing. */
async function wakesUp(t: ExecutionContext, house: House): Promise<void> {
  const sim = await enrolSim(t, house, 'n2', { softOffDelayS: 'never' });
  const sleeper = house.agent;
  sim.suspend();
  const watch = order(house.client, 'n2', 'SOFT_POWER_OFF');
  await untilIn(watch, 'QUEUED');
  sleeper.signal('SIGSTOP');
  await house.start('agent');
  sim.resume();
  await untilIn(watch, 'CONFIRMING');

  sleeper.signal('SIGCONT');
  await untilAttached(sleeper, 2);
  await sim.setPower('power off');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['soft']);
  await sleeper.kill();
}

/** A conductor that was stopped for long is found again, and carries on. */
async function foundAgain(t: ExecutionContext, house: House): Promise<void> {
  const sim = await enrolSim(t, house, 'n3', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n3', 'SOFT_POWER_OFF');
  await untilIn(watch, 'CONFIRMING');
  house.conductor.signal('SIGSTOP');
  await house.agent.logged.until('the agent to miss it', (line) =>
    line.includes('nothing was heard from the conductor'),
  );
  await sim.setPower('power off');
  house.conductor.signal('SIGCONT');
  await untilAttached(house.agent, 2);
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['soft']);
}

test('agents that are killed or stopped, and a conductor that is stopped: each order is sent once, and ends', async (t) => {
  const house = await openHouse(t, { apart: true, settings: { agent_lease: LEASE_S } });
  await takesOver(t, house);
  await wakesUp(t, house);
  await foundAgain(t, house);
  await checkTrail(t, house.client);
});
