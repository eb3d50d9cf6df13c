import test from 'ava';
import { Lease } from '../../src/agent/lease.ts';
import { endOf, openCancellation, sleep } from '../../src/core/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

function newLease() {
  const clock = new VirtualClock();
  const lease = new Lease(clock);
  lease.setLength(15_000);
  return { clock, lease, signal: openCancellation([]).signal };
}

test('nothing is sent before the conductor was heard, nor after the lease has run out', async (t) => {
  const { clock, lease, signal } = newLease();
  let sent = 0;
  const send = async (): Promise<number> => {
    sent += 1;
    return sent;
  };
  await t.throwsAsync(lease.guard(send, signal), { message: /has not heard/ });
  lease.renew();
  await clock.turn(14_999);
  t.is(await lease.guard(send, signal), 1);
  await clock.turn(1);
  await t.throwsAsync(lease.guard(send, signal), { message: /has not heard/ });
  t.is(sent, 1);
});

test('a sending that still waits for its BMC is stopped when the lease runs out, and not before', async (t) => {
  const { clock, lease, signal } = newLease();
  lease.renew();
  const renewed = lease.guard((sending) => sleep(20_000, clock, sending), signal);
  await clock.turn(10_000);
  lease.renew();
  await clock.turn(10_000);
  await t.notThrowsAsync(renewed);
  const lost = lease.guard((sending) => sleep(60_000, clock, sending), signal);
  lost.catch(() => {});
  await clock.turn(15_000);
  await t.throwsAsync(lost, { message: /has not heard/ });
  t.is(clock.timers, 0);
});

test('what is about to be sent learns that the lease has run out, though no timer has told it: the process was frozen', async (t) => {
  const clock = new VirtualClock();
  let frozenMs = 0;
  const lease = new Lease({ now: () => 0, after: (ms, then) => clock.after(ms, then), monotonic: () => frozenMs });
  lease.setLength(15_000);
  lease.renew();
  const answer = lease.guard(async (sending) => {
    const own = openCancellation([sending]);
    const before = endOf(own.signal);
    frozenMs = 15_000;
    return { before, after: endOf(own.signal), aborted: own.signal.aborted };
  }, openCancellation([]).signal);
  t.like(await answer, { before: null, after: { code: 'NOT_SENT_IN_TIME' }, aborted: false });
});
