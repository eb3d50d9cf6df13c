/** A queue between one writer and one reader, as an async iterable. */
import { fail } from './errors.ts';
import { abortable } from './signals.ts';

/** Values go in with `push`, come out in order with `for await`. */
export interface Channel<T> extends AsyncIterable<T> {
  /** Adds a value. Does nothing after the end. */
  push(value: T): void;
  /** Ends the reading: after the values pushed so far, or with `error` thrown after them. */
  end(error?: unknown): void;
  /** How many values wait. */
  readonly size: number;
}

/** More values than this do not wait for a reader: one that does not keep up must not fill the memory. */
const LIMIT = 100_000;

/**
 * A channel that `signal` also ends, by throwing its reason at the reader. With `latestOnly` a new value takes the place
 * of one that waits; otherwise more than 100,000 waiting values end it with an error.
 */
export function openChannel<T>(signal: AbortSignal, latestOnly = false): Channel<T> {
  const waiting: T[] = [];
  let ended: { error?: unknown } | null = null;
  let wake: () => void = () => {};

  const end = (error?: unknown): void => {
    ended ??= error === undefined ? {} : { error };
    wake();
  };
  const push = (value: T): void => {
    if (ended) return;
    if (latestOnly) waiting.length = 0;
    if (waiting.length >= LIMIT) end(fail('TOOK_TOO_LONG', `the reader is more than ${LIMIT} messages behind`));
    else waiting.push(value);
    wake();
  };
  async function* read(): AsyncGenerator<T> {
    try {
      for (;;) {
        while (waiting.length > 0) yield waiting.shift() as T;
        if (ended && 'error' in ended) throw ended.error;
        if (ended) return;
        await abortable<void>((resolve) => {
          wake = resolve;
          return () => {};
        }, signal);
      }
    } finally {
      ended ??= {};
      waiting.length = 0;
    }
  }
  const reader = read();
  return {
    push,
    end,
    get size() {
      return waiting.length;
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
