/** What the metrics take from the feed: how power tasks, plans, actions and audits end, and when nodes cannot be read. */
import { type AuditState, isAtRest, isPlanAtRest } from '../../core/states.ts';
import type { Database } from '../store/database.ts';
import type { Change } from '../store/feed.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from '../store/plan_rows.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Labels, MetricRegistry } from './registry.ts';
import type { MetricName } from './table.ts';

const TOPICS = ['tasks', 'plans', 'audits', 'node'];

/** The states in which an audit has come to rest. */
const AUDIT_REST: readonly AuditState[] = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

/** What was observed last of what is not at rest: it grows with the fleet and with what is under way, and not with time. */
class ChangeMetrics {
  readonly #registry: MetricRegistry;
  /** The nodes that cannot be read. */
  readonly #unread = new Set<string>();
  /** When the cancel of each plan that is being cancelled was committed. */
  readonly #cancelled = new Map<string, number>();

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  count(change: Change): void {
    if (change.kind === 'task') this.#countTask(change.task);
    if (change.kind === 'plan') {
      this.#countPlan(change.plan);
      for (const action of change.actions) this.#countAction(action);
    }
    if (change.kind === 'audit') this.#countAudit(change.audit);
    if (change.kind === 'node') this.#countNode(change.node, change.deleted);
  }

  #countTask(task: PowerTaskRow): void {
    const { target, state, endedAt, updatedAt, createdAt, sendingAt, abortRequestedAt, abortOutcome } = task;
    // What is written about a task after its end has a later time.
    if (!isAtRest(state) || endedAt === null || endedAt !== updatedAt) return;
    this.#registry.add('countermand_power_tasks_total', { target, state });
    if (state === 'FAILED') this.#registry.add('countermand_power_task_failures_total', { code: task.errorCode ?? '' });
    this.#observe('countermand_power_task_queued_seconds', { target }, createdAt, sendingAt);
    if (sendingAt !== null) this.#observe('countermand_power_task_sent_seconds', { target }, sendingAt, endedAt);
    if (task.abortsTaskUuid !== null || abortRequestedAt === null || abortOutcome === null) return;
    this.#observe('countermand_power_task_abort_seconds', { outcome: abortOutcome }, abortRequestedAt, endedAt);
  }

  #countPlan({ uuid, state, startedAt, endedAt, updatedAt, createdAt }: ActionPlanRow): void {
    if (state === 'CANCELLING' && !this.#cancelled.has(uuid)) this.#cancelled.set(uuid, updatedAt);
    if (!isPlanAtRest(state)) return;
    const cancelledAt = this.#cancelled.get(uuid);
    this.#cancelled.delete(uuid);
    // What is written about a plan after its end has a later time.
    if (endedAt === null || endedAt !== updatedAt) return;
    this.#registry.add('countermand_action_plans_total', { state });
    this.#observe('countermand_action_plan_seconds', { state }, startedAt ?? createdAt, endedAt);
    if (cancelledAt !== undefined)
      this.#observe('countermand_action_plan_cancel_seconds', { state }, cancelledAt, endedAt);
  }

  #countAction({ state, endedAt, updatedAt }: ActionRow): void {
    if (endedAt !== null && endedAt === updatedAt) this.#registry.add('countermand_actions_total', { state });
  }

  #countAudit({ state, previousState }: AuditRow): void {
    if (AUDIT_REST.includes(state) && state !== previousState)
      this.#registry.add('countermand_audits_total', { state });
  }

  #countNode({ uuid, driver, problem }: NodeRow, deleted: boolean): void {
    if (deleted || problem === null) {
      this.#unread.delete(uuid);
      return;
    }
    if (this.#unread.has(uuid)) return;
    this.#unread.add(uuid);
    this.#registry.add('countermand_node_problems_total', { driver, code: problem.code });
  }

  /** Observes a time, unless one of its ends is missing. A clock that was set back makes no negative time. */
  #observe(name: MetricName, labels: Labels, from: number, to: number | null): void {
    if (to !== null) this.#registry.observe(name, labels, Math.max(0, to - from) / 1000);
  }
}

/** Counts every change that is committed from now on, until `signal` is aborted; then it resolves. */
export async function countChanges(
  { feed }: Pick<Database, 'feed'>,
  registry: MetricRegistry,
  signal: AbortSignal,
): Promise<void> {
  const metrics = new ChangeMetrics(registry);
  await feed.each(TOPICS, (change) => metrics.count(change), signal);
}
