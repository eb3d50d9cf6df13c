/** What a power task at an agent reports, and what it does no more. */
import { getEventListeners } from 'node:events';
import test from 'ava';
import * as z from 'zod';
import { BmcQueue } from '../../src/agent/bmc_queue.ts';
import { Lease } from '../../src/agent/lease.ts';
import { PowerRun } from '../../src/agent/power_run.ts';
import type { Clock } from '../../src/core/clock.ts';
import { type ErrorCode, fail } from '../../src/core/errors.ts';
import { type OrderTarget, type Phase, type Reading, TARGETS } from '../../src/core/power.ts';
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

/** A power task whose driver is a stub: its node is on. Its lease has just begun. */
function runOf(
  target: OrderTarget,
  phase: Phase,
  clock: Clock,
  parts: Pick<Driver<object>, 'setPowerState'> & Partial<Driver<object>>,
  shutdown = never(),
): { readonly run: PowerRun; readonly reports: readonly Report[]; readonly lease: Lease } {
  const driver = defineDriver({
    name: 'stub',
    schema: z.object({}),
    targets: TARGETS,
    keyOf: () => 'stub',
    getPowerState: async () => ({ powerState: 'power on' as const }),
    ...parts,
  }) as Driver;
  const lease = new Lease(clock);
  lease.attach();
  lease.setLength(LEASE_MS);
  lease.renew();
  const hardware = { driver, bmc: driver.parse({}), queue: new BmcQueue(0, clock), lease, clock };
  const reports: Report[] = [];
  const subject = { taskUuid: 'task', target, phase, fence: 1 };
  return { run: new PowerRun(subject, hardware, (report) => reports.push(report), shutdown), reports, lease };
}

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
    const { run, reports } = runOf('rebooting', 'WHOLE', ownClock, {
      async setPowerState(_bmc, target, signal) {
        await before(freeze, clock, signal);
        throwIfOver(signal);
        arrived.push(target);
        await after(freeze, clock, signal);
        return '';
      },
    });
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

test('what the BMC refuses is prepared no more, whatever was in doubt in the half before, and nothing is left of it', async (t) => {
  const clock = new VirtualClock();
  const shutdown = never();
  let looks = 0;
  const answers = ['NO_ANSWER', 'BMC_REFUSED'] as const;
  const sent: OrderTarget[] = [];
  const { run } = runOf(
    'soft power off',
    'DOWN',
    clock,
    {
      async getPowerState() {
        looks += 1;
        return { powerState: 'power on' };
      },
      async setPowerState(_bmc, target) {
        throw fail(answers[sent.push(target) - 1] ?? 'INTERNAL', 'the test says so');
      },
    },
    shutdown,
  );
  for (const [phase, command, sending] of [
    ['DOWN', 'soft power off', 'UNKNOWN'],
    ['FORCED_DOWN', 'power off', 'REFUSED'],
  ] as const) {
    run.start(phase, 1, false, false);
    await clock.turnUntil(() => run.report.sending === 'READY', 20_000);
    run.go(command, phase);
    await clock.turnUntil(() => run.report.sending !== 'READY', 1000);
    t.is(run.report.sending, sending);
  }
  const before = looks;
  await clock.turn(60_000);
  t.is(looks, before);
  t.deepEqual(sent, ['soft power off', 'power off']);
  t.true(getEventListeners(shutdown, 'abort').length > 0);
  run.end(fail('SETTLED', 'the test is over'));
  await run.settled;
  t.is(getEventListeners(shutdown, 'abort').length, 0);
});

test('a task that is observed again is reported under the new fence, and is read at once', async (t) => {
  const clock = new VirtualClock();
  let looks = 0;
  const { run, reports } = runOf('inject nmi', 'WHOLE', clock, {
    async getPowerState() {
      looks += 1;
      return { powerState: 'power on' };
    },
    setPowerState: async () => t.fail('it must not send'),
  } as never);
  run.observe('WHOLE', 1);
  await clock.turn(300_000);
  const before = looks;
  t.true(reports.length < 35, 'what is nothing new is told now and then');
  run.observe('WHOLE', 3);
  t.is(run.report.fence, 3);
  await clock.turn(1);
  t.is(looks, before + 1);
  run.end(fail('SETTLED', 'the test is over'));
});

/** How an abort of a soft power off that can be recalled meets the order: what becomes of that in flight, if it is. */
const ABORTED: Readonly<Record<string, { readonly inFlight: ErrorCode | null; readonly reason: string }>> = {
  'with the leave to send': { inFlight: null, reason: 'the order had not been sent' },
  'while the order is in flight, which the BMC then refuses': {
    inFlight: 'BMC_REFUSED',
    reason: 'the BMC had refused the order',
  },
  'while the order is in flight, for which no session is opened': {
    inFlight: 'BMC_NO_SESSION',
    reason: 'the order had not been sent',
  },
};

for (const [when, { inFlight, reason }] of Object.entries(ABORTED))
  test(`an abort ${when}: NOT_SENT, and nothing is recalled`, async (t) => {
    const clock = new VirtualClock();
    const received: string[] = [];
    const { run, reports } = runOf('soft power off', 'DOWN', clock, {
      recalls: ['soft power off'],
      async setPowerState(_bmc, target, signal) {
        received.push(target);
        await sleep(2000, clock, signal);
        throw fail(inFlight ?? 'INTERNAL', 'the test says so');
      },
      async abortPowerState() {
        received.push('recall');
        return { accepted: true, reason: '' };
      },
    });
    run.start('DOWN', 1, false, false);
    await clock.turnUntil(() => run.report.sending === 'READY', 1000);
    run.go('soft power off', 'DOWN');
    if (inFlight !== null) await clock.turn(1000);
    run.abort(1, true, null, 1000);
    await clock.turnUntil(() => run.report.abort !== null, 60_000);
    t.like(run.report.abort, { outcome: 'NOT_SENT', reason });
    t.deepEqual(received, inFlight === null ? [] : ['soft power off']);
    t.false(reports.some(({ error }) => error?.code === 'ABORT_REQUESTED'));
    run.end(fail('SETTLED', 'the test is over'));
  });

test('a hard power off that was lost on a host that was starting is sent again', async (t) => {
  const clock = new VirtualClock();
  let host: Reading = { powerState: 'power off', host: 'starting' };
  const sent: OrderTarget[] = [];
  const { run } = runOf('power off', 'WHOLE', clock, {
    getPowerState: async () => host,
    async setPowerState(_bmc, target) {
      host = sent.push(target) === 1 ? { powerState: 'power on', host: 'running' } : { powerState: 'power off' };
      return '';
    },
  });
  run.start('WHOLE', 1, false, false);
  for (const times of [1, 2]) {
    await clock.turnUntil(() => run.report.sending === 'READY', 20_000);
    run.go('power off', 'WHOLE');
    await clock.turnUntil(() => sent.length === times, 1000);
  }
  await clock.turn(1000);
  t.like(run.report, { sending: 'ACCEPTED', observed: { powerState: 'power off' } });
  run.end(fail('SETTLED', 'the test is over'));
});

test('a Go that comes too late is none, and the next order at the BMC need not wait for it', async (t) => {
  const clock = new VirtualClock();
  const { run, reports } = runOf('rebooting', 'WHOLE', clock, {
    setPowerState: async () => t.fail('it must not send'),
  } as never);
  run.start('WHOLE', 1, false, false);
  await clock.turnUntil(() => run.report.sending === 'READY', 1000);
  await clock.turn(5000);
  t.like(run.report, { sending: 'NOT_SENT', error: { code: 'GO_TOO_LATE' } });
  const { length } = reports;
  run.go('rebooting', 'WHOLE');
  await clock.turn(1000);
  t.is(reports.length, length);
  run.end(fail('SETTLED', 'the test is over'));
});

for (const when of ['while it waits for leave to send', 'while the node is read'] as const)
  test(`the stream ends ${when}: nothing is sent, and the next conductor starts the order anew`, async (t) => {
    const clock = new VirtualClock();
    const sent: OrderTarget[] = [];
    const { run, reports, lease } = runOf('inject nmi', 'WHOLE', clock, {
      getPowerState: () => sleep(100, clock, never()).then(() => ({ powerState: 'power on' as const })),
      setPowerState: async (_bmc, target) => {
        sent.push(target);
        return '';
      },
    });
    run.start('WHOLE', 1, false, false);
    if (when === 'while the node is read') await clock.turn(50);
    else await clock.turnUntil(() => run.report.sending === 'READY', 1000);
    lease.detach();
    run.detached();
    await clock.turn(100);
    t.like(run.report, { sending: 'NOT_SENT', error: { code: 'GO_TOO_LATE' } });

    lease.attach();
    run.go('inject nmi', 'WHOLE');
    t.is(run.report.sending, 'NOT_SENT');
    const { length } = reports;
    run.start('WHOLE', 2, false, false);
    await clock.turnUntil(() => run.report.sending === 'READY', 1000);
    t.is(reports.length, length + 2, 'WAITING and READY');
    run.go('inject nmi', 'WHOLE');
    await clock.turnUntil(() => run.report.sending === 'ACCEPTED', 1000);
    t.deepEqual(sent, ['inject nmi']);
    run.end(fail('SETTLED', 'the test is over'));
  });
