/** Between the rows of plans and the messages of the proto. */

import { failAt } from '../../core/errors.ts';
import { nextPortion } from '../../core/long_work.ts';
import type { Possible } from '../../core/possible.ts';
import type { ActionState } from '../../core/states.ts';
import * as proto from '../../gen/countermand/v1/action_plan.ts';
import { firstPersons } from '../plans/approval.ts';
import type { Effect } from '../plans/effect.ts';
import { offersFor } from '../plans/offers.ts';
import type { PlanParts } from '../plans/parts.ts';
import { waitsForApproval } from '../plans/possible.ts';
import type { Undoing } from '../plans/rollback_graph.ts';
import type { Expected, TakesDown } from '../plans/takes_down.ts';
import { waitsFor } from '../plans/waiting.ts';
import { countActions } from '../store/actions.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import { possibleFields } from './possible.ts';
import { date, toActor } from './wire.ts';

/**
 * A list looks into the rollbacks of its first plans, up to this number of actions in all; of the others it names the preview,
 * which is never refused. Each action is read with its node, driver and power task.
 */
export const LISTED_ACTIONS = 1000;

/**
 * Plans for an answer, with how many of their actions are in which state. Others are served between two of them.
 * @param actions the limit of actions, of all plans together, whose rollbacks are looked into
 */
export async function toActionPlans(
  plans: readonly ActionPlanRow[],
  parts: PlanParts,
  actions = Number.POSITIVE_INFINITY,
): Promise<proto.ActionPlan[]> {
  const { read } = parts.orders.store.database;
  const answers: proto.ActionPlan[] = [];
  let left = actions;
  for (const plan of plans) {
    // The database answers at once: without this, a whole page would be one piece of work.
    if (answers.length > 0) await nextPortion();
    const possible = await offersFor(plan, parts, read, left);
    if (plan.rollbackUntil !== null && plan.size <= left) left -= plan.size;
    answers.push(
      toActionPlan(plan, possible, await waitsFor(plan, parts, read, left), await countActions(plan.uuid, read)),
    );
  }
  return answers;
}

/** A plan for an answer, with what may be ordered for it, and what it waits for. */
export function toActionPlan(
  plan: ActionPlanRow,
  possible: readonly Possible[],
  waiting: string,
  counts: Iterable<readonly [ActionState, number]> = [],
): proto.ActionPlan {
  return {
    uuid: plan.uuid,
    name: plan.name,
    auditUuid: plan.auditUuid,
    state: proto.ActionPlanState[plan.state],
    statusMessage: plan.statusMessage,
    errorCode: plan.errorCode ?? '',
    errorMessage: plan.errorMessage,
    requestId: plan.requestId,
    maxParallel: plan.maxParallel,
    canary: plan.canary,
    onFailure: proto.FailurePolicy[plan.onFailure],
    size: plan.size,
    counts: [...counts].map(([state, count]) => ({ state: proto.ActionState[state], count })),
    ...possibleFields(possible),
    createdAt: date(plan.createdAt),
    updatedAt: date(plan.updatedAt),
    startedAt: date(plan.startedAt),
    launchedAt: date(plan.launchedAt),
    endedAt: date(plan.endedAt),
    cancelDeadlineAt: plan.state === 'CANCELLING' ? date(plan.cancelDeadlineAt) : undefined,
    revision: plan.revision,
    rollbackOf: plan.rollbackOf ?? '',
    rolledBackBy: plan.rolledBackBy ?? '',
    rollbackUntil: date(plan.rollbackUntil),
    modelRevision: BigInt(plan.modelRevision),
    forced: plan.forced,
    reason: plan.reason,
    createdBy: toActor(plan.createdBy, plan.createdFor),
    startedBy: toActor(plan.startedBy, plan.startedFor),
    approval: toApproval(plan),
    waitsFor: waiting,
    globalEfficacy: plan.globalEfficacy.map((efficacy) => ({ ...efficacy, unit: efficacy.unit ?? '' })),
  };
}

/** The agreement of a second person, for an answer; absent if none has to agree. */
export function toApproval(plan: ActionPlanRow): proto.Approval | undefined {
  const { approval, approvalWhy, decidedBy, decidedFor, decidedAt } = plan;
  if (approval === null) return undefined;
  const first = firstPersons(plan).flatMap(({ identity, onBehalfOf }) => [
    identity,
    ...(onBehalfOf ? [onBehalfOf] : []),
  ]);
  const others = [...new Set(first)].join(' or ');
  const but = others === '' ? '' : `, and does not count as ${others}`;
  return {
    state: proto.ApprovalState[approval],
    why: approvalWhy,
    whoMay: waitsForApproval(plan) ? `whoever has plan.approve over its nodes${but}` : '',
    decidedBy: toActor(decidedBy, decidedFor),
    decidedAt: date(decidedAt),
  };
}

/** An action for an answer. */
export function toAction(action: ActionRow): proto.Action {
  return {
    uuid: action.uuid,
    actionPlanUuid: action.planUuid,
    name: action.name,
    actionType: action.actionType,
    inputParameters: { ...action.inputParameters },
    parents: [...action.parents],
    state: proto.ActionState[action.state],
    statusMessage: action.statusMessage,
    errorCode: action.errorCode ?? '',
    errorMessage: action.errorMessage,
    nodeUuid: action.nodeUuid ?? '',
    timeout: Math.ceil(action.timeoutMs / 1000),
    beforeImage: action.beforeImage ? { ...action.beforeImage } : undefined,
    result: action.result ? { ...action.result } : undefined,
    position: action.position,
    undoes: action.undoes ?? '',
    createdAt: date(action.createdAt),
    updatedAt: date(action.updatedAt),
    startedAt: date(action.startedAt),
    endedAt: date(action.endedAt),
    revision: action.revision,
  };
}

/** What a plan takes down, for an answer. */
export function toTakesDown(
  { count, nodes, hard }: TakesDown,
  { confirmAbove }: PlanParts['planLimits'],
): proto.TakesDown {
  return { count, nodes: [...nodes], hard, confirmAbove };
}

/** What an order would do, for an answer. */
export function toEffect({
  nodeNames,
  recalls,
  longestTimeoutMs,
  inTheWay,
  supersedes,
  ...counts
}: Effect): proto.OrderEffect {
  const met = ({ uuid, name, state }: ActionPlanRow): proto.PlanMet => ({
    uuid,
    name,
    state: proto.ActionPlanState[state],
  });
  return {
    ...counts,
    nodeNames: [...nodeNames],
    recalledByHardware: recalls.BY_HARDWARE,
    stopWaitingOnly: recalls.STOP_WAITING_ONLY,
    irrevocableOnceSent: recalls.IRREVOCABLE_ONCE_SENT,
    longestTimeout: Math.ceil(longestTimeoutMs / 1000),
    inTheWay: inTheWay.map(met),
    supersedes: supersedes.map(met),
  };
}

/**
 * The number of running nodes that a request expects to be taken down; null if it expects nothing.
 * @throws ARGUMENT_INVALID if it is no count
 */
export function expectedOf({ expectTakenDown: expected }: { expectTakenDown?: number | undefined }): number | null {
  if (expected !== undefined && expected < 0)
    throw failAt(
      'ARGUMENT_INVALID',
      'expect_taken_down',
      `expect_taken_down: it is ${expected}; it is a number of nodes, from 0`,
    );
  return expected ?? null;
}

/**
 * How many running nodes what a request starts may take down. Above confirm_above the client has to state the number: there may be no
 * person who was asked. Later runs of an audit, and what takes an order back, are not asked for it.
 * @throws ARGUMENT_INVALID if it is no count
 */
export function statedIn(
  request: { expectTakenDown?: number | undefined },
  { confirmAbove }: PlanParts['planLimits'],
): Expected {
  return expectedOf(request) ?? { atMost: confirmAbove };
}

const UNDO_KINDS = { action: 'ACTION', nothing: 'NOTHING', irreversible: 'IRREVERSIBLE' } as const;

/** What a rollback does about an action, for an answer. */
export function toUndo({ action, node, undo }: Undoing): proto.Undo {
  return {
    actionUuid: action.uuid,
    actionName: action.name,
    nodeName: node?.name ?? '',
    kind: proto.UndoKind[UNDO_KINDS[undo.kind]],
    what: undo.kind === 'action' ? undo.what : undo.why,
    drift: undo.kind === 'action' ? (undo.drift ?? '') : '',
  };
}
