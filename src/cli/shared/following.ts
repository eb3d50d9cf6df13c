/** Following a power task until it is at rest. Whatever ends the following, the work goes on. */
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import type { PowerTask } from '../../gen/countermand/v1/power.ts';
import { type Call, present } from './asking.ts';
import { provesUnsent } from './connection.ts';
import { quoted } from './pasting.ts';
import { openProgress } from './progress.ts';
import { commandsToTakeBack, hasEnded, taskFailure } from './task_lines.ts';

/** What is followed. */
interface Followed {
  /** The task's uuid or its request_id: how to ask for it before its first message came. */
  readonly name: string;
  /** True if the stream itself gives the order. */
  readonly orders: boolean;
  /** False to end after the first message: the order is accepted. */
  readonly wait: boolean;
}

/**
 * Shows a task as its stream tells it, until it is at rest.
 * @throws what the task ended with; the error of a stream that broke; CALL_ENDED on the abort. The latter two say how to
 * watch it again and how to take it back.
 */
export async function followTask(
  stream: AsyncIterable<{ task?: PowerTask }>,
  followed: Followed,
  call: Call,
): Promise<void> {
  const progress = await openProgress(call);
  let last: PowerTask | null = null;
  try {
    for await (const { task } of stream) {
      last = present(task, 'a power task');
      progress.show(last);
      if (!followed.wait) break;
      call.watchReader();
    }
    if (last === null || (followed.wait && !hasEnded(last)))
      throw fail('CONDUCTOR_UNREACHABLE', `the conductor at ${call.conductor.address} ended the stream`);
  } catch (error) {
    throw last === null ? beforeTheFirst(asCountermandError(error), followed, call) : whileWatching(error, last, call);
  } finally {
    progress.end();
  }
  const failure = hasEnded(last) ? taskFailure(last) : null;
  if (failure) throw failure;
}

const BROKEN: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'CALL_ENDED', 'OUTPUT_LOST', 'INTERNAL'];

/**
 * The error of an order that was not answered. Whether it was accepted is unknown, so `shows` names the command that
 * can; but what the conductor refused, it refused.
 */
export function inDoubt(error: CountermandError, what: string, shows: string): CountermandError {
  if (!BROKEN.includes(error.code) || provesUnsent(error)) return error;
  return fail(error.code, `${error.message || READER_GONE}\n  whether ${what} shows: ${shows}`);
}

/** What is said of a command that was cut off, where more has to be said than its exit code. */
const READER_GONE = 'the reader of stdout has gone';

/** The error of a watching that ended early, with what goes on and commands to paste, each with what it does. */
export function stoppedWatching(
  error: CountermandError,
  goesOn: string,
  paste: readonly (readonly [does: string, command: string])[],
  { output }: Call,
): CountermandError {
  // A terminal shows ^C where its live text was.
  const stopped = `${output.live ? '\n' : ''}stopped watching`;
  const lines = [
    `${error.code === 'CALL_ENDED' ? stopped : error.message || `stopped watching: ${READER_GONE}`}; ${goesOn}`,
    ...paste.map(([does, command]) => `  ${does}: ${command}`),
  ];
  return fail(error.code, lines.join('\n'));
}

function beforeTheFirst(error: CountermandError, { name, orders }: Followed, { command }: Call): CountermandError {
  return orders ? inDoubt(error, 'the order was accepted', `${command} power show ${quoted(name)}`) : error;
}

function whileWatching(thrown: unknown, task: PowerTask, call: Call): CountermandError {
  const takeBack = commandsToTakeBack(task, call.command).map((paste) => ['take it back', paste] as const);
  const watch = ['watch it', `${call.command} power watch ${task.uuid}`] as const;
  return stoppedWatching(asCountermandError(thrown), 'the order goes on', [watch, ...takeBack], call);
}
