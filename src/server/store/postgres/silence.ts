/**
 * A host that vanishes says nothing. TCP gives it up after a quarter of an hour; until then, whoever waits for its answer waits.
 * A connection that is silent for too long while a statement waits is therefore broken off here.
 */
import type pg from 'pg';
import type { Clock, Timer } from '../../../core/clock.ts';

/** In seconds. No statement of ours takes as long, except those of a migration. */
export const SILENCE_LIMIT_S = 30;

type Query = (...asked: unknown[]) => Promise<unknown>;

/** Puts `around` around everything that is asked over a connection, as we ask and as knex does. */
function askThrough(client: pg.Client, around: (query: Query) => Query): void {
  const ask = around(client.query.bind(client) as unknown as Query);
  const askFor = (...asked: unknown[]): Promise<unknown> | undefined => {
    const callback = asked.at(-1);
    if (typeof callback !== 'function') return ask(...asked);
    // So does knex ask.
    ask(...asked.slice(0, -1)).then(
      (result) => callback(null, result),
      (error) => callback(error),
    );
  };
  client.query = askFor as unknown as typeof client.query;
}

/**
 * Calls the listener each time that a statement has been answered, with when it was asked: others that were asked after it may
 * wait for their answers.
 */
export function hearAnswers(client: pg.Client, clock: Clock, answered: (askedAt: number) => void): void {
  askThrough(client, (query) => async (...asked) => {
    const askedAt = clock.monotonic();
    const answer = await query(...asked);
    answered(askedAt);
    return answer;
  });
}

/** Ends a connection as by an error of its socket, which `isLost` knows: whatever waits on it is rejected with that. */
function breakOff(client: pg.Client, limitS: number): void {
  client.connection.stream.destroy(new Error(`Connection terminated: no answer for ${limitS} s`));
}

/** What `work` resolves with, which asks over a connection. If it takes longer than `limitS` in all, the connection is broken off. */
export async function within<T>(limitS: number, client: pg.Client, clock: Clock, work: () => Promise<T>): Promise<T> {
  const limit = clock.after(limitS * 1000, () => breakOff(client, limitS));
  try {
    return await work();
  } finally {
    limit.cancel();
  }
}

/**
 * Breaks the connection off when statements wait and none has been answered for 30 s. The client then emits `error`, and a pool lends
 * it no more. What the server makes of a statement whose answer is missing is not known.
 */
export function breakOffIfSilent(client: pg.Client, clock: Clock): void {
  let waiting = 0;
  let timer: Timer | null = null;
  const waitAnew = (): void => {
    timer?.cancel();
    timer = waiting > 0 ? clock.after(SILENCE_LIMIT_S * 1000, () => breakOff(client, SILENCE_LIMIT_S)) : null;
  };
  askThrough(client, (query) => async (...asked) => {
    waiting += 1;
    // What is asked behind another statement gives that one no more time.
    if (waiting === 1) waitAnew();
    try {
      return await query(...asked);
    } finally {
      waiting -= 1;
      waitAnew();
    }
  });
}
