/** What one caller may see and do. What may not be seen is told as what does not exist. */
import { asCountermandError } from '../../core/errors.ts';
import type { Rights } from '../access/rights.ts';
import type { Verb } from '../access/verbs.ts';
import type { Permit } from '../plans/permit.ts';
import { findScopeOf } from '../plans/scope.ts';
import type { Step } from '../plans/takes_down.ts';
import { getActions, nodesOfPlans } from '../store/actions.ts';
import { auditsOfPlans, getAudit, listPlansOf, noAudit } from '../store/audits.ts';
import type { Transaction } from '../store/database.ts';
import { findNode, findNodesByUuid, noNode } from '../store/nodes.ts';
import { isPlanOf } from '../store/owners.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';
import { getPlan, noPlan } from '../store/plans.ts';
import { getPowerTask, noPowerTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, ScopedNode } from '../store/rows.ts';
import { denied } from './denied.ts';
import { verbsOfRun } from './step_verbs.ts';

/** What the context of each call carries beside who asks. */
export interface Viewed {
  readonly view: View;
}

/** At most this many plans of an audit are looked at: one with more is told only to those who may see every plan. */
const PLANS_LOOKED_AT = 1000;

/** The view of one caller, for one call. */
export class View {
  readonly rights: Rights;
  readonly who: string;
  readonly #sql: Transaction['sql'];

  /** @param who the name of the identity */
  constructor(rights: Rights, who: string, sql: Transaction['sql']) {
    this.rights = rights;
    this.who = who;
    this.#sql = sql;
  }

  /** True if every node, plan and audit may be seen: then nothing has to be looked up or held back. */
  get isWhole(): boolean {
    return (['node.read', 'plan.read', 'audit.read'] as const).every((verb) => this.rights.everywhere(verb));
  }

  /** For lists: only nodes for which it is true; undefined if all may be seen. */
  get filter(): ((node: ScopedNode) => boolean) | undefined {
    return this.rights.everywhere('node.read') ? undefined : (node) => this.sees(node);
  }

  sees(node: ScopedNode): boolean {
    return this.rights.on('node.read', node);
  }

  /** @throws PERMISSION_DENIED naming the verb and the node */
  need(verbs: readonly Verb[], node: ScopedNode): void {
    const missing = verbs.find((verb) => !this.rights.on(verb, node));
    if (missing !== undefined) throw denied(this.who, missing, node.name);
  }

  /** @throws PERMISSION_DENIED for a verb that the caller does not have over every node */
  needEverywhere(verbs: readonly Verb[]): void {
    const missing = verbs.find((verb) => !this.rights.everywhere(verb));
    if (missing !== undefined) throw denied(this.who, missing, '*');
  }

  /**
   * For a plan that will be made, or is only looked at.
   * @param verbs those of the call; null if the plan is looked at only
   * @param undoes it may be undone without being asked again
   */
  permit(verbs: readonly Verb[] | null, undoes = false): Permit {
    return {
      sees: (node) => this.sees(node),
      allow: (steps, about) => {
        if (verbs !== null) this.allowSteps(steps, (step) => [...verbs, ...verbsOfRun(step, undoes)]);
        // Of a scope by zones or labels; a node that is named and not seen does not exist.
        if (about?.some((node) => !this.sees(node))) throw denied(this.who, 'node.read', '*');
        for (const node of about ?? []) this.need(verbs ?? [], node);
      },
    };
  }

  /** @throws PERMISSION_DENIED for an action whose verbs the caller does not have for its node */
  allowSteps(steps: readonly Step[], verbsOf: (step: Step) => readonly Verb[]): void {
    for (const step of steps) {
      // A node that was deleted since is sent nothing.
      if (step.node !== null) this.need(verbsOf(step), step.node);
    }
  }

  /** A node by name or uuid. @throws NODE_NOT_FOUND */
  async node(key: string): Promise<NodeRow> {
    const node = await findNode(key, this.#sql);
    if (node && this.sees(node)) return node;
    throw noNode(key);
  }

  /** A power task, and its node. @throws POWER_TASK_NOT_FOUND */
  async task(key: string): Promise<{ readonly task: PowerTaskRow; readonly node: NodeRow }> {
    const task = await this.#seen(() => getPowerTask(key, this.#sql), key, noPowerTask);
    const node = (await findNodesByUuid([task.nodeUuid], this.#sql)).get(task.nodeUuid);
    if (node && this.sees(node)) return { task, node };
    throw noPowerTask(key);
  }

  /** Those of these rows whose nodes may be seen. A node that was deleted is seen by those who see all. */
  async ofNodes<Row extends Pick<PowerTaskRow, 'nodeUuid'>>(rows: readonly Row[]): Promise<Row[]> {
    const nodes = await findNodesByUuid([...new Set(rows.map(({ nodeUuid }) => nodeUuid))], this.#sql);
    return rows.filter(({ nodeUuid }) => {
      const node = nodes.get(nodeUuid);
      return node !== undefined && this.sees(node);
    });
  }

  /** A plan, and the nodes that its actions are about; null if one of them was deleted. @throws ACTION_PLAN_NOT_FOUND */
  async plan(key: string): Promise<{ readonly plan: ActionPlanRow; readonly nodes: readonly NodeRow[] | null }> {
    const plan = await this.#seen(() => getPlan(key, this.#sql), key, noPlan);
    const nodes = (await this.#nodesOf([plan.uuid])).get(plan.uuid) ?? null;
    if (this.#mayRead('plan.read', nodes)) return { plan, nodes };
    throw noPlan(key);
  }

  /**
   * A plan that is cancelled and not rolled back, and those of its nodes whose verbs the caller needs. A cancel is not lost because a
   * node was deleted, or has other labels by now: the nodes that are left decide, and who made or started the plan needs none of them.
   * @throws ACTION_PLAN_NOT_FOUND
   */
  async planToCancel(
    key: string,
  ): Promise<{ readonly plan: ActionPlanRow; readonly nodes: readonly NodeRow[] | null }> {
    const plan = await this.#seen(() => getPlan(key, this.#sql), key, noPlan);
    if (await isPlanOf(plan, this.who, this.#sql)) return { plan, nodes: [] };
    const uuids = (await nodesOfPlans([plan.uuid], this.#sql)).get(plan.uuid);
    if (uuids === undefined) return this.plan(plan.uuid);
    const left = [...(await findNodesByUuid(uuids, this.#sql)).values()];
    const nodes = left.length > 0 ? left : null;
    if (this.#mayRead('plan.read', nodes)) return { plan, nodes };
    throw noPlan(key);
  }

  /** Those of these plans that may be seen: a plan is, if all nodes of its actions are, and none was deleted. */
  async plans<Plan extends Pick<ActionPlanRow, 'uuid'>>(plans: readonly Plan[]): Promise<Plan[]> {
    if (this.rights.everywhere('plan.read')) return [...plans];
    const nodes = await this.#nodesOf(plans.map(({ uuid }) => uuid));
    return plans.filter(({ uuid }) => this.#mayRead('plan.read', nodes.get(uuid) ?? null));
  }

  /** The plan of an action, as `plan`; null if there is no such action, or it may not be seen. */
  async planOf(action: string): Promise<{ readonly nodes: readonly NodeRow[] | null } | null> {
    const [row] = await getActions([action], this.#sql);
    return row ? this.plan(row.planUuid).catch(() => null) : null;
  }

  /** An audit, and the nodes that it is about; null if it is about every node, or that is not known. @throws AUDIT_NOT_FOUND */
  async audit(key: string): Promise<{ readonly audit: AuditRow; readonly nodes: readonly NodeRow[] | null }> {
    const audit = await this.#seen(() => getAudit(key, this.#sql), key, noAudit);
    const nodes = await this.#nodesOfAudit(audit);
    if (this.#mayRead('audit.read', nodes)) return { audit, nodes };
    throw noAudit(key);
  }

  /** Those of these audits that may be seen. */
  async audits(audits: readonly AuditRow[]): Promise<AuditRow[]> {
    if (this.rights.everywhere('audit.read')) return [...audits];
    const seen: AuditRow[] = [];
    for (const audit of audits) if (this.#mayRead('audit.read', await this.#nodesOfAudit(audit))) seen.push(audit);
    return seen;
  }

  /** True if the events of a plan may be followed: of one that was deleted, or whose nodes were, by those who may follow all. */
  async followsPlan(uuid: string): Promise<boolean> {
    return this.#mayRead('event.read', (await this.#nodesOf([uuid])).get(uuid) ?? null);
  }

  /** True if the events of an audit may be followed. */
  async followsAudit(uuid: string): Promise<boolean> {
    const audit = await getAudit(uuid, this.#sql).catch(() => null);
    return audit !== null && this.#mayRead('event.read', await this.#nodesOfAudit(audit));
  }

  #mayRead(verb: 'plan.read' | 'audit.read' | 'event.read', nodes: readonly NodeRow[] | null): boolean {
    return this.rights.everywhere(verb) || (nodes?.every((node) => this.rights.on(verb, node)) ?? false);
  }

  /** A key that means several things may mean some that the caller does not see, so it means none. */
  async #seen<Row>(find: () => Promise<Row>, key: string, notFound: (key: string) => Error): Promise<Row> {
    try {
      return await find();
    } catch (thrown) {
      if (asCountermandError(thrown).code === 'ARGUMENT_INVALID' && key !== '') throw notFound(key);
      throw thrown;
    }
  }

  /** The nodes of the actions of these plans; null for a plan with one that was deleted, and for one that is not there. */
  async #nodesOf(planUuids: readonly string[]): Promise<ReadonlyMap<string, readonly NodeRow[] | null>> {
    const uuids = await nodesOfPlans(planUuids, this.#sql);
    const rows = await findNodesByUuid([...new Set([...uuids.values()].flat())], this.#sql);
    const found = new Map<string, readonly NodeRow[] | null>();
    for (const [plan, all] of uuids) {
      const nodes = all.map((uuid) => rows.get(uuid));
      found.set(plan, nodes.every((node) => node !== undefined) ? nodes : null);
    }
    // Actions that are about no node say nothing of whom the plan concerns. What it was made for does.
    const bare = planUuids.filter((uuid) => !uuids.has(uuid));
    if (bare.length === 0) return found;
    const scopes = new Map<string, readonly NodeRow[] | null>();
    for (const [plan, audit] of await auditsOfPlans(bare, this.#sql)) {
      if (!scopes.has(audit.uuid)) scopes.set(audit.uuid, await this.#scopeOf(audit));
      found.set(plan, scopes.get(audit.uuid) ?? null);
    }
    return found;
  }

  /** The nodes of the scope of an audit; none without a scope, null if that is not known, or every node. */
  async #scopeOf({ everyNode, scope }: AuditRow): Promise<readonly NodeRow[] | null> {
    if (everyNode) return null;
    return scope.length === 0 ? [] : findScopeOf(scope, this.#sql).catch(() => null);
  }

  /** The nodes of its scope; without one, those of its plans. Null if that is not known, or every node. */
  async #nodesOfAudit(audit: AuditRow): Promise<readonly NodeRow[] | null> {
    if (audit.everyNode || audit.scope.length > 0) return this.#scopeOf(audit);
    const plans = await listPlansOf(audit.uuid, [], PLANS_LOOKED_AT, this.#sql);
    const nodes = [...(await this.#nodesOf(plans.map(({ uuid }) => uuid))).values()];
    const isKnown = nodes.length > 0 && nodes.length < PLANS_LOOKED_AT && nodes.every((each) => each !== null);
    return isKnown ? nodes.flat() : null;
  }
}
