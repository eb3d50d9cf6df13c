/** TLS files that are looked at again: with a clock that is turned by hand. */
import test from 'ava';
import { LOOK_AGAIN_MS, watchTls } from '../../../src/cli/daemon/tls_watch.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import type { TlsMaterial } from '../../../src/core/tls.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

test('new files are used, broken ones are not, and each reason is told once', async (t) => {
  const clock = new VirtualClock();
  const cancellation = openCancellation([]);
  const told: string[] = [];
  const log = {
    info: (_: object, message: string) => void told.push(message),
    warn: (fields: object) => void told.push(JSON.stringify(fields)),
  };
  let read = (): TlsMaterial => ({ own: null, ca: 'first' });
  const source = watchTls(() => read(), { clock, log }, cancellation.signal);
  const changes: (string | null)[] = [];
  source.onChange(({ ca }) => changes.push(ca));
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual([changes, told], [[], []]);

  read = () => {
    throw new Error('half written');
  };
  await clock.turn(3 * LOOK_AGAIN_MS);
  t.is(source.current().ca, 'first');
  t.deepEqual(told.splice(0), ['{"reason":"half written"}']);

  read = () => ({ own: null, ca: 'second' });
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual(changes, ['second']);
  t.is(source.current().ca, 'second');
  t.is(told.length, 1);

  cancellation.abort(fail('SHUTTING_DOWN', 'the test is over'));
  await clock.settle();
  t.is(clock.timers, 0);
});
