/**
 * The spans of what outlives a process: one for each power task, action and plan, told when it has come to rest, by whichever conductor
 * brings it there. All of it stands in the rows, which come from the feed.
 */
import { isAbort } from '../../core/power.ts';
import { isActionUnsettled, isAtRest, isPlanAtRest } from '../../core/states.ts';
import {
  cancelSpanOf,
  type EndedSpan,
  type SpanWords,
  spanOfRow,
  type TraceContext,
  traceOfText,
} from '../../core/tracing.ts';
import type { Change } from '../store/feed.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** The topics of the feed that are told. */
const TOPICS = ['tasks', 'plans'];

/** When the plans that are being cancelled were told to: as many as run. */
type Cancelled = Map<string, number>;

/** The spans that a change ends. */
function spansOf(change: Change, cancelled: Cancelled): EndedSpan[] {
  if (change.kind === 'task') return taskSpans(change.task);
  if (change.kind !== 'plan') return [];
  const { plan, actions } = change;
  return [...planSpans(plan, cancelled), ...actions.flatMap((action) => actionSpans(action, plan))];
}

/** A span of a row. What nothing outside began has itself as its parent: it has none. */
function ended(
  context: TraceContext | null,
  parent: TraceContext | null,
  [startedAt, endedAt]: readonly [number, number],
  error: string | null,
  words: Omit<SpanWords, 'kind'>,
): EndedSpan[] {
  if (!context?.sampled) return [];
  const above = parent?.spanId === context.spanId ? null : parent;
  return [{ ...words, kind: 'internal', context, parent: above, startedAt, endedAt, error }];
}

const linksOf = (link: TraceContext | null): readonly TraceContext[] => (link === null ? [] : [link]);

function taskSpans(task: PowerTaskRow): EndedSpan[] {
  const { endedAt } = task;
  // What is written about a task after its end has a later time.
  if (!isAtRest(task.state) || endedAt === null || endedAt !== task.updatedAt) return [];
  return ended(spanOfRow(task), traceOfText(task.trace), [task.createdAt, endedAt], task.errorCode, {
    name: `power task ${task.target}`,
    links: linksOf(traceOfText(task.linkedTrace)),
    attributes: {
      'countermand.power_task.uuid': task.uuid,
      'countermand.power_task.state': task.state,
      'countermand.target': task.target,
      'countermand.node.uuid': task.nodeUuid,
      'countermand.node.name': task.nodeName,
      'countermand.abort.outcome': task.abortOutcome,
      ...(isAbort(task.target) && { 'countermand.abort.of': task.abortsTaskUuid }),
    },
  });
}

function actionSpans(action: ActionRow, { trace }: ActionPlanRow): EndedSpan[] {
  const { uuid, startedAt, endedAt } = action;
  // One that never began has no time of its own.
  if (isActionUnsettled(action.state) || startedAt === null || endedAt === null || endedAt !== action.updatedAt)
    return [];
  const context = spanOfRow({ uuid, trace });
  const parent = context && spanOfRow({ uuid: action.planUuid, trace });
  return ended(context, parent, [startedAt, endedAt], action.errorCode, {
    name: `action ${action.actionType}`,
    attributes: {
      'countermand.action.uuid': uuid,
      'countermand.action.name': action.name,
      'countermand.action.state': action.state,
    },
  });
}

function planSpans(plan: ActionPlanRow, cancelled: Cancelled): EndedSpan[] {
  const { uuid, startedAt, endedAt, updatedAt } = plan;
  if (plan.state === 'CANCELLING' && !cancelled.has(uuid)) cancelled.set(uuid, updatedAt);
  if (!isPlanAtRest(plan.state)) return [];
  const cancelledAt = cancelled.get(uuid) ?? endedAt ?? 0;
  cancelled.delete(uuid);
  if (endedAt === null || endedAt !== updatedAt) return [];
  const span = spanOfRow(plan);
  const call = traceOfText(plan.linkedTrace);
  const cancel = cancelSpanOf(plan);
  const attributes = {
    'countermand.plan.uuid': uuid,
    'countermand.plan.name': plan.name,
    'countermand.plan.state': plan.state,
    'countermand.plan.actions': plan.size,
    'countermand.plan.rollback_of': plan.rollbackOf,
  };
  const words = { name: 'action plan', attributes, links: linksOf(cancel) };
  const ofCancel = { name: 'cancel of action plan', attributes, links: linksOf(span) };
  return [
    ...ended(span, traceOfText(plan.trace), [startedAt ?? plan.createdAt, endedAt], plan.errorCode, words),
    ...ended(cancel, call, [cancelledAt, endedAt], null, ofCancel),
  ];
}

/** Tells the spans of every change that is committed from now on, until `signal` is aborted; then it resolves. */
export async function traceChanges({ database, traces }: Store, signal: AbortSignal): Promise<void> {
  if (!traces.isOn) return;
  const cancelled: Cancelled = new Map();
  const tell = (change: Change): void => {
    for (const span of spansOf(change, cancelled)) traces.take(span);
  };
  await database.feed.each(TOPICS, tell, signal);
}
