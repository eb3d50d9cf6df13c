/** One request for each of many nodes: few at a time, each told as it ends, and one error for all that failed. */
import { asCountermandError, type CountermandError, ERROR_TABLE, failWith } from '../../core/errors.ts';
import type { Call } from './asking.ts';
import { oneLine } from './harmless.ts';

/** So many nodes are named in an error. */
const NAMED = 20;

/** After these no other node needs to be asked. */
const ENDS_ALL: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'CALL_ENDED', 'OUTPUT_LOST'];

/** True if no other node needs to be asked after this error. */
export const endsAll = ({ code }: CountermandError): boolean => ENDS_ALL.includes(code);

/** A node where a request failed, and why. */
interface Missed {
  readonly node: string;
  readonly error: CountermandError;
}

/** How many are on their way at once, and what is said of those that failed: `could not be deleted`. */
interface Manner {
  readonly atOnce: number;
  readonly failed: string;
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
  { atOnce, failed }: Manner,
  call: Call,
): Promise<void> {
  const missed: Missed[] = [];
  const left = nodes.values();
  const lane = async (): Promise<void> => {
    for (const node of left) {
      const error = await work(node).catch(asCountermandError);
      if (error === null) continue;
      if (nodes.length === 1 || endsAll(error)) throw error;
      call.output.say(oneLine(`${node}: ${error.message}`));
      missed.push({ node, error });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, nodes.length) }, lane));
  if (missed[0]) throw missedError(missed, nodes.length, failed);
}

/** One error for all of them, with the code that says most: that of the highest exit code. */
function missedError(missed: readonly Missed[], of: number, failed: string): CountermandError {
  const exitCode = ({ error }: Missed): number => ERROR_TABLE[error.code].exitCode;
  const worst = missed.reduce((one, other) => (exitCode(other) > exitCode(one) ? other : one));
  const more = missed.length - NAMED;
  const names = missed.slice(0, NAMED).map(({ node }) => node);
  const named = names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const sentence = `${missed.length} of ${of} nodes ${failed}: ${named}; ${worst.node}: ${worst.error.message}`;
  return failWith(worst.error.code, sentence, worst.error.details);
}
