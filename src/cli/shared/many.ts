/** One request for each of many things: few at a time, each failure told as it happens, and one error for all of them. */
import { asCountermandError, type CountermandError, ERROR_TABLE, failWith } from '../../core/errors.ts';
import type { Call } from './asking.ts';
import { oneLine } from './harmless.ts';
import { firstNames } from './words.ts';

/** An error names at most this many things. */
const NAMED = 20;

/** After these nothing else needs to be asked. */
const ENDS_ALL: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'CALL_ENDED', 'OUTPUT_LOST'];

/** True if nothing else needs to be asked after this error. */
export const endsAll = ({ code }: CountermandError): boolean => ENDS_ALL.includes(code);

/** A thing of which a request failed, as people know it, and why. */
export interface Missed {
  readonly what: string;
  readonly error: CountermandError;
}

/** Works on each of these things, at most `atOnce` at a time, in their order. Rejects with the first rejection. */
export async function inParallel<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<unknown>,
): Promise<void> {
  const left = things.values();
  const worker = async (): Promise<void> => {
    for (const thing of left) await work(thing);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker));
}

/**
 * One error for all that failed, with the code and the details of the most serious.
 * @param sentence what is said, by the names of the first and by the most serious
 * @param rank how serious an error is; without it, as its exit code says
 */
export function worstOf(
  missed: readonly Missed[],
  sentence: (names: string, worst: Missed) => string,
  rank: (error: CountermandError) => number = exitCodeOf,
): CountermandError {
  const worst = missed.reduce((one, other) => (rank(other.error) > rank(one.error) ? other : one));
  const names = firstNames(
    missed.map(({ what }) => what),
    NAMED,
  );
  return failWith(worst.error.code, sentence(names, worst), worst.error.details);
}

const exitCodeOf = ({ code }: CountermandError): number => ERROR_TABLE[code].exitCode;

/**
 * How serious the outcomes of orders that end others are, by exit code; others are as serious as their exit code. What could not
 * be given leaves an order running of which the caller believes that it was ended.
 */
const ENDING: Readonly<Record<number, number>> = { 6: 110, 7: 100, 10: 90, 12: 80, 11: 0 };

/** How serious it is that an abort or a cancel ended with this error. */
export function rankOfEnding(error: CountermandError): number {
  const exitCode = exitCodeOf(error);
  return ENDING[exitCode] ?? exitCode;
}

/** How nodes are worked on, and what is said of those that failed. */
interface Manner {
  readonly atOnce: number;
  /** `could not be deleted`. */
  readonly failed: string;
  /** Where a node that failed is told at once; without it, on the output. */
  readonly tell?: (line: string) => void;
}

/**
 * Does something for each node. A node that fails is told, and the others are gone on with. Where there is only one, its error is
 * thrown as it is.
 * @param work what it resolves with is an error that was no reason to throw, or null
 * @throws one error for all that failed, with the code of the highest exit code; what ends the connection or the call, at once
 */
export async function forEachNode(
  nodes: readonly string[],
  work: (node: string) => Promise<CountermandError | null>,
  { atOnce, failed, tell }: Manner,
  { output }: Pick<Call, 'output'>,
): Promise<void> {
  const missed: Missed[] = [];
  await inParallel(nodes, atOnce, async (node) => {
    const error = await work(node).catch(asCountermandError);
    if (error === null) return;
    if (nodes.length === 1 || endsAll(error)) throw error;
    (tell ?? output.say)(oneLine(`${node}: ${error.message}`));
    missed.push({ what: node, error });
  });
  if (missed.length === 0) return;
  throw worstOf(
    missed,
    (names, { what, error }) =>
      `${missed.length} of ${nodes.length} nodes ${failed}: ${names}; ${what}: ${error.message}`,
  );
}
