/** Following a power task until it is at rest. Whatever ends the following, the work goes on. */
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import type { PowerTask } from '../gen/countermand/v1/power.ts';
import { type Call, present } from './asking.ts';
import { provesUnsent } from './connection.ts';
import { openProgress } from './progress.ts';
import { commandsToTakeBack, hasEnded, taskFailure } from './task_lines.ts';

/** What is followed. */
export interface Followed {
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
  const progress = openProgress(call);
  let last: PowerTask | null = null;
  try {
    for await (const { task } of stream) {
      last = present(task, 'a power task');
      progress.show(last);
      if (!followed.wait) break;
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

const BROKEN: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'CALL_ENDED', 'INTERNAL'];

/** Before the first message nobody can tell whether an order was accepted; what the conductor refused, it refused. */
function beforeTheFirst(error: CountermandError, { name, orders }: Followed, { command }: Call): CountermandError {
  if (!orders || !BROKEN.includes(error.code) || provesUnsent(error)) return error;
  const ask = `whether the order was accepted shows: ${command} power show ${name}`;
  return fail(error.code, `${error.message}\n  ${ask}`);
}

function whileWatching(thrown: unknown, task: PowerTask, { command, output }: Call): CountermandError {
  const error = asCountermandError(thrown);
  const takeBack = commandsToTakeBack(task, command);
  // A terminal shows ^C where its live line was.
  const stopped = `${output.live ? '\n' : ''}stopped watching`;
  const lines = [
    `${error.code === 'CALL_ENDED' ? stopped : error.message}; the order goes on`,
    `  watch it: ${command} power watch ${task.uuid}`,
    ...takeBack.map((paste) => `  take it back: ${paste}`),
  ];
  return fail(error.code, lines.join('\n'));
}
