/** What the next run of an audit would do, without running it. */
import { asCountermandError } from '../../core/errors.ts';
import type { CheckedPlan } from '../plans/check.ts';
import type { PlanParts } from '../plans/parts.ts';
import { NOTHING_DOWN, type Step, stepsOfProposal, type TakesDown, takesDown } from '../plans/takes_down.ts';
import { modelRevision } from '../store/cluster_model.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { type Decided, decide, decidedNow, holdToNodes } from './decided.ts';
import { checkProposal, NOTHING_TO_DO } from './run.ts';

/** Errors by which a run makes no plan, because the fleet is not as the audit needs it. */
const NO_PLAN: readonly string[] = [
  'SCOPE_INVALID',
  'AUDIT_INVALID',
  'ACTION_PLAN_INVALID',
  'NODE_NOT_FOUND',
  'TARGET_NOT_SUPPORTED',
  'HOST_NOT_READY',
];

/** That a run would make no plan, and the revision of the cluster model before that was found. */
export interface NoPlan {
  readonly none: true;
  readonly revision: number;
}

/**
 * The running nodes that the plan of an audit would take down if it ran now. Call it in a transaction.
 * @param before as of `decideIfItCan`, before the transaction
 * @throws OVERTAKEN if it has to be decided again
 */
export async function takesDownOfRun(
  audit: AuditRow,
  before: Decided | NoPlan | null,
  sql: Transaction['sql'],
): Promise<TakesDown> {
  if (before === null) throw overtaken(`audit '${audit.name}'`);
  if ('none' in before) {
    if ((await modelRevision(sql)) !== before.revision) throw overtaken(`audit '${audit.name}'`);
    return NOTHING_DOWN;
  }
  const decided = await decidedNow(before, audit, sql);
  const steps = await unlessNoPlan(() => stepsOf(decided, sql));
  if (steps === null) return NOTHING_DOWN;
  holdToNodes(decided, steps);
  return takesDown(steps);
}

/** The plan that an audit would make if it ran now, checked; or why it would make none, in a sentence. */
export async function planOfRun(audit: AuditRow, parts: PlanParts): Promise<CheckedPlan | string> {
  const { store } = parts.orders;
  try {
    const decided = await decide(audit, parts);
    if (decided.proposal.actions.length === 0) return NOTHING_TO_DO;
    return await checkProposal(audit, decided, store.database.read, store);
  } catch (thrown) {
    const { code, message } = asCountermandError(thrown);
    if (!NO_PLAN.includes(code)) throw thrown;
    return message;
  }
}

const stepsOf = ({ proposal }: Decided, sql: Transaction['sql']): Promise<Step[]> =>
  stepsOfProposal(proposal.actions, sql);

/** What an audit proposes, or that its run would make no plan. @throws as `decide`, of what will pass */
export async function decideIfItCan(audit: AuditRow, parts: PlanParts): Promise<Decided | NoPlan> {
  const revision = await modelRevision(parts.orders.store.database.read);
  return (await unlessNoPlan(() => decide(audit, parts))) ?? { none: true, revision };
}

async function unlessNoPlan<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    if (NO_PLAN.includes(asCountermandError(thrown).code)) return null;
    throw thrown;
  }
}
