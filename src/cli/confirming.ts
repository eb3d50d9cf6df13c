/** The question before an order that cannot be taken back. */
import { createInterface } from 'node:readline';
import { fail } from '../core/errors.ts';
import { abortTargetOf, TARGET_TABLE, type Target } from '../core/power.ts';
import { abortable } from '../core/signals.ts';
import type { Terminal, TextSource } from './terminal.ts';

/** The targets that hit a running system at once, and that no hardware takes back. */
const HARD: readonly Target[] = ['power off', 'rebooting', 'inject nmi'];

/** One line of input; null at its end. Rejects with the reason of the abort. */
function readLine(stdin: TextSource, signal: AbortSignal): Promise<string | null> {
  const lines = createInterface({ input: stdin, terminal: false });
  const first = abortable<string | null>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(null));
    return () => {};
  }, signal);
  return first.finally(() => lines.close());
}

/**
 * Asks a person whether to go on with a hard order, saying how far it can be recalled. Where no person is, and with
 * --json, nothing is asked.
 * @throws CALL_ENDED if the answer is not yes, and on the abort
 */
export async function confirmOrder(node: string, target: Target, json: boolean, terminal: Terminal): Promise<void> {
  const { stdin, stdout, stderr, signal } = terminal;
  if (json || !stdin.isTTY || !stdout.isTTY || !HARD.includes(target)) return;
  const recall = abortTargetOf(target) === null ? 'it cannot be taken back once sent' : 'an abort only stops waiting';
  stderr.write(`${node}: ${TARGET_TABLE[target].meaning}; ${recall}. Go on? [y/N] `);
  const answer = await readLine(stdin, signal).catch(() => null);
  if (answer !== null && /^y(es)?$/i.test(answer.trim())) return;
  // Without an answer the question still waits at the end of its line.
  throw fail('CALL_ENDED', `${answer === null ? '\n' : ''}nothing was ordered`);
}
