/** Command lines that were meant otherwise, where the refusal of the parser would lead astray. */
import type { Command } from 'commander';
import { type CountermandError, fail } from '../../core/errors.ts';
import { alike, distance } from './targets.ts';

/** Refuses `help WORD` where no command is called so: commander would print the help of all commands. @throws ARGUMENT_INVALID */
export function refuseUnknownHelp(words: readonly string[], program: Command): void {
  let command = program;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word.startsWith('-')) {
      const option = [...program.options, ...command.options].find(
        ({ long, short }) => word === long || word === short,
      );
      if (option?.required) at += 1;
      continue;
    }
    const wanted = words[at + 1] ?? '';
    const names = command.commands.flatMap((known) => [known.name(), ...known.aliases()]);
    if (word === 'help' && names.length > 0 && !wanted.startsWith('-') && ![...names, 'help', ''].includes(wanted)) {
      const near = names.find((name) => distance(name, wanted) <= alike(wanted));
      const meant = near === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${near}?`;
      throw fail('ARGUMENT_INVALID', `unknown command '${wanted}'; ${meant}`);
    }
    const next = command.commands.find((known) => known.name() === word || known.aliases().includes(word));
    if (next === undefined) return;
    command = next;
  }
}

/**
 * The error for a number that stands behind `--yes` without =, if it is what this error is about; else null.
 * @param error what the command line was refused with, which took the number for something else
 */
export function numberOfYes({ code, message }: CountermandError, words: readonly string[]): CountermandError | null {
  const number = words.find((word, at) => words[at - 1] === '--yes' && /^\d+$/.test(word));
  const isAbout = message.includes(`'${number}'`) || message.startsWith('too many arguments');
  if (number === undefined || code !== 'ARGUMENT_INVALID' || !isAbout) return null;
  return fail('ARGUMENT_INVALID', `the number of --yes is attached with =: give --yes=${number}, not --yes ${number}`);
}

/** A text may be empty. */
const FREE_TEXT = '<text>';

/**
 * Refuses a flag with an empty value, as a shell makes it of a variable that is not set. Passed over, it would take away what the flag
 * holds the command to: the GUID of the server to accept, the id that makes an order one order, the role of a token.
 * @throws ARGUMENT_INVALID
 */
export function refuseEmptyFlags(command: Command): void {
  for (let at: Command | null = command; at !== null; at = at.parent)
    for (const option of at.options) {
      if (!option.required || option.flags.includes(FREE_TEXT)) continue;
      const name = option.attributeName();
      if (at.getOptionValueSource(name) !== 'cli' || ![at.getOptionValue(name)].flat().includes('')) continue;
      throw fail('ARGUMENT_INVALID', `${option.long} has an empty value; give one, or leave out the flag`);
    }
}
