/** Which calls are made again, at which conductor, and with which request. */
import test from 'ava';
import { askOthers, Conductors } from '../../../src/cli/shared/others.ts';
import { type CountermandError, type ErrorCode, failWith } from '../../../src/core/errors.ts';
import { sleep } from '../../../src/core/signals.ts';
import { never } from '../../counterparts/signals.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

/** What a conductor does with a call: it answers these messages, and then ends or fails. */
interface Answer {
  readonly says?: readonly unknown[];
  /** For how long it then says nothing. */
  readonly silentMs?: number;
  readonly fails?: ErrorCode | 'unsent';
  /** The conductors that the failure names. */
  readonly names?: string;
}

const unsent = new WeakSet<CountermandError>();

/** Makes a call; resolves with what came of it, and whom it was asked with what. */
async function ask(path: string, request: object, addresses: readonly string[], answers: readonly Answer[]) {
  const clock = new VirtualClock();
  const conductors = new Conductors(addresses, () => {
    throw new Error('no channel is needed');
  });
  const asked: unknown[] = [];
  const next = async function* (sent: unknown) {
    const { says = [], silentMs = 0, fails, names }: Answer = answers[asked.length] ?? { fails: 'NOT_LEADING' };
    asked.push([conductors.address, sent]);
    yield* says;
    if (silentMs > 0) await sleep(silentMs, clock, never());
    if (fails === undefined) return 'done';
    const facts = names === undefined ? {} : { facts: { conductors: names } };
    const error = failWith(fails === 'unsent' ? 'CONDUCTOR_UNREACHABLE' : fails, fails, facts);
    if (fails === 'unsent') unsent.add(error);
    throw error;
  };
  const call = { method: { path }, request, requestStream: false, responseStream: true, next };
  const provesUnsent = (error: CountermandError): boolean => unsent.has(error);
  const mayLearn = (address: string): boolean => !address.startsWith('far');
  const stream = askOthers({ conductors, clock, provesUnsent, mayLearn })(call as never, {}) as AsyncGenerator<
    unknown,
    unknown
  >;
  const heard: unknown[] = [];
  let ended: unknown = null;
  let says = '';
  const listening = (async () => {
    for (;;) {
      const { done, value } = await stream.next();
      if (done) return value;
      heard.push(value);
    }
  })().then(
    (value) => {
      ended = value;
    },
    (error: CountermandError) => {
      ended = error.code;
      says = error.message;
    },
  );
  while (ended === null) await clock.turn(100);
  await listening;
  return { heard, ended, says, asked, tookMs: clock.monotonic() };
}

const WATCH = '/countermand.v1.PowerService/WatchPowerTask';
const ORDER = '/countermand.v1.PowerService/OrderPowerState';

test('one that is not there and one that does not lead have done nothing: the next one is asked, whatever is asked', async (t) => {
  const { ended, asked } = await ask(
    ORDER,
    { node: 'n' },
    ['a', 'b', 'c'],
    [{ fails: 'unsent' }, { fails: 'NOT_LEADING' }, {}],
  );
  t.is(ended, 'done');
  t.deepEqual(asked, [
    ['a', { node: 'n' }],
    ['b', { node: 'n' }],
    ['c', { node: 'n' }],
  ]);
});

test('while one stands by, a leader is waited for; for 15 s', async (t) => {
  const soon = await ask(ORDER, {}, ['a'], [{ fails: 'NOT_LEADING' }, { fails: 'NOT_LEADING' }, {}]);
  t.is(soon.ended, 'done');
  const never = await ask(ORDER, {}, ['a', 'b'], []);
  t.is(never.ended, 'NOT_LEADING');
  t.true(never.tookMs >= 15_000 && never.tookMs < 16_000, String(never.tookMs));
});

test('a stream that breaks when it has been silent for long goes on at the next one, whether it has said something before or not', async (t) => {
  for (const says of [[], [{ task: { state: 'CONFIRMING' } }]]) {
    const broke = { says, silentMs: 3_600_000, fails: 'CONDUCTOR_UNREACHABLE' } as const;
    const { ended, asked } = await ask(WATCH, {}, ['a', 'b'], [broke, { fails: 'NOT_LEADING' }, {}]);
    t.is(ended, 'done');
    t.deepEqual(
      asked.map((each) => (each as readonly unknown[])[0]),
      ['a', 'b', 'a'],
    );
  }
});

test('an order that was broken off, and then found no leader, is not said to have done nothing', async (t) => {
  const request = { requestId: 'r' };
  const lost = await ask(ORDER, request, ['a'], [{ fails: 'LEADERSHIP_LOST' }]);
  t.is(lost.ended, 'LEADERSHIP_LOST');
  t.regex(
    lost.says,
    /^LEADERSHIP_LOST; no conductor that leads has been reached since; whether .* is not known: look before/,
  );
  const followed = await ask(
    '/countermand.v1.PowerService/SetPowerState',
    request,
    ['a', 'b'],
    [{ says: [{ task: {} }], fails: 'CONDUCTOR_UNREACHABLE' }],
  );
  t.is(followed.ended, 'CONDUCTOR_UNREACHABLE');
  t.regex(followed.says, /^CONDUCTOR_UNREACHABLE; no conductor .* since; what was accepted goes on when one does$/);
  const read = await ask(WATCH, {}, ['a'], [{ fails: 'LEADERSHIP_LOST' }]);
  t.deepEqual([read.ended, read.says], ['NOT_LEADING', 'NOT_LEADING'], 'what only reads has done nothing');
  const never = await ask(ORDER, request, ['a'], []);
  t.deepEqual([never.ended, never.says], ['NOT_LEADING', 'NOT_LEADING']);
});

test('where none is there, that is said after one round', async (t) => {
  const answers: Answer[] = [{ fails: 'unsent' }, { fails: 'unsent' }, {}];
  t.like(await ask(WATCH, {}, ['a', 'b'], answers), { ended: 'CONDUCTOR_UNREACHABLE', tookMs: 100 });
});

test('a watch that breaks begins with the present state again, and events go on after the last one', async (t) => {
  const watch = await ask(
    WATCH,
    { powerTask: 't' },
    ['a', 'b'],
    [{ says: [1], fails: 'LEADERSHIP_LOST' }, { says: [2] }],
  );
  t.like(watch, {
    heard: [1, 2],
    ended: 'done',
    asked: [
      ['a', { powerTask: 't' }],
      ['b', { powerTask: 't' }],
    ],
  });
  const events = [{ says: [{ event: { sequence: 7n } }], fails: 'CONDUCTOR_UNREACHABLE' as const }, {}];
  const { asked } = await ask(
    '/countermand.v1.NotificationService/Subscribe',
    { fromSequence: 1n },
    ['a', 'b'],
    events,
  );
  t.deepEqual(asked, [
    ['a', { fromSequence: 1n }],
    ['b', { fromSequence: 8n }],
  ]);
});

test('an order that may have been accepted is given again only with its request_id', async (t) => {
  const answers: Answer[] = [{ fails: 'LEADERSHIP_LOST' }, {}];
  t.like(await ask(ORDER, { node: 'n' }, ['a', 'b'], answers), { ended: 'LEADERSHIP_LOST' });
  t.like(await ask(ORDER, { node: 'n', requestId: 'r' }, ['a', 'b'], answers), { ended: 'done' });
});

test('what a conductor refuses, it refuses; and with one address a break is told at once', async (t) => {
  t.like(await ask(ORDER, { requestId: 'r' }, ['a', 'b'], [{ fails: 'NODE_HELD' }, {}]), { ended: 'NODE_HELD' });
  t.like(await ask(WATCH, {}, ['a'], [{ says: [1], fails: 'CONDUCTOR_UNREACHABLE' }, {}]), {
    ended: 'CONDUCTOR_UNREACHABLE',
  });
});

test('a conductor that ends names others: a watch goes on there, where it may', async (t) => {
  const names = 'far:1, b:7077, not an address,c:7077';
  const { ended, heard, asked } = await ask(
    WATCH,
    { task: 't' },
    ['a:7077'],
    [{ says: ['one'], fails: 'SHUTTING_DOWN', names }, { says: ['two'] }],
  );
  t.is(ended, 'done');
  t.deepEqual(heard, ['one', 'two']);
  t.deepEqual(asked, [
    ['a:7077', { task: 't' }],
    ['b:7077', { task: 't' }],
  ]);
});

test('what could be done twice is not sent to a conductor that was named, and no list is endless', async (t) => {
  const order = await ask(ORDER, { node: 'n' }, ['a:7077'], [{ fails: 'SHUTTING_DOWN', names: 'b:7077' }]);
  t.is(order.ended, 'SHUTTING_DOWN');
  t.is(order.asked.length, 1);
  const conductors = new Conductors(['a:1'], () => {
    throw new Error('no channel is needed');
  });
  conductors.learn(Array.from({ length: 100 }, (_, at) => `b${at}:1`));
  t.is(conductors.addresses.length, 16);
});
