/** Which conductors an agent believes. */
import test from 'ava';
import { Epoch } from '../../src/agent/epoch.ts';
import { Lease } from '../../src/agent/lease.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const LEASE_MS = 15_000;

test('a conductor of an older epoch is not believed while a newer one was heard within the lease', async (t) => {
  const clock = new VirtualClock();
  const epoch = new Epoch(clock);
  t.true(epoch.admits(4, LEASE_MS));
  t.true(epoch.admits(5, LEASE_MS));
  t.false(epoch.admits(4, LEASE_MS));
  await clock.turn(LEASE_MS - 1);
  t.false(epoch.admits(4, LEASE_MS));
  await clock.turn(1);
  t.true(epoch.admits(4, LEASE_MS), 'the database was restored from a backup');
});

test('an agent inside a conductor sends nothing when that leads no more, however lately it has spoken', async (t) => {
  const clock = new VirtualClock();
  let leadsUntil = 3000;
  const lease = new Lease(clock, () => leadsUntil - clock.monotonic());
  lease.attach();
  lease.setLength(LEASE_MS);
  lease.renew();
  const send = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  const sent = t.throwsAsync(lease.guard(send, never()), { code: 'ATTACHMENT_ENDED' } as object);
  await clock.turn(2000);
  leadsUntil = 4000;
  await clock.turn(1999);
  lease.renew();
  await clock.turn(1);
  await sent;
  await t.throwsAsync(
    lease.guard(async () => 'sent', never()),
    { code: 'NOT_SENT_IN_TIME' } as object,
  );
  leadsUntil = 9000;
  t.is(await lease.guard(async () => 'sent', never()), 'sent');
});
