/** What callers see of an error. */
import type { Chance } from '../../core/chance.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import type { Log } from '../log.ts';

/** An error as a client may see it: its own, or INTERNAL with an id under which the log has what was thrown. */
export function sayable(thrown: unknown, path: string, log: Log, chance: Chance): CountermandError {
  return thrown instanceof CountermandError && thrown.code !== 'INTERNAL' ? thrown : hide(thrown, path, log, chance);
}

function hide(thrown: unknown, path: string, log: Log, chance: Chance): CountermandError {
  const id = chance.uuid();
  log.error({ err: thrown, id, path }, 'a call failed by a fault of ours');
  return fail('INTERNAL', `a fault of ours; the conductor's log has it under ${id}`);
}
