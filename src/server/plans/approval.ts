/** A plan that a rule holds back waits, PENDING, until a second person has agreed to its start. */

import { failWith } from '../../core/errors.ts';
import { possibleWords } from '../../core/possible.ts';
import type { ActionPlanEvent } from '../../core/states.ts';
import { cutText } from '../../core/texts.ts';
import type { Actor } from '../store/actor.ts';
import { holdToRevision } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { nextStartOrder, type PlanContext } from '../store/plans.ts';
import { whyItWaits } from './held_back.ts';
import { refuseFrozen } from './launch.ts';
import { offersFor } from './offers.ts';
import type { PlanParts } from './parts.ts';
import { wrongState } from './refusals.ts';
import { stepsOfPlan } from './takes_down.ts';
import { movePlan } from './transition.ts';

/** What a second person says. */
export interface Decision {
  /** Empty: nothing. */
  readonly reason: string;
  /** The revision of the plan that it is about; null for any. */
  readonly revision: number | null;
}

/** How long a rule is told. */
const WHY_LIMIT = 1000;

/** What a plan that is started gets if a second person has to agree to it; nothing otherwise. Not asked for a rollback, which never waits. */
export async function approvalOf(
  plan: ActionPlanRow,
  starter: Actor | null,
  { approvals }: PlanParts,
  { sql }: Pick<Transaction, 'sql'>,
): Promise<Partial<ActionPlanRow>> {
  if (!approvals.isAny) return {};
  const whole = whyItWaits(await stepsOfPlan(plan, sql), starter, approvals);
  if (whole === null) return {};
  const why = cutText(whole, WHY_LIMIT);
  return { approval: 'WANTED', approvalWhy: why, statusMessage: `waits for a second person: ${why}` };
}

/** Who may not be the second person. */
export function firstPersons(plan: ActionPlanRow): Actor[] {
  const { createdBy, createdFor, startedBy, startedFor } = plan;
  const actors = [
    { identity: createdBy, onBehalfOf: createdFor },
    { identity: startedBy, onBehalfOf: startedFor },
  ];
  return actors.filter((actor): actor is Actor => actor.identity !== null);
}

/**
 * Writes that a second person agrees. The plan takes its turn behind all that were started before: while it waited it held none.
 * @throws SECOND_PERSON_NEEDED, NODE_FROZEN, REVISION_MISMATCH
 */
export async function approvePlan(
  before: PlanContext,
  decision: Decision,
  parts: PlanParts,
  transaction: Transaction,
): Promise<PlanContext> {
  const { plan } = before;
  const patch = decide('approved', plan, decision, parts, transaction);
  await refuseFrozen(plan, parts, transaction);
  const startOrder = await nextStartOrder(transaction);
  const given = { ...patch, approval: 'GIVEN', startOrder } as const;
  const moved = await movePlan('approve', before, given, transaction, parts.orders.store);
  if (moved === null) throw wrongState(plan, 'approve', await offersFor(plan, parts, transaction.sql));
  return moved;
}

/** What a rejected plan gets. @throws SECOND_PERSON_NEEDED, REVISION_MISMATCH */
export function rejection(
  plan: ActionPlanRow,
  decision: Decision,
  parts: PlanParts,
  transaction: Transaction,
): Partial<ActionPlanRow> {
  return { ...decide('rejected', plan, decision, parts, transaction), approval: 'REFUSED' };
}

function decide(
  word: 'approved' | 'rejected',
  plan: ActionPlanRow,
  { reason, revision }: Decision,
  { approvals, orders }: PlanParts,
  { actor }: Transaction,
): Partial<ActionPlanRow> {
  holdToRevision(revision, plan, `plan '${plan.name}'`);
  const objection = approvals.objection(actor, firstPersons(plan));
  if (objection !== null) {
    const resource = { type: 'action_plan', name: plan.uuid } as const;
    const possible = [{ verb: 'CANCEL_ACTION_PLAN', resource: plan.uuid }] as const;
    throw failWith(
      'SECOND_PERSON_NEEDED',
      `plan '${plan.name}' (${plan.uuid}) is not ${word}: ${objection}; ${possibleWords(possible)}`,
      { resource, possible },
    );
  }
  const who = actor === null ? '' : ` by ${actor.identity}${actor.onBehalfOf ? ` for ${actor.onBehalfOf}` : ''}`;
  return {
    statusMessage: `${word}${who}${reason === '' ? '' : `: ${reason}`}`,
    decidedBy: actor?.identity ?? null,
    decidedFor: actor?.onBehalfOf ?? null,
    decidedAt: orders.store.clock.now(),
  };
}

/** A decision about a plan that waits for none: repeated by who made it, it is the same one. @throws ACTION_PLAN_STATE */
export async function decided(
  event: Extract<ActionPlanEvent, 'approve' | 'drop'>,
  plan: ActionPlanRow,
  parts: PlanParts,
  { actor, sql }: Transaction,
): Promise<ActionPlanRow> {
  const isSame = actor !== null && plan.decidedBy === actor.identity && plan.decidedFor === actor.onBehalfOf;
  if (isSame && plan.approval === (event === 'approve' ? 'GIVEN' : 'REFUSED')) return plan;
  throw wrongState(plan, event, await offersFor(plan, parts, sql));
}
