/**
 * The log of what a conductor does: a line for each power order and what came of it, for each move of a plan and of an
 * audit, and for each node that cannot be read, or can again. The rows come from the feed: nothing is read for the log.
 */
import { isAtRest, isPlanAtRest } from '../../core/states.ts';
import { traceOfText } from '../../core/tracing.ts';
import type { Actor } from '../store/actor.ts';
import type { Database } from '../store/database.ts';
import type { Change } from '../store/feed.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from '../store/plan_rows.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';

/** One line of the log. */
interface LogLine {
  readonly level: 'info' | 'warn';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What it is logged with: a part of the conductor's log. */
type ChangeLog = Readonly<Record<LogLine['level'], (fields: object, message: string) => void>>;

/** The topics of the feed that are logged. */
const TOPICS = ['tasks', 'plans', 'audits', 'node'];

/** What was logged last of what is not at rest. It grows with the fleet and with what is under way, and not with time. */
interface Logged {
  /** Who called for each power task that is not at rest, as far as this process has seen. */
  readonly callers: Map<string, Actor>;
  /** The state of each plan that was logged. */
  readonly plans: Map<string, string>;
  /** The nodes of which a problem was logged. */
  readonly problems: Set<string>;
}

/** Nothing was logged. */
const nothingLogged = (): Logged => ({ callers: new Map(), plans: new Map(), problems: new Set() });

/** The lines of a change; `logged` is brought up to date. */
function linesOf(change: Change, logged: Logged): LogLine[] {
  switch (change.kind) {
    case 'task':
      return taskLines(change.task, change.by, logged);
    case 'plan':
      return [
        ...planLines(change.plan, change.by, logged),
        ...change.actions.flatMap((action) => actionLines(action, change.plan)),
      ];
    case 'audit':
      return auditLines(change.audit, change.by);
    case 'node':
      return nodeLines(change.node, change.deleted, logged);
    default:
      return [];
  }
}

/** Leaves out what says nothing. */
function said(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== null && value !== '' && value !== undefined) told[key] = value;
  }
  return told;
}

/** Who called, and from where. */
const saidOf = (by: Partial<Actor> | undefined) => ({
  identity: by?.identity,
  on_behalf_of: by?.onBehalfOf,
  peer: by?.peer,
});

/** The trace that a row is in. */
const traceIn = (trace: string | null): string | undefined => traceOfText(trace)?.traceId;

/** Who gave an order: as the call said, which knows from where, or else as its row does. */
function callerOf(task: PowerTaskRow, by: Actor | undefined, { callers }: Logged): Actor | undefined {
  const { uuid, revision, orderedBy, orderedFor } = task;
  const known = callers.get(uuid) ?? (revision === 1 ? by : undefined);
  if (isAtRest(task.state)) callers.delete(uuid);
  else if (known !== undefined) callers.set(uuid, known);
  return known ?? (orderedBy === null ? undefined : { identity: orderedBy, onBehalfOf: orderedFor });
}

function taskLines(task: PowerTaskRow, by: Actor | undefined, logged: Logged): LogLine[] {
  const caller = callerOf(task, by, logged);
  const isOver = isAtRest(task.state);
  // What is written about a task after its end has a later time.
  if (isOver ? task.endedAt !== task.updatedAt : task.revision !== 1) return [];
  const fields = {
    task: task.uuid,
    node: task.nodeName,
    target: task.target,
    request_id: task.requestId,
    ...saidOf(caller),
    plan: task.planUuid,
    action: task.actionUuid,
    aborts_task: task.abortsTaskUuid,
    reason: task.reason,
    trace_id: traceIn(task.trace),
  };
  if (!isOver) return [{ level: 'info', fields: said(fields), message: 'power order accepted' }];
  const end = {
    state: task.state,
    outcome: task.abortOutcome,
    observed: task.observedPowerState,
    code: task.errorCode,
    error: task.errorMessage,
    took_ms: (task.endedAt ?? 0) - task.createdAt,
  };
  const level = task.state === 'FAILED' ? 'warn' : 'info';
  return [{ level, fields: said({ ...fields, ...end }), message: 'power order ended' }];
}

function planLines(plan: ActionPlanRow, by: Actor | undefined, { plans }: Logged): LogLine[] {
  const { uuid, state, previousState } = plan;
  const isOver = isPlanAtRest(state);
  if (plans.get(uuid) === state || (!plans.has(uuid) && !isJustThere(plan))) return [];
  if (isOver) plans.delete(uuid);
  else plans.set(uuid, state);
  const fields = said({
    plan: uuid,
    name: plan.name,
    state,
    before: previousState,
    audit: plan.auditUuid,
    reason: plan.reason,
    request_id: plan.requestId,
    ...saidOf(by),
    created_by: plan.createdBy,
    started_by: plan.startedBy,
    rollback_of: plan.rollbackOf,
    actions: plan.size,
    status: plan.statusMessage,
    code: plan.errorCode,
    error: plan.errorMessage,
    trace_id: traceIn(plan.trace),
  });
  return [{ level: state === 'FAILED' ? 'warn' : 'info', fields, message: `plan ${state}` }];
}

/** True if the last write of a plan, of which nothing was logged yet, is the one that brought it into its state, as far as it shows. */
function isJustThere({ state, revision, updatedAt, startedAt, launchedAt, endedAt }: ActionPlanRow): boolean {
  if (state === 'RECOMMENDED') return revision === 1;
  if (state === 'PENDING') return startedAt === updatedAt;
  if (state === 'ONGOING') return launchedAt === updatedAt;
  if (state === 'CANCELLING' || state === 'DELETED') return true;
  return endedAt === updatedAt;
}

/** Of actions only those that fail: the rest stands in the events. */
function actionLines(action: ActionRow, plan: ActionPlanRow): LogLine[] {
  if (action.state !== 'FAILED' || action.endedAt !== action.updatedAt) return [];
  const { uuid, name, errorCode: code, errorMessage: error } = action;
  const of = { plan: plan.uuid, request_id: plan.requestId, trace_id: traceIn(plan.trace) };
  return [{ level: 'warn', fields: said({ action: uuid, name, ...of, code, error }), message: 'action FAILED' }];
}

function auditLines(audit: AuditRow, by: Actor | undefined): LogLine[] {
  const { uuid, name, state, previousState, strategy, statusMessage } = audit;
  const about = { audit: uuid, name, state, before: previousState, strategy, status: statusMessage };
  const who = { request_id: audit.requestId, ...saidOf(by), created_by: audit.createdBy };
  const fields = said({ ...about, ...who });
  return [{ level: state === 'FAILED' ? 'warn' : 'info', fields, message: `audit ${state}` }];
}

function nodeLines(node: NodeRow, deleted: boolean, { problems }: Logged): LogLine[] {
  const fields = { node: node.name, uuid: node.uuid };
  if (deleted || node.problem === null)
    return problems.delete(node.uuid) && !deleted ? [{ level: 'info', fields, message: 'node can be read again' }] : [];
  if (problems.has(node.uuid)) return [];
  problems.add(node.uuid);
  const { code, message: error } = node.problem;
  return [{ level: 'warn', fields: { ...fields, code, error }, message: 'node cannot be read' }];
}

/** Logs every change that is committed from now on, until `signal` is aborted; then it resolves. */
export async function logChanges({ feed }: Pick<Database, 'feed'>, log: ChangeLog, signal: AbortSignal): Promise<void> {
  const logged = nothingLogged();
  const tell = (change: Change): void => {
    for (const { level, fields, message } of linesOf(change, logged)) log[level](fields, message);
  };
  await feed.each(TOPICS, tell, signal);
}
