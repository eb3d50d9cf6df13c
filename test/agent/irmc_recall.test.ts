/** The outcome of a recall at an iRMC: an accepted one proves nothing until the host is seen running. */
import test, { type ExecutionContext } from 'ava';
import { BmcQueue } from '../../src/agent/bmc_queue.ts';
import type { Hardware } from '../../src/agent/hardware.ts';
import { Lease } from '../../src/agent/lease.ts';
import { recallOrder } from '../../src/agent/recall.ts';
import { fail } from '../../src/core/errors.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { type NewSimIrmc, newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';

/** How long the host must be seen running. */
const CONFIRM_MS = 3000;
/** More time of its own than the agent may take, also where nothing can be read. */
const BOUND_MS = 60_000;

/** An iRMC that has taken a soft power off, and how the agent sees it. Its timers run when the test lets them. */
interface Ordered extends TestedIrmc {
  readonly hardware: Hardware;
  readonly clock: PatientClock;
}

async function ordered(t: ExecutionContext, options: NewSimIrmc): Promise<Ordered> {
  const clock = new PatientClock();
  const driver = newIrmcDriver(clock);
  t.teardown(() => driver.close());
  const tested = await newSimIrmc(t, options);
  const bmc = driver.parse({ ...tested.info, irmc_client_timeout: '2' });
  await driver.setPowerState(bmc, 'soft power off', never());
  const lease = new Lease(clock);
  lease.attach();
  lease.setLength(2 * BOUND_MS);
  lease.renew();
  const queue = new BmcQueue(0, clock);
  return { ...tested, clock, hardware: { driver: driver as Driver, bmc, queue, lease, clock } };
}

const beginRecall = ({ hardware }: Ordered, signal = never()) =>
  recallOrder('soft power off', CONFIRM_MS, hardware, signal);

const recall = (subject: Ordered) => subject.clock.letPass(beginRecall(subject), BOUND_MS);

test('accepted, and the host runs on: RECALLED', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  t.like(await recall(subject), { outcome: 'RECALLED', observed: { powerState: 'power on', host: 'running' } });
  t.is(subject.irmc.host.boot, 'os-running');
});

test('accepted, and the host goes down all the same: FAILED', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  const answer = beginRecall(subject);
  await eventually('the recall to be taken', () => subject.irmc.received.length === 2);
  subject.irmc.host.settings = { ...subject.irmc.host.settings, pendingMs: 0, softMs: 60_000 };
  subject.irmc.host.stopSoftly(false);
  const { outcome, reason, observed } = await subject.clock.letPass(answer, BOUND_MS);
  t.is(outcome, 'FAILED');
  t.regex(reason, /accepted, but the host was already on its way down/);
  t.like(observed, { host: 'stopping' });
});

test('refused, and the node is off already: TOO_LATE', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  subject.irmc.host.setPower('power off');
  const { outcome, reason } = await recall(subject);
  t.is(outcome, 'TOO_LATE');
  t.regex(reason, /was off already .*ServerView Agent not connected/);
});

test('refused while nothing is pending, by an iRMC that has an error for it: FAILED with its words', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 }, faults: { nothingPendingValue: 31 } });
  subject.irmc.host.cancel();
  const { outcome, reason } = await recall(subject);
  t.is(outcome, 'FAILED');
  t.regex(reason, /says: No shutdown request is pending/);
});

test('the answer to the recall is lost: FAILED, it is not sent again, and the host is looked at', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  subject.irmc.faults = { ...subject.irmc.faults, scci: 'resets' };
  const { outcome, reason, observed } = await recall(subject);
  t.is(outcome, 'FAILED');
  t.regex(reason, /the recall failed: .*may have been carried out/);
  t.like(observed, { powerState: 'power on', host: 'running' });
  t.is(subject.irmc.received.filter(({ command }) => command === 'ShutdownRequestCancelled').length, 1);
});

test('accepted, and nothing can be read afterwards: FAILED', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  const silent = { snmp: 'silent', ipmi: 'silent', redfish: 'unavailable' } as const;
  subject.irmc.faults = { ...subject.irmc.faults, ...silent };
  const { outcome, reason, observed } = await recall(subject);
  t.is(outcome, 'FAILED');
  t.regex(reason, /could not be read afterwards/);
  t.is(observed, null);
});

test('the agent stops while the host is watched: the reason of the abort', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  const controller = new AbortController();
  const reason = fail('SHUTTING_DOWN', 'the agent stops');
  const answer = beginRecall(subject, controller.signal).catch((error) => error);
  await eventually('the recall to be taken', () => subject.irmc.received.length === 2);
  controller.abort(reason);
  t.is(await answer, reason);
});
