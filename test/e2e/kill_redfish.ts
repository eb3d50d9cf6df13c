/**
 * SIGKILL while a GracefulShutdown is on its way over Redfish, and while its effect is waited for: it is sent once, and what comes of it
 * is seen.
 */
import { eventually } from '../counterparts/eventually.ts';
import { newSimRedfish } from '../counterparts/sim_redfish.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { untilAllAtRest } from './killing.ts';
import { enrol, nodeNow, order, untilIn } from './orders.ts';
import type { Moment } from './shared_kill.ts';

const HANGS = { softMs: Number.POSITIVE_INFINITY };
const LATE_MS = 1;

/** A GracefulShutdown in this state. */
export const overRedfish = (state: 'SENDING' | 'CONFIRMING'): Moment => ({
  title: `${state} of a GracefulShutdown over Redfish`,
  lasts: 'long',
  async show(t, { house, killed, started }) {
    // The BMC answers the order when this clock is turned.
    const clock = new VirtualClock();
    const faults = state === 'SENDING' ? ({ order: 'late', lateMs: LATE_MS } as const) : {};
    const tested = await newSimRedfish(t, { clock, faults, host: HANGS });
    await enrol(house.client, 'redfish', 'redfish', { ...tested.info, redfish_client_timeout: '600' });
    const watch = order(house.client, 'redfish', 'SOFT_POWER_OFF');
    const task = await untilIn(watch, state);
    await eventually('the order to be received', () => tested.redfish.received.length > 0);
    await killed();
    t.is(watch.seen.at(-1)?.state, state);
    tested.set({ order: 'none' });
    await clock.turn(LATE_MS);
    await started();
    tested.host.setPower('power off');
    const [rested] = await untilAllAtRest(house, [task]);
    t.like(rested, { state: 'SUCCEEDED' });
    t.is((await nodeNow(house.client, 'redfish')).powerState, 'OFF');
    t.deepEqual(
      tested.redfish.received.map(({ resetType }) => resetType),
      ['GracefulShutdown'],
    );
  },
});
