/** Command lines that were meant otherwise, where the refusal of the parser would lead astray. */
import type { Command } from 'commander';
import { type CountermandError, fail } from '../../core/errors.ts';
import { alike, distance } from './targets.ts';

/**
 * `help node power` as `node power --help`: commander would print the help of the first word only, and of all commands for one that is
 * none. Other words are as they were.
 * @throws ARGUMENT_INVALID for a word behind `help` that names no command
 */
export function withHelpFlag(words: readonly string[], program: Command): readonly string[] {
  let command = program;
  let helpAt: number | null = null;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word.startsWith('-')) {
      const option = [...program.options, ...command.options].find(
        ({ long, short }) => word === long || word === short,
      );
      if (option?.required) at += 1;
      continue;
    }
    if (command.commands.length === 0) break;
    if (word === 'help') {
      helpAt ??= at;
      continue;
    }
    const next = command.commands.find((known) => known.name() === word || known.aliases().includes(word));
    if (next === undefined && helpAt !== null && word !== '') throw unknownHelp(word, command);
    if (next === undefined) break;
    command = next;
  }
  return helpAt === null ? words : [...words.toSpliced(helpAt, 1), '--help'];
}

function unknownHelp(wanted: string, { commands }: Command): CountermandError {
  const names = commands.flatMap((known) => [known.name(), ...known.aliases()]);
  const near = names.find((name) => distance(name, wanted) <= alike(wanted));
  const meant = near === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${near}?`;
  return fail('ARGUMENT_INVALID', `unknown command '${wanted}'; ${meant}`);
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

const ABORTS = 'countermand abort NODES';
const POWERS = 'countermand node power NODES';
const NOT_PROVISIONED =
  'countermand does not provision nodes, it changes their power state: countermand node power --help';

/** Commands that other tools have, mostly Ironic's and Watcher's, by the word before them, and what is there instead. */
const COMMANDS_OF_OTHERS: Readonly<Record<string, string>> = {
  'node abort': ABORTS,
  'node cancel': ABORTS,
  'power abort': ABORTS,
  'power cancel': ABORTS,
  'node reboot': `${POWERS} reboot`,
  'node reset': `${POWERS} reboot`,
  'node shutdown': `${POWERS} soft_off`,
  'node on': `${POWERS} on`,
  'node off': `${POWERS} off`,
  'power on': `${POWERS} on`,
  'power off': `${POWERS} off`,
  'power reboot': `${POWERS} reboot`,
  'node inject': `${POWERS} inject_nmi`,
  'node maintenance': 'countermand node set NODES --maintenance on',
  'node unset': 'countermand node set NODES --unset-label KEY',
  'node get': 'countermand node show NODES',
  'node status': 'countermand node show NODES',
  'node add': 'countermand node create NAME',
  'node remove': 'countermand node delete NODES',
  'plan abort': 'countermand plan cancel PLAN',
  'plan stop': 'countermand plan cancel PLAN',
  'plan undo': 'countermand plan rollback PLAN',
  'plan run': 'countermand plan create FILE --start',
  'plan apply': 'countermand plan create FILE --start',
  'plan preview': 'countermand plan create FILE --dry-run',
  'plan validate': 'countermand plan create FILE --dry-run',
  actionplan: 'countermand plan',
  audittemplate: 'countermand audit template',
  strategy: 'countermand audit strategies',
  goal: 'countermand audit strategies',
  conductor: 'countermand status, or countermand agent list',
  service: 'countermand status, or countermand agent list',
};

/** What Ironic does with a node, and countermand does not. */
const PROVISIONS =
  /^node (adopt|bios|boot|clean|console|deploy|inspect|manage|provide|raid|rebuild|rescue|trait|undeploy|vif)$/;

/** Flags that other tools have. */
const FLAGS_OF_OTHERS: Readonly<Record<string, string>> = {
  '--soft': 'a soft order is a target of its own: soft_off or soft_reboot',
  '--power-timeout': 'it is --timeout here',
  '--long': 'it is -o wide here',
  '--fields': 'it is -o name or -o json here',
  '--column': 'it is -o name or -o json here',
  '-c': 'it is -o name or -o json here',
  '-f': 'it is -o json or -o yaml here',
  '--driver-info': 'it is --info here',
  '--extra': 'it is --label here',
  '--conductor-group': 'it is --zone here',
};

/** What a table says of a word that was typed: `constructor` is in none. */
const own = (table: Readonly<Record<string, string>>, word: string): string | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;

/**
 * The error for a word of another tool, or for a flag that is required and misspelt, if this error is about one; else null.
 * @param error what the parser refused the command line with
 */
export function wordOfOthers({ code, message }: CountermandError, words: readonly string[]): CountermandError | null {
  if (code !== 'ARGUMENT_INVALID') return null;
  const [, kind, word = ''] = /^unknown (command|option) '([^']+)'/.exec(message) ?? [];
  if (kind === 'command') {
    const before = words[words.indexOf(word) - 1];
    const typed = before === undefined || before.startsWith('-') ? word : `${before} ${word}`;
    const instead = own(COMMANDS_OF_OTHERS, typed);
    if (instead !== undefined) return fail(code, `unknown command '${word}'; did you mean: ${instead}`);
    return PROVISIONS.test(typed) ? fail(code, `unknown command '${word}'; ${NOT_PROVISIONED}`) : null;
  }
  const instead = kind === 'option' ? own(FLAGS_OF_OTHERS, word) : undefined;
  if (instead !== undefined) return fail(code, `unknown option '${word}'; ${instead}`);
  const [, required] = /^required option '(--[a-z-]+)/.exec(message) ?? [];
  const near = words.find((typed) => typed.startsWith('--') && distance(typed, required ?? '') <= alike(typed));
  if (required === undefined || near === undefined) return null;
  return fail(code, `unknown option '${near}' (Did you mean ${required}?)`);
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
