/** What waits is run in its order, and nothing waits for what is about something else. */
import test from 'ava';
import { OneByOne } from '../../src/agent/one_by_one.ts';
import { openCancellation } from '../../src/core/signals.ts';

test('actions about one thing keep their order, and others go at once', async (t) => {
  const held = new OneByOne(openCancellation([]).signal);
  const done: string[] = [];
  const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const add = (word: string) => () => void done.push(word);
  held.run('a', () => one.promise, add('start'));
  held.run('a', null, add('go'));
  held.run('a', () => two.promise, add('abort'));
  held.run('b', null, add('other'));
  t.deepEqual(done, ['other']);
  two.resolve();
  await two.promise;
  t.deepEqual(done, ['other']);
  const last = new Promise<void>((resolve) => held.run('a', null, resolve));
  one.resolve();
  await last;
  t.deepEqual(done, ['other', 'start', 'go', 'abort']);
  held.run('a', null, add('later'));
  await Promise.resolve();
  t.true(done.includes('later'));
});

test('what has waited is not run after the shutdown', async (t) => {
  const cancellation = openCancellation([]);
  const held = new OneByOne(cancellation.signal);
  const waiting = Promise.withResolvers<void>();
  held.run(
    'a',
    () => waiting.promise,
    () => t.fail(),
  );
  cancellation.abort(new Error('shutdown') as never);
  waiting.resolve();
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  t.pass();
});
