/** Whether a caller may make a request, and what it names, looked up once for callers who may not see everything. */

import type { Verb } from '../access/verbs.ts';
import { stepsOfPlan } from '../plans/takes_down.ts';
import { noAction } from '../store/actions.ts';
import type { Transaction } from '../store/database.ts';
import { resolveNodes } from '../store/nodes.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import type { NodeRow } from '../store/rows.ts';
import { denied } from './denied.ts';
import type { RpcRule } from './rpc_verbs.ts';
import { ACTION_VERBS, undoVerbsOfStep, verbsOfRun } from './step_verbs.ts';
import type { View } from './view.ts';

/** What requests name. A field that a request does not have is undefined. */
interface Naming {
  readonly node?: string;
  readonly nodes?: readonly string[];
  readonly task?: string;
  readonly actionPlan?: string;
  readonly action?: string;
  readonly audit?: string;
}

/**
 * Admits a request, or refuses it. Who may see and do all that it could be about costs no look-up. For others what is named becomes
 * the uuid of what it means now, so that the service acts on what was checked.
 * @returns the request for the service
 * @throws PERMISSION_DENIED with the verb and the node, and the errors of what does not exist
 */
export async function admit<Request>(
  request: Request,
  { verbs, needed, named, acts }: RpcRule,
  view: View,
  sql: Transaction['sql'],
): Promise<Request> {
  const { rights, who } = view;
  const naming = request as Naming;
  const wanted = needed?.(request as never) ?? verbs;
  const missing = wanted.find((verb) => !rights.may(verb));
  if (missing !== undefined) throw denied(who, missing, nameIn(naming));
  const does = acts?.(request as never) ?? null;
  const isFree = (all: readonly Verb[]): boolean => all.every((verb) => rights.everywhere(verb));
  if (view.isWhole && isFree(wanted) && (does === null || isFree([...ACTION_VERBS, 'plan.rollback']))) return request;
  if (named.emptyIsAll && naming.nodes?.length === 0) view.needEverywhere(wanted);
  const found = await resolve(naming, named, wanted, view, sql);
  if (found.plan && does !== null) await allowActions(found.plan, does, view, sql);
  return { ...request, ...found.fields };
}

/** The node, as the caller called it. */
function nameIn({ node, nodes }: Naming): string | null {
  return node || nodes?.[0] || null;
}

interface Found {
  readonly fields: Naming;
  readonly plan?: ActionPlanRow;
}

/** Empty keys are for the service: they mean all, or are wrong. */
async function resolve(
  naming: Naming,
  named: RpcRule['named'],
  verbs: readonly Verb[],
  view: View,
  sql: Transaction['sql'],
): Promise<Found> {
  const fields: { -readonly [Key in keyof Naming]: Naming[Key] } = {};
  let plan: ActionPlanRow | undefined;
  const needOn = (nodes: readonly NodeRow[] | null): void => {
    if (nodes === null) view.needEverywhere(verbs);
    for (const node of nodes ?? []) view.need(verbs, node);
  };
  if (named.node && naming.node) {
    const node = await view.node(naming.node);
    needOn([node]);
    fields.node = node.uuid;
  }
  if (named.nodes && naming.nodes?.length) {
    const nodes = await resolveNodes(naming.nodes, sql, { sees: (node) => view.sees(node) });
    if (!isListOfPlans(named)) needOn(nodes);
    fields.nodes = nodes.map(({ uuid }) => uuid);
  }
  if (named.task && naming.task) {
    const { task, node } = await view.task(naming.task);
    needOn([node]);
    fields.task = task.uuid;
  }
  if (named.plan && naming.actionPlan) {
    const isCancel = verbs.every((verb) => verb === 'plan.cancel');
    const found = await (isCancel ? view.planToCancel(naming.actionPlan) : view.plan(naming.actionPlan));
    needOn(found.nodes);
    plan = found.plan;
    fields.actionPlan = plan.uuid;
  }
  if (named.action && naming.action && (await view.planOf(naming.action)) === null) throw noAction(naming.action);
  if (named.audit && naming.audit) {
    const { audit, nodes } = await view.audit(naming.audit);
    if (!isListOfPlans(named)) needOn(nodes);
    fields.audit = audit.uuid;
  }
  return { fields, ...(plan && { plan }) };
}

/** It names nodes and an audit to choose among plans, which are looked at one by one. */
const isListOfPlans = ({ nodes, audit }: RpcRule['named']): boolean => nodes !== undefined && audit !== undefined;

/** Whoever starts a plan answers for each of its actions; who has it undone, for whatever may undo them. */
async function allowActions(
  plan: ActionPlanRow,
  does: 'run' | 'undo',
  view: View,
  sql: Transaction['sql'],
): Promise<void> {
  const steps = await stepsOfPlan(plan, sql);
  if (does === 'undo') view.allowSteps(steps, undoVerbsOfStep);
  else view.allowSteps(steps, (step) => verbsOfRun(step, plan.onFailure === 'ROLLBACK'));
}
