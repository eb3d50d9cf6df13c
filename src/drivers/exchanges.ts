/** How many questions and orders are at BMCs at the same time, so that their sockets leave files to all else in the process. */
import { Places } from '../core/places.ts';

/**
 * Places for what has a socket, or a process, only as long as one call to a driver takes. Orders have places of their own: no order
 * waits for a question. A call waits for its place before its own timeout begins.
 */
export interface Exchanges {
  readonly questions: Places;
  readonly orders: Places;
}

/** Half of `count` for questions, half for orders, and at least one for each. */
export function exchangesOf(count: number): Exchanges {
  const half = Math.max(1, Math.floor(count / 2));
  return { questions: new Places(half), orders: new Places(half) };
}
