/** Targets as people type them: what is another spelling is understood, what is another word is answered with the command that was meant. */
import { fail } from '../../core/errors.ts';
import { findTarget, TARGET_TABLE, TARGETS, type Target } from '../../core/power.ts';
import { quoted } from './pasting.ts';

const WORDS = TARGETS.map((target) => TARGET_TABLE[target].word);

/**
 * Words of other tools (ipmitool, ipmipower, kubectl) and what they are here. They are answered and not understood: `cycle` and
 * `stop` mean different things in different tools, and an order is not guessed.
 */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  cycle: ['reboot'],
  reset: ['reboot'],
  restart: ['soft_reboot', 'reboot'],
  soft: ['soft_off'],
  shutdown: ['soft_off'],
  stop: ['soft_off', 'off'],
  down: ['soft_off', 'off'],
  poweroff: ['soft_off', 'off'],
  start: ['on'],
  up: ['on'],
  poweron: ['on'],
  diag: ['inject_nmi'],
  nmi: ['inject_nmi'],
  pulse_diag: ['inject_nmi'],
};

/** Questions about a power state, and commands that have their own place. NODES stands for the nodes that were named. */
const COMMANDS: Readonly<Record<string, string>> = {
  status: 'countermand node show NODES',
  stat: 'countermand node show NODES',
  state: 'countermand node show NODES',
  show: 'countermand node show NODES',
  refresh: 'countermand node refresh NODES',
  abort: 'countermand abort NODES',
  cancel: 'countermand plan cancel --node NODES',
};

/** Two words are alike if at most this many letters have to change: fewer in short words, as `n1` is not `on`. */
export const alike = (word: string): number => (word.length < 4 ? 1 : 2);

/**
 * A target by its word, by Ironic's name or by the name of the contract, whatever its case and whether with blanks, dashes or
 * underscores.
 * @param others the other words of the command line: the nodes
 * @throws ARGUMENT_INVALID with what was probably meant
 */
export function readTarget(word: string, others: readonly string[]): Target {
  const plain = word
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const target = findTarget(word) ?? findTarget(plain) ?? findTarget(plain.replaceAll('_', ' '));
  if (target !== null) return target;
  throw fail('ARGUMENT_INVALID', `'${word}' is not a target; ${meant(word, plain, others)}`);
}

/** What a table says of a word that was typed: `constructor` is in none. */
const own = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined;

function meant(word: string, plain: string, others: readonly string[]): string {
  const nodes = others.length === 0 ? 'NODES' : others.map(quoted).join(' ');
  const [first = '', ...rest] = others;
  // A node may be called like a target, so the order of the two is never guessed; but it can be pointed out.
  if (findTarget(first) !== null)
    return `the target comes last: countermand node power ${[...rest, word].map(quoted).join(' ')} ${first}`;
  const command = own(COMMANDS, plain);
  if (command !== undefined) return `did you mean: ${command.replace('NODES', nodes)}`;
  const words = own(OTHER_WORDS, plain) ?? WORDS.filter((known) => distance(known, plain) <= alike(plain));
  if (words.length > 0)
    return `did you mean: ${words.map((known) => `countermand node power ${nodes} ${known}`).join(', or ')}`;
  const missing = others.length === 0 ? 'give the nodes, then a target: ' : 'the targets are ';
  return `${missing}${WORDS.join(', ')}`;
}

/** How many letters have to be inserted, left out or replaced to make one word of the other. */
export function distance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1];
    for (const [at, against] of [...other].entries())
      line.push(
        Math.min((line[at] ?? 0) + 1, (above[at + 1] ?? 0) + 1, (above[at] ?? 0) + (letter === against ? 0 : 1)),
      );
    above = line;
  }
  return above[other.length] ?? 0;
}
