/** What a recall comes to at an iRMC: an accepted one proves nothing until the host is seen running. */
import test, { type ExecutionContext } from 'ava';
import { BmcQueue } from '../../src/agent/bmc_queue.ts';
import type { Hardware } from '../../src/agent/hardware.ts';
import { Lease } from '../../src/agent/lease.ts';
import { recallOrder } from '../../src/agent/recall.ts';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { never } from '../counterparts/signals.ts';
import { type NewSimIrmc, newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';

const driver = newIrmcDriver();
test.after.always(() => driver.close());

const CONFIRM_MS = 300;

/** An iRMC that has taken a soft power off, and how the agent sees it. */
async function ordered(
  t: ExecutionContext,
  options: NewSimIrmc,
): Promise<TestedIrmc & { readonly hardware: Hardware }> {
  const tested = await newSimIrmc(t, options);
  const bmc = driver.parse({ ...tested.info, irmc_client_timeout: '2' });
  await driver.setPowerState(bmc, 'soft power off', never());
  const lease = new Lease(systemClock);
  lease.setLength(60_000);
  lease.renew();
  const queue = new BmcQueue(0, systemClock);
  return { ...tested, hardware: { driver: driver as Driver, bmc, queue, lease, clock: systemClock } };
}

const recall = ({ hardware }: { hardware: Hardware }, signal = never()) =>
  recallOrder('soft power off', CONFIRM_MS, hardware, signal);

test('accepted, and the host runs on: RECALLED', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  t.like(await recall(subject), { outcome: 'RECALLED', observed: { powerState: 'power on', host: 'running' } });
  t.is(subject.irmc.host.boot, 'os-running');
});

test('accepted, and the host goes down all the same: FAILED', async (t) => {
  const subject = await ordered(t, { host: { pendingMs: 60_000 } });
  const answer = recall(subject);
  await eventually('the recall to be taken', () => subject.irmc.received.length === 2);
  subject.irmc.host.settings = { ...subject.irmc.host.settings, pendingMs: 0, softMs: 60_000 };
  subject.irmc.host.stopSoftly(false);
  const { outcome, reason, observed } = await answer;
  t.is(outcome, 'FAILED');
  t.regex(reason, /accepted, but the host was already on its way down/);
  t.like(observed, { host: 'stopping' });
});

test('refused, and the node is off by then: TOO_LATE', async (t) => {
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
  const answer = recallOrder('soft power off', 60_000, subject.hardware, controller.signal).catch((error) => error);
  await eventually('the recall to be taken', () => subject.irmc.received.length === 2);
  controller.abort(reason);
  t.is(await answer, reason);
});
