/** What one identity may use at a time, in virtual time. */
import test from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import { RetryInfo } from '../../../src/gen/google/rpc/error_details.ts';
import { Budgets } from '../../../src/server/access/budgets.ts';
import { detailsOf } from '../../../src/server/api/details.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const LIMITS = { identity_calls: 10, identity_streams: 2 };

/** How many of `calls` calls are accepted. */
function accepted(budgets: Budgets, name: string, calls: number): number {
  return Array.from({ length: calls }, () => {
    try {
      budgets.spend(name);
      return true;
    } catch {
      return false;
    }
  }).filter((is) => is).length;
}

test('a burst of calls, then a rate in each second; others have their own', async (t) => {
  const clock = new VirtualClock();
  const budgets = new Budgets(LIMITS, clock);
  t.is(accepted(budgets, 'one', 25), 10);
  t.is(accepted(budgets, 'other', 25), 10);
  await clock.turn(500);
  t.is(accepted(budgets, 'one', 25), 5);
  await clock.turn(1000);
  t.is(accepted(budgets, 'one', 25), 10);
  await clock.turn(60_000);
  t.is(accepted(budgets, 'one', 25), 10, 'a rest saves no more than a second of calls');
});

test('a refusal names the limit, and says when one more call is accepted: not before, and then', async (t) => {
  const clock = new VirtualClock();
  const budgets = new Budgets(LIMITS, clock);
  accepted(budgets, 'one', 10);
  const error = t.throws<CountermandError>(() => budgets.spend('one'), { code: 'IDENTITY_LIMIT' } as never);
  t.regex(
    error?.message ?? '',
    /^one has reached its limit of 10 calls per second \(identity_calls\); nothing was done/,
  );
  t.like(error?.details, { facts: { limit: 'identity_calls' }, retryAfterMs: 100 });
  const retry = detailsOf(error as CountermandError, '').find(({ typeUrl }) =>
    typeUrl.endsWith('google.rpc.RetryInfo'),
  );
  t.deepEqual(RetryInfo.decode(retry?.value ?? Buffer.alloc(0)).retryDelay, { seconds: 0n, nanos: 100_000_000 });
  await clock.turn(99);
  t.is(accepted(budgets, 'one', 1), 0);
  await clock.turn(1);
  t.is(accepted(budgets, 'one', 2), 1);
});

test('streams up to the limit, and one more when one has ended', (t) => {
  const budgets = new Budgets(LIMITS, new VirtualClock());
  const [leave] = [budgets.enter('one'), budgets.enter('one')];
  const error = t.throws<CountermandError>(() => budgets.enter('one'), { code: 'IDENTITY_LIMIT' } as never);
  t.like(error?.details, { facts: { limit: 'identity_streams' } });
  budgets.enter('other');
  leave?.();
  t.notThrows(() => budgets.enter('one'));
});

test('callers at rest are forgotten, and those with streams are not', async (t) => {
  const clock = new VirtualClock();
  const budgets = new Budgets(LIMITS, clock);
  budgets.enter('watcher');
  budgets.enter('watcher');
  for (let at = 0; at < 10_000; at += 1) budgets.spend(`caller ${at}`);
  await clock.turn(1000);
  budgets.spend('one more');
  t.throws(() => budgets.enter('watcher'));
});
