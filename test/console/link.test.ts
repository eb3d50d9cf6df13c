/** The link of the console to its conductor, in virtual time. */
import test from 'ava';
import { type Failure, Link } from '../../src/console/link.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const AWAY: Failure = { kind: 'lost', sentence: 'it is away', code: '', mayBeDone: true };
const refusal = (kind: Failure['kind'], sentence: string): Failure => ({ ...AWAY, kind, sentence });

/** A link whose questions are answered by the word that is set, or fail with it. */
function openLink() {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const conductor: { says: string | Failure | null } = { says: 'fine' };
  const link = new Link<string>({
    clock,
    failureOf: (error) => (error instanceof Error ? AWAY : (error as Failure)),
    ask(signal) {
      asked.push(clock.monotonic());
      const { says } = conductor;
      if (typeof says === 'string') return Promise.resolve(says);
      if (says !== null) return Promise.reject(says);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  return { link, clock, asked, conductor };
}

test('it asks every five seconds, and a conductor that comes back is a new connection', async (t) => {
  const { link, clock, asked, conductor } = openLink();
  link.run();
  await clock.turn(10_000);
  t.deepEqual(asked, [0, 5000, 10_000]);
  t.like(link.now, { state: 'connected', connection: 1, answer: 'fine' });
  conductor.says = AWAY;
  await clock.turn(5000);
  t.like(link.now, { state: 'disconnected', sentence: 'it is away', connection: 1, answer: 'fine' });
  await clock.turn(3500);
  t.deepEqual(asked.slice(4), [15_500, 16_500, 18_500], 'the pauses grow');
  conductor.says = 'back';
  await clock.turn(4000);
  t.like(link.now, { state: 'connected', connection: 2, answer: 'back', sentence: '' });
});

test('one that does not answer within ten seconds is away', async (t) => {
  const { link, clock, conductor } = openLink();
  conductor.says = null;
  link.run();
  await clock.turn(9999);
  t.is(link.now.state, 'connecting');
  await clock.turn(1);
  t.is(link.now.state, 'disconnected');
});

test('a stream that breaks is opened again soon; one that breaks again and again, later and later', async (t) => {
  const { link, clock, asked } = openLink();
  link.run();
  await clock.turn(5000);
  for (const pause of [500, 1000, 2000, 4000, 8000, 8000]) {
    const before = asked.length;
    link.lost(AWAY);
    link.lost(AWAY);
    t.is(link.now.state, 'disconnected');
    await clock.turn(pause - 1);
    t.is(asked.length, before, `${pause}`);
    await clock.turn(1);
    t.is(asked.length, before + 1);
    t.is(link.now.state, 'connected');
  }
  t.is(link.now.connection, 7);
  await clock.turn(5000);
  link.lost(AWAY);
  await clock.turn(500);
  t.is(link.now.connection, 8, 'it has held meanwhile');
});

test('who is not known is asked to sign in, and nothing is asked until then', async (t) => {
  const { link, clock, asked, conductor } = openLink();
  conductor.says = refusal('signed out', 'who are you');
  link.run();
  await clock.turn(60_000);
  t.like(link.now, { state: 'signed out', sentence: 'who are you', answer: null });
  t.is(asked.length, 1);
  conductor.says = 'welcome';
  link.run();
  await clock.turn(0);
  t.is(link.now.state, 'connected');
});

test('a refusal of the question is no break; a pause ends all questions, and the next connection is a new one', async (t) => {
  const { link, clock, asked, conductor } = openLink();
  conductor.says = refusal('refused', 'not you');
  const states: string[] = [];
  const stop = link.listen(() => states.push(link.now.state));
  link.run();
  await clock.turn(0);
  t.like(link.now, { state: 'connected', answer: null });
  link.pause();
  await clock.turn(60_000);
  t.is(asked.length, 1);
  t.is(clock.timers, 0);
  link.run();
  await clock.turn(0);
  t.is(link.now.connection, 2);
  stop();
  link.pause();
  t.deepEqual(states, ['connecting', 'connected', 'connecting', 'connected']);
});
