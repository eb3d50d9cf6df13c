import test, { type ExecutionContext } from 'ava';

/** How a counterpart is started, made ready for the next test, and ended. */
export interface Sharing<T> {
  start(): Promise<T>;
  /** Makes it as it was when it was new. What the test before has sent to it has been carried out when this resolves. */
  clean(counterpart: T): Promise<void>;
  stop(counterpart: T): Promise<void>;
}

/**
 * At most `count` counterparts for all tests of a file, as it costs more to start one than to run most tests. A test has its own
 * until it is over; those that find none wait. They are ended after the last test. Call this once, at the top of the file.
 */
export function shared<T>(count: number, { start, clean, stop }: Sharing<T>): (t: ExecutionContext) => Promise<T> {
  const all: Promise<T>[] = [];
  const free: Promise<T>[] = [];
  const waiting: ((counterpart: Promise<T>) => void)[] = [];
  const giveBack = (counterpart: Promise<T>): void => {
    const next = waiting.shift();
    if (next) next(counterpart);
    else free.push(counterpart);
  };
  function take(): Promise<T> {
    const known = free.pop();
    if (known) return known;
    if (all.length === count) return new Promise((resolve) => waiting.push(resolve));
    const started = start();
    all.push(started);
    return started;
  }
  test.after.always(async () => {
    for (const started of await Promise.allSettled(all)) if (started.status === 'fulfilled') await stop(started.value);
  });
  return async (t) => {
    const counterpart = await take();
    t.teardown(async () => {
      try {
        await clean(counterpart);
      } finally {
        giveBack(Promise.resolve(counterpart));
      }
    });
    return counterpart;
  };
}
