/** A daemon that is told to stop ends, whatever hangs; with limit and step in the log. */
import test from 'ava';
import { Ending, endLimitMs } from '../../../src/cli/daemon/ending.ts';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

/** A daemon whose work goes on until the test ends it, and what became of it. */
function openDaemon() {
  const clock = new VirtualClock();
  const stop = openCancellation([]);
  const work = Promise.withResolvers<string>();
  const said: object[] = [];
  const state = { abandoned: false, ended: null as unknown };
  const abandon = (): void => {
    state.abandoned = true;
  };
  const log = { error: (fields: object) => void said.push(fields) };
  const ending = new Ending();
  const limitMs = endLimitMs(30_000);
  void ending.within(work.promise, { clock, log, signal: stop.signal, limitMs, abandon }).then(
    (value) => {
      state.ended = value;
    },
    (error) => {
      state.ended = error.code;
    },
  );
  return { clock, stop: () => stop.abort(fail('CALL_ENDED', 'stopped')), work, said, state, ending };
}

test('what hangs after the abort is named, and waited for no longer than the limit', async (t) => {
  const { clock, stop, said, state, ending } = openDaemon();
  await clock.turn(1_000_000);
  t.is(state.ended, null);
  stop();
  ending.at('the ports');
  ending.at('the database');
  await clock.turn(49_900);
  t.deepEqual(state, { abandoned: false, ended: null });
  await clock.turn(200);
  t.deepEqual(state, { abandoned: true, ended: 'TOOK_TOO_LONG' });
  t.deepEqual(said, [{ step: 'the database', limit_ms: 50_000 }]);
});

test('what ends in time, or fails, ends as it does', async (t) => {
  for (const [end, ended] of [
    [(work: PromiseWithResolvers<string>) => work.resolve('well'), 'well'],
    [(work: PromiseWithResolvers<string>) => work.reject(fail('DATABASE_TAKEN', '')), 'DATABASE_TAKEN'],
  ] as const) {
    const { clock, stop, work, said, state } = openDaemon();
    stop();
    await clock.turn(1000);
    end(work);
    await clock.turn(1_000_000);
    t.deepEqual(state, { abandoned: false, ended });
    t.deepEqual(said, []);
  }
});
