/** What the next run of an audit would do, without running it. */
import { asCountermandError } from '../../core/errors.ts';
import type { PlanParts } from '../plans/parts.ts';
import type { Looked } from '../plans/strategies/seen.ts';
import { type Step, stepsOfProposal, type TakesDown, takesDown } from '../plans/takes_down.ts';
import type { Transaction } from '../store/database.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { lookFor, proposalOf } from './run.ts';

/** Errors by which a run makes no plan, because the fleet is not as the audit needs it. */
const NO_PLAN: readonly string[] = [
  'SCOPE_INVALID',
  'AUDIT_INVALID',
  'ACTION_PLAN_INVALID',
  'NODE_NOT_FOUND',
  'TARGET_NOT_SUPPORTED',
  'HOST_NOT_READY',
];

/** The running nodes that the plan of an audit would take down if it ran now. */
export async function takesDownOfRun(
  audit: AuditRow,
  looked: Looked | null,
  sql: Transaction['sql'],
): Promise<TakesDown> {
  return takesDown(await stepsOfRun(audit, looked, sql));
}

/** What the plan of an audit would do if it ran now; nothing if it would make none. */
export async function stepsOfRun(audit: AuditRow, looked: Looked | null, sql: Transaction['sql']): Promise<Step[]> {
  if (looked === null) return [];
  try {
    const { proposal } = await proposalOf(audit, looked, sql);
    return await stepsOfProposal(proposal.actions, sql);
  } catch (thrown) {
    if (NO_PLAN.includes(asCountermandError(thrown).code)) return [];
    throw thrown;
  }
}

/** What the strategy of an audit sees; null if its run would make no plan. @throws as lookFor, of what will pass */
export async function lookIfItCan(audit: AuditRow, parts: PlanParts): Promise<Looked | null> {
  try {
    return await lookFor(audit, parts);
  } catch (thrown) {
    if (NO_PLAN.includes(asCountermandError(thrown).code)) return null;
    throw thrown;
  }
}
