/** What a power task reports of an order that its driver did not send, as the time for it was over. */
import test from 'ava';
import * as z from 'zod';
import { BmcQueue } from '../../src/agent/bmc_queue.ts';
import { Lease } from '../../src/agent/lease.ts';
import { PowerRun } from '../../src/agent/power_run.ts';
import { fail } from '../../src/core/errors.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import type { Report } from '../../src/core/report.ts';
import { sleep, throwIfOver } from '../../src/core/signals.ts';
import { type Driver, defineDriver } from '../../src/drivers/driver.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const LEASE_MS = 15_000;

/** One way in which the lease runs out while the driver has the order. */
interface Case {
  /** What the driver does before its last look. It may let the clock jump, as when the process was frozen. */
  before(freeze: () => void, clock: VirtualClock, signal: AbortSignal): Promise<void>;
  /** What it does when the order has arrived. */
  after(freeze: () => void, clock: VirtualClock, signal: AbortSignal): Promise<void>;
  readonly arrives: boolean;
  readonly sending: Report['sending'];
  readonly code: string;
}

const nothing = async (): Promise<void> => {};

const CASES: Readonly<Record<string, Case>> = {
  'the process was frozen right before the order was sent': {
    before: async (freeze) => freeze(),
    after: nothing,
    arrives: false,
    sending: 'NOT_SENT',
    code: 'NOT_SENT_IN_TIME',
  },
  'the lease runs out while the order waits for its answer': {
    before: nothing,
    after: (_freeze, clock, signal) => sleep(2 * LEASE_MS, clock, signal),
    arrives: true,
    sending: 'UNKNOWN',
    code: 'ATTACHMENT_ENDED',
  },
  // Nothing was sent, but the abort does not prove it.
  'the lease runs out while the driver waits before the order': {
    before: (_freeze, clock, signal) => sleep(2 * LEASE_MS, clock, signal),
    after: nothing,
    arrives: false,
    sending: 'UNKNOWN',
    code: 'ATTACHMENT_ENDED',
  },
};

for (const [what, { before, after, arrives, sending, code }] of Object.entries(CASES)) {
  test(`${what}: the report says ${sending}`, async (t) => {
    const clock = new VirtualClock();
    let frozenMs = 0;
    const ownClock = {
      now: () => clock.now(),
      after: clock.after.bind(clock),
      monotonic: () => clock.monotonic() + frozenMs,
    };
    const freeze = (): void => {
      frozenMs += LEASE_MS;
    };
    const arrived: OrderTarget[] = [];
    const driver = defineDriver({
      name: 'stub',
      schema: z.object({}),
      keyOf: () => 'stub',
      getPowerState: async () => ({ powerState: 'power on' as const }),
      async setPowerState(_bmc, target, signal) {
        await before(freeze, clock, signal);
        throwIfOver(signal);
        arrived.push(target);
        await after(freeze, clock, signal);
        return '';
      },
    }) as Driver;
    const lease = new Lease(ownClock);
    lease.setLength(LEASE_MS);
    lease.renew();
    const hardware = { driver, bmc: driver.parse({}), queue: new BmcQueue(0, ownClock), lease, clock: ownClock };
    const reports: Report[] = [];
    const subject = { taskUuid: 'task', target: 'rebooting', phase: 'WHOLE', fence: 1 } as const;
    const run = new PowerRun(subject, hardware, (report) => reports.push(report), never());
    run.start('WHOLE', 1, false, false);
    await clock.turnUntil(() => run.report.sending === 'READY', 1000);
    run.go('rebooting', 'WHOLE');
    const told = (): Report | undefined => reports.find(({ error }) => error !== null);
    await clock.turnUntil(() => told() !== undefined, 3 * LEASE_MS);
    t.like(told(), { sending, error: { code } });
    t.deepEqual(arrived, arrives ? ['rebooting'] : []);
    const { length } = reports;
    run.abort(1, true, null, 1000);
    await clock.turnUntil(() => run.report.abort !== null, 60_000);
    t.true(reports.length > length);
    t.is(run.report.abort?.outcome === 'NOT_SENT', sending === 'NOT_SENT');
    run.end(fail('SHUTTING_DOWN', 'the test is over'));
  });
}
