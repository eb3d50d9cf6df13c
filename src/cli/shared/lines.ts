/** Sentences of several parts, on one line. */
import { oneLine } from './harmless.ts';

/** What stands between the parts of a line. */
const GAP = '; ';

/** The parts that say something, as one line. */
export function line(...parts: readonly (string | false | undefined)[]): string {
  return parts
    .filter((part) => part !== false && part !== undefined && part !== '')
    .map((part) => oneLine(String(part)))
    .join(GAP);
}
