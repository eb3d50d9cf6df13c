/**
 * SIGKILL while a GracefulShutdown is on its way over Redfish, and while its effect is waited for: it is sent once, and what comes of it
 * is seen.
 */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { newSimRedfish } from '../counterparts/sim_redfish.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { openHouse } from './house.ts';
import { houseFor, Listener, untilAllAtRest, VICTIMS, type Victim } from './killing.ts';
import { enrol, nodeNow, order, untilIn } from './orders.ts';

const HANGS = { softMs: Number.POSITIVE_INFINITY };
const LATE_MS = 1;

/** Over IPMI each victim meets each moment (kill_in_sending, kill_in_confirming): here each meets one, and each moment both parts. */
const MOMENTS = ['SENDING', 'CONFIRMING', 'SENDING'] as const;

for (const [at, state] of MOMENTS.entries()) {
  const victim = VICTIMS[at] as Victim;
  test(`SIGKILL of ${victim.title} in ${state} of a GracefulShutdown over Redfish`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    // The BMC answers the order when this clock is turned.
    const clock = new VirtualClock();
    const faults = state === 'SENDING' ? ({ order: 'late', lateMs: LATE_MS } as const) : {};
    const tested = await newSimRedfish(t, { clock, faults, host: HANGS });
    await enrol(house.client, 'n', 'redfish', { ...tested.info, redfish_client_timeout: '600' });
    const listener = new Listener(house);
    const watch = order(house.client, 'n', 'SOFT_POWER_OFF');
    const task = await untilIn(watch, state);
    await eventually('the order to be received', () => tested.redfish.received.length > 0);
    await house.kill(victim.part);
    t.is(watch.seen.at(-1)?.state, state);
    tested.set({ order: 'none' });
    await clock.turn(LATE_MS);
    await house.start(victim.part);
    listener.resume();
    tested.host.setPower('power off');
    const [rested] = await untilAllAtRest(t, house, [task], listener);
    t.like(rested, { state: 'SUCCEEDED' });
    t.is((await nodeNow(house.client, 'n')).powerState, 'OFF');
    t.deepEqual(
      tested.redfish.received.map(({ resetType }) => resetType),
      ['GracefulShutdown'],
    );
  });
}
