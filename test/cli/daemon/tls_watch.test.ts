/** TLS files that are looked at again: with a clock that is turned by hand. */
import test, { type ExecutionContext } from 'ava';
import { LOOK_AGAIN_MS, watchTls } from '../../../src/cli/daemon/tls_watch.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import type { TlsMaterial } from '../../../src/core/tls.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

function openWatched(t: ExecutionContext) {
  const clock = new VirtualClock();
  const cancellation = openCancellation([]);
  const told: string[] = [];
  const log = {
    info: (_: object, message: string) => void told.push(message),
    warn: (fields: object) => void told.push(JSON.stringify(fields)),
  };
  const files = { read: (): TlsMaterial => ({ own: null, ca: 'first' }) };
  const source = watchTls(() => files.read(), { clock, log }, cancellation.signal);
  const end = async () => {
    cancellation.abort(fail('SHUTTING_DOWN', 'the test is over'));
    await clock.settle();
    t.is(clock.timers, 0);
  };
  return { source, clock, told, files, end };
}

test('new files are used, broken ones are not, and each reason is told once', async (t) => {
  const { source, clock, told, files, end } = openWatched(t);
  const changes: (string | null)[] = [];
  source.onChange(({ ca }) => changes.push(ca));
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual([changes, told], [[], []]);

  files.read = () => {
    throw new Error('half written');
  };
  await clock.turn(3 * LOOK_AGAIN_MS);
  t.is(source.current().ca, 'first');
  t.deepEqual(told.splice(0), ['{"reason":"half written"}']);

  files.read = () => ({ own: null, ca: 'second' });
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual(changes, ['second']);
  t.is(source.current().ca, 'second');
  t.is(told.length, 1);
  await end();
});

test('while a listener throws, the last material stays, and all are told again', async (t) => {
  const { source, clock, told, files, end } = openWatched(t);
  const given: (string | null)[] = [];
  source.onChange(({ ca }) => given.push(ca));
  source.onChange(({ ca }) => {
    if (ca === 'second') throw new Error('the port has gone');
  });
  files.read = () => ({ own: null, ca: 'second' });
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual(given.splice(0), ['second', 'second']);
  t.is(source.current().ca, 'first');
  t.deepEqual(told.splice(0), ['{"reason":"the port has gone"}']);

  files.read = () => ({ own: null, ca: 'first' });
  await clock.turn(2 * LOOK_AGAIN_MS);
  t.deepEqual(given, ['first']);
  t.is(told.length, 1);
  await end();
});
