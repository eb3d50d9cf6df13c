import { getEventListeners } from 'node:events';
import test from 'ava';
import { fail } from '../../src/core/errors.ts';
import { Places } from '../../src/core/places.ts';
import { openCancellation } from '../../src/core/signals.ts';

const reason = fail('ABORT_REQUESTED', 'enough');

/** Works that begin when they have a place, and end when they are told. */
function openWorks(places: Places) {
  const begun: string[] = [];
  const ends = new Map<string, (error?: unknown) => void>();
  return {
    begun,
    start(name: string, signal = openCancellation([]).signal): Promise<string> {
      const work = (): Promise<string> => {
        begun.push(name);
        return new Promise((resolve, reject) => {
          ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
        });
      };
      return places.hold(work, signal);
    },
    end: (name: string, error?: unknown): void => ends.get(name)?.(error),
  };
}

test('a limited number at a time; the others follow in the order of coming', async (t) => {
  const works = openWorks(new Places(2));
  const all = ['a', 'b', 'c', 'd'].map((name) => works.start(name));
  await null;
  t.deepEqual(works.begun, ['a', 'b']);
  works.end('b');
  t.is(await all[1], 'b');
  t.deepEqual(works.begun, ['a', 'b', 'c']);
  works.end('a');
  t.is(await all[0], 'a');
  t.deepEqual(works.begun, ['a', 'b', 'c', 'd']);
  works.end('c');
  works.end('d');
  t.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
});

test('a work that fails gives its place back', async (t) => {
  const works = openWorks(new Places(1));
  const failing = works.start('failing');
  const next = works.start('next');
  works.end('failing', reason);
  t.is(await failing.catch((error) => error), reason);
  works.end('next');
  t.is(await next, 'next');
});

test('who is aborted while waiting leaves the line, and no place is lost', async (t) => {
  const works = openWorks(new Places(1));
  const cancellation = openCancellation([]);
  const first = works.start('first');
  const leaving = works.start('leaving', cancellation.signal);
  const last = works.start('last');
  cancellation.abort(reason);
  t.is(await leaving.catch((error) => error), reason);
  works.end('first');
  await first;
  works.end('last');
  t.is(await last, 'last');
  const again = works.start('again');
  t.deepEqual(works.begun, ['first', 'last', 'again']);
  works.end('again');
  await again;
});

test('an abort does not end the work that has a place', async (t) => {
  const works = openWorks(new Places(1));
  const cancellation = openCancellation([]);
  const working = works.start('working', cancellation.signal);
  cancellation.abort(reason);
  const next = works.start('next');
  t.deepEqual(works.begun, ['working']);
  works.end('working');
  t.is(await working, 'working');
  works.end('next');
  await next;
});

test('a thousand wait for one place on one signal: all have it once, in order, and no listener is left', async (t) => {
  const places = new Places(1);
  const { signal } = openCancellation([]);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const works = Array.from({ length: 1000 }, (_, number) =>
    places.hold(async () => {
      inside += 1;
      most = Math.max(most, inside);
      order.push(number);
      await null;
      inside -= 1;
    }, signal),
  );
  await Promise.all(works);
  t.is(most, 1);
  t.deepEqual(
    order,
    Array.from({ length: 1000 }, (_, number) => number),
  );
  t.is(getEventListeners(signal, 'abort').length, 0);
});
