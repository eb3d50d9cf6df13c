/** What an agent is told to do for a power task. */
import { isIdempotent, TARGET_TABLE } from '../../core/power.ts';
import { POWER_TASK_UNSETTLED } from '../../core/states.ts';
import { spanOfRow, type TraceContext, traceOfText, traceparentOf } from '../../core/tracing.ts';
import type { AttachResponse, Observe, TraceContext as WireContext } from '../../gen/countermand/v1/agent.ts';
import { PowerTaskPhase } from '../../gen/countermand/v1/power.ts';
import { toTarget, toTraits } from '../agents/wire.ts';
import { toBmc } from '../nodes/bmc.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import { isRecall } from './late_recalls.ts';
import type { Limits } from './limits.ts';

type ToAgent = NonNullable<AttachResponse['message']>;
/** What every message about a task says. */
type Work = Omit<Observe, 'target'>;

/**
 * The message by which an agent takes up a task in its present state.
 * @param operatorAsks true for a new order of a client
 */
export function workOf(
  task: PowerTaskRow,
  node: NodeRow,
  { recallConfirmMs }: Pick<Limits, 'recallConfirmMs'>,
  operatorAsks = false,
): ToAgent {
  const work = {
    taskUuid: task.uuid,
    bmc: { ...toBmc(node), fence: task.fence },
    target: toTarget(task.target),
    phase: PowerTaskPhase[task.phase],
    trace: toTrace(spanOfRow(task)),
  };
  if (isRecall(task)) return recallWork(work, task, recallConfirmMs);
  const sendable = task.state === 'SENDING' && isIdempotent(task.target, task.phase);
  if (task.state === 'QUEUED' || sendable)
    return { $case: 'start', value: { ...work, keepTrying: sendable, operatorAsks } };
  if (POWER_TASK_UNSETTLED.includes(task.state) && task.state !== 'ABORTING') return { $case: 'observe', value: work };
  const mayHaveBeenSent = task.sendingAt !== null;
  const abort = { mayHaveBeenSent, traits: toTraits(task.traits), abortTrace: toTrace(traceOfText(task.linkedTrace)) };
  return { $case: 'abort', value: { ...work, ...abort, recallConfirmMs } };
}

function toTrace(context: TraceContext | null): WireContext | undefined {
  return context === null ? undefined : { traceparent: traceparentOf(context), tracestate: context.state };
}

/** The agent takes it up as the abort of an order of which it knows nothing: it looks, and then recalls. */
function recallWork(work: Work, task: PowerTaskRow, recallConfirmMs: number): ToAgent {
  const { target, traits } = task;
  const ordered = toTarget(TARGET_TABLE[target].aborts);
  const asked = { target: ordered, phase: PowerTaskPhase.DOWN, traits: toTraits(traits), mayHaveBeenSent: true };
  const traces = { trace: toTrace(traceOfText(task.linkedTrace)), abortTrace: work.trace };
  return { $case: 'abort', value: { ...work, ...asked, ...traces, recallConfirmMs } };
}
