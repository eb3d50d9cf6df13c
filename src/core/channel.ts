/** Queues between one writer and one reader, as async iterables. */
import { fail } from './errors.ts';
import { onAbort } from './signals.ts';

/** Values go in with `push`, come out in order with `for await`. */
export interface Channel<T, Out = T> extends AsyncIterable<Out> {
  /** Adds a value. Does nothing after the end. */
  push(value: T): void;
  /** Ends the reading: after the values pushed so far, or with `error` thrown after them. */
  end(error?: unknown): void;
  /** How many values wait to be read. */
  readonly size: number;
}

/** The limit of values that wait in a queue: a reader that does not keep up must not fill the memory. */
const LIMIT = 100_000;

/** What waits in a channel: `add` returns false if there is no room for the value. */
interface Waiting<T, Out> {
  add(value: T): boolean;
  take(): Out;
  clear(): void;
  readonly size: number;
}

/**
 * A queue that `signal` also ends, by throwing its reason at the reader. The reader gets every value; more than 100,000
 * waiting values end the queue with TOOK_TOO_LONG.
 */
export function openChannel<T>(signal: AbortSignal): Channel<T> {
  const values: T[] = [];
  return openOver(signal, {
    add: (value: T) => values.length < LIMIT && values.push(value) > 0,
    take: () => values.shift() as T,
    clear: () => {
      values.length = 0;
    },
    get size() {
      return values.length;
    },
  });
}

/**
 * A channel with one place: `fold` puts each value together with what waits there, or begins with it. The reader gets what
 * has gathered since it last read, so a slow reader costs no more than one gathering. `signal` ends it as a queue.
 */
export function openFolded<T, Out>(
  signal: AbortSignal,
  fold: (waiting: Out | undefined, value: T) => Out,
): Channel<T, Out> {
  let gathered: { readonly value: Out } | null = null;
  return openOver(signal, {
    add: (value: T) => {
      gathered = { value: fold(gathered?.value, value) };
      return true;
    },
    take: () => {
      const taken = gathered as { readonly value: Out };
      gathered = null;
      return taken.value;
    },
    clear: () => {
      gathered = null;
    },
    get size() {
      return gathered === null ? 0 : 1;
    },
  });
}

function openOver<T, Out>(signal: AbortSignal, waiting: Waiting<T, Out>): Channel<T, Out> {
  let ended: { error?: unknown } | null = null;
  let wake: () => void = () => {};

  const end = (error?: unknown): void => {
    ended ??= error === undefined ? {} : { error };
    wake();
  };
  const push = (value: T): void => {
    if (ended) return;
    if (!waiting.add(value)) end(fail('TOOK_TOO_LONG', `the reader is more than ${LIMIT} messages behind`));
    wake();
  };
  async function* read(): AsyncGenerator<Out> {
    // Once for all that is read: with each wait anew it takes longer than the rest of it.
    const unlink = onAbort(signal, end);
    try {
      for (;;) {
        while (waiting.size > 0) yield waiting.take();
        if (ended && 'error' in ended) throw ended.error;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      unlink();
      ended ??= {};
      waiting.clear();
    }
  }
  const reader = read();
  return {
    push,
    end,
    get size() {
      return waiting.size;
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
