/**
 * The question before an order that takes running nodes down, or that cannot be taken back.
 *
 * Which commands ask depends on the command alone, never on the state of the fleet or on where the output goes: a script that
 * needs --yes needs it every time. Only a person at a terminal can answer; a line on a pipe is no answer.
 */
import { Option } from 'commander';
import { asCountermandError, fail } from '../../core/errors.ts';
import { abortTargetOf, TARGET_TABLE, type Target } from '../../core/power.ts';
import { abortable } from '../../core/signals.ts';
import type { TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import type { Call } from './asking.ts';
import { takesDownWords } from './effect_text.ts';
import { fileWords } from './file_names.ts';
import { readCount } from './flags.ts';
import { harmless } from './harmless.ts';
import type { Terminal, TextSource } from './terminal.ts';

/** The targets that hit a running system at once, and that no hardware takes back. */
const HARD: readonly Target[] = ['power off', 'rebooting', 'inject nmi'];

/** One line of input; null at its end. Rejects with the reason of the abort. */
async function readLine(stdin: TextSource, signal: AbortSignal): Promise<string | null> {
  // Loaded for a question only: programs that run command after command need not wait for it.
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: stdin, terminal: false });
  const first = abortable<string | null>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(null));
    return () => {};
  }, signal);
  return first.finally(() => lines.close());
}

/** What --yes said: nothing, that the order is given, or that it is given if it takes this many running nodes down. */
export type Yes = boolean | number | undefined;

/**
 * Asks a person whether to go on. `what` says what would be done. With `yes` nothing is asked.
 * @throws NOT_CONFIRMED if no person can be asked, or the answer is not yes; CALL_ENDED on the abort; ARGUMENT_INVALID if
 *   `yes` is a number
 */
export async function confirm(what: string, yes: Yes, terminal: Terminal): Promise<void> {
  if (typeof yes === 'number')
    throw fail('ARGUMENT_INVALID', `--yes=${yes}: this takes no running node down, so there is no number; give --yes`);
  if (!yes) await ask(what, 'give --yes', terminal);
}

/**
 * Asks as `confirm`, about what is there: a person is not asked about a thing that there is not. With `yes` the order itself finds out.
 * @param look finds the thing; a caller who may not see it is asked all the same
 * @throws as `confirm`, and what `look` throws but PERMISSION_DENIED
 */
export async function confirmAbout(
  what: string,
  yes: Yes,
  look: () => Promise<unknown>,
  terminal: Terminal,
): Promise<void> {
  if (yes === undefined || yes === false)
    await look().catch((thrown: unknown) => {
      if (asCountermandError(thrown).code !== 'PERMISSION_DENIED') throw thrown;
    });
  await confirm(what, yes, terminal);
}

/**
 * Asks a person whether to go on with an order that takes running nodes down. With `yes` nothing is asked, unless more than
 * `confirm_above` nodes go down; then, and where `asks` is false, how many go down is only told. A number is not compared
 * here: the conductor does that, in the transaction of the order.
 * @param preview asks the conductor which running nodes the order would take down
 * @returns how many running nodes the order is to take down, for `expect_taken_down`
 * @throws NOT_CONFIRMED if no person can be asked, or the answer is not yes; CALL_ENDED on the abort; what `preview` throws
 */
export async function confirmTakenDown(
  what: (takesDown: TakesDown | undefined) => string,
  yes: Yes,
  preview: () => Promise<TakesDown | undefined>,
  terminal: Terminal & Pick<Call, 'output'>,
  asks = true,
): Promise<number> {
  if (typeof yes === 'number') return yes;
  const takesDown = await preview();
  const count = takesDown?.count ?? 0;
  if ((asks && !yes) || isMany(takesDown)) await ask(what(takesDown), howToGoOn(takesDown), terminal);
  else if (count > 0) terminal.output.say(takesDownWords(takesDown));
  return count;
}

/** True if an order takes more running nodes down than --yes alone confirms. */
function isMany(takesDown: TakesDown | undefined): boolean {
  return takesDown !== undefined && takesDown.count > takesDown.confirmAbove;
}

function howToGoOn(takesDown: TakesDown | undefined): string {
  if (!takesDown || !isMany(takesDown)) return 'give --yes';
  const { count, confirmAbove } = takesDown;
  return `state the number, --yes=${count}, as it is more than ${confirmAbove} (confirm_above)`;
}

/** Compares what --yes said with what an order would do, before anything is written. @throws TAKES_DOWN_MISMATCH */
export function holdToNumber(yes: Yes, takesDown: TakesDown | undefined): void {
  const count = takesDown?.count ?? 0;
  if (typeof yes === 'number' && yes !== count)
    throw fail(
      'TAKES_DOWN_MISMATCH',
      `--yes=${yes}: ${takesDownWords(takesDown)}, and ${yes} were expected; nothing was done. If ${count} is right, give --yes=${count}`,
    );
}

async function ask(what: string, goOn: string, terminal: Terminal): Promise<void> {
  const { stdin, signal } = terminal;
  if (!stdin.isTTY || !terminal.showPerson(harmless(`${what}. Go on? [y/N] `)))
    throw fail('NOT_CONFIRMED', `${what}. There is no terminal to ask on, so nothing was sent; to go on, ${goOn}`);
  const answer = await readLine(stdin, signal).catch(() => null);
  if (answer !== null && /^y(es)?$/i.test(answer.trim())) return;
  // Without an answer the question still waits at the end of its line.
  const code = signal.aborted ? 'CALL_ENDED' : 'NOT_CONFIRMED';
  throw fail(code, `${answer === null ? '\n' : ''}nothing was sent`);
}

/** A power order, as far as a question about it needs it. */
interface AskedOrder {
  readonly target: Target;
  /** A soft order becomes a hard one when it times out. */
  readonly forced: boolean;
  /** The words that named the nodes. */
  readonly typed: readonly string[];
}

/**
 * True if a power order has to be confirmed: it is hard, or becomes hard. So has one that takes down a node whose name is
 * also a file here: the shell may have put the file's name in the place of an unquoted range, and the order would hit
 * another node than the one that was meant. A warning alone would come too late.
 */
export function mustConfirm({ target, forced, typed }: AskedOrder, { hasFile }: Pick<Terminal, 'hasFile'>): boolean {
  const { soft, takesDown } = TARGET_TABLE[target];
  return HARD.includes(target) || (forced && soft) || (takesDown && typed.some(hasFile));
}

/** What a power order does to these nodes, and how far it can be taken back, in a sentence. */
export function orderWords(nodes: string, order: AskedOrder, terminal: Pick<Terminal, 'hasFile'>): string {
  const { target, forced, typed } = order;
  const force = forced ? ', and power it off hard if it times out' : '';
  const files = typed.filter(terminal.hasFile).map((word) => `${fileWords(word)}. `);
  return `${files.join('')}${nodes}: ${TARGET_TABLE[target].meaning}${force}; ${recallWords(target)}`;
}

function recallWords(target: Target): string {
  if (abortTargetOf(target) === null) return 'it cannot be taken back once sent';
  return TARGET_TABLE[target].soft ? 'an abort may come too late' : 'only the waiting for it can be stopped';
}

/** What is said of a plan once it exists. */
export function takenDown(takesDown: TakesDown, isStarted: boolean): string {
  const words = takesDownWords(takesDown);
  return isStarted ? words : words.replace(/^it takes/, 'starting it takes');
}

/** The flag of a command that asks, and takes no running node down. @param when a condition to begin with */
export function yesOption(when = ''): Option {
  return yes('--yes', `${when}${NOT_ASKED}`);
}

/** The flag of a command that asks because running nodes go down. @param when a condition to begin with */
export function yesOrNumberOption(when = ''): Option {
  return yes('--yes[=N]', `${when}${NOT_ASKED}${WITH_NUMBER}`);
}

const NOT_ASKED = 'do not ask for confirmation; required without a terminal';
const WITH_NUMBER =
  '. With =N only if the order takes N running nodes down; a script has to state N if that is more than confirm_above (20 by default)';

function yes(shown: string, meaning: string): Option {
  const option = new Option('--yes [n]', meaning).argParser(
    (word): Yes => (word === '' ? true : readCount(word, 0, '--yes')),
  );
  // A value is attached with =. See `runCommandLine`.
  option.flags = shown;
  return option;
}
