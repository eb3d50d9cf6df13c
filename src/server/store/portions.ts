/** How much goes into one statement: databases take only so many values, SQLite 32766. */

/** So many rows are inserted or moved by one statement. */
export const ROWS_AT_ONCE = 400;
/** So many values are looked for by one statement. */
export const VALUES_AT_ONCE = 900;

/** A list in portions of at most `size`, in order. */
export function* portionsOf<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
