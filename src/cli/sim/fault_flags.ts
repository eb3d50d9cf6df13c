/** What the flags of faults have in common. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import type { WebFault } from '../../sim/irmc/faults.ts';

/** What can be wrong with the answers of a web server, by the words of the command line: there a space is a hyphen. */
export const WEB_FAULTS = {
  stalls: 'stalls',
  unavailable: 'unavailable',
  redirects: 'redirects',
  resets: 'resets',
  truncated: 'truncated',
  endless: 'endless',
  huge: 'huge',
  malformed: 'malformed',
  'a-page': 'a page',
  nested: 'nested',
  'no-value': 'no value',
} as const satisfies Record<string, WebFault>;

/** Adds the flag that says which nodes have the faults. */
export function addFaulty(command: Command): Command {
  return command.option(
    '--faulty <which>',
    'which nodes have the faults below: a share such as 10%, or numbers; all if left out',
  );
}

/**
 * True if one of the flags of faults is given.
 * @param names the flags, as commander calls them
 * @param example a fault, for the error
 * @throws ARGUMENT_INVALID if none is, and `--faulty` says which nodes have it
 */
export function hasFaults<Options extends { readonly faulty?: string }>(
  options: Options,
  names: readonly (keyof Options)[],
  example: string,
): boolean {
  if (names.some((name) => options[name] !== undefined)) return true;
  if (options.faulty === undefined) return false;
  throw fail('ARGUMENT_INVALID', `--faulty says which nodes have faults, but no fault is given, such as ${example}`);
}
