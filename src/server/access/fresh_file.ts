/** A file that may change while it is in use: it is read again when it is needed, but not more often than every five seconds. */
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { openSmallFile } from '../../core/small_file.ts';

/** How old what was read may be. */
const FRESH_MS = 5000;

/** What a file says, parsed. */
export interface FreshFile<T> {
  /**
   * What it says now.
   * @throws CONFIGURATION_INVALID if it cannot be read or parsed: what stood there before may have been taken back
   */
  current(): T;
}

/**
 * The file at `path`, read at once. A pipe is read this once.
 * @param parse throws if the text is wrong
 * @throws CONFIGURATION_INVALID
 */
export function openFreshFile<T>(path: string, parse: (text: string) => T, clock: Clock): FreshFile<T> {
  const textNow = openSmallFile(path, ({ code }) => fail('CONFIGURATION_INVALID', `${path} cannot be read (${code})`));
  let text: string | null = null;
  let value: T;
  let failure: unknown = null;
  let readAt = Number.NEGATIVE_INFINITY;
  const read = (): void => {
    readAt = clock.monotonic();
    try {
      const next = textNow();
      if (next !== text) value = parse(next);
      text = next;
      failure = null;
    } catch (error) {
      // The same object until it is read again: whoever tells of it does so once.
      failure = error;
    }
  };
  const current = (): T => {
    if (clock.monotonic() >= readAt + FRESH_MS) read();
    if (failure !== null) throw failure;
    return value;
  };
  current();
  return { current };
}
