/** How much goes into one statement: databases limit the values of one, SQLite to 32766, PostgreSQL to 65535. */

/** How many rows are inserted or moved by one statement. */
export const ROWS_AT_ONCE = 400;
/** How many values are looked for by one statement. */
export const VALUES_AT_ONCE = 900;

/**
 * The same values, the last of them repeated up to a power of two. A list of values to look for is then one of few lengths,
 * so that the statements with such lists are few, and stay prepared.
 */
export function filledUp<T>(values: readonly T[]): T[] {
  const length = values.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, at) => values[Math.min(at, values.length - 1)] as T);
}

/** A list in portions of at most `size`, in order. */
export function* portionsOf<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/** A list in portions of powers of two, at most `size`, in order: so that statements with such lists are few, and they stay prepared. */
export function* portionsOfFewLengths<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let at = 0, length = 2 ** Math.floor(Math.log2(size)); at < all.length; ) {
    while (length > all.length - at) length /= 2;
    yield all.slice(at, at + length);
    at += length;
  }
}
