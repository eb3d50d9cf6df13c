/** What the next run of an audit would do, without running it. */
import { asCountermandError } from '../../core/errors.ts';
import type { PlanParts } from '../plans/parts.ts';
import { type Step, stepsOfProposal, type TakesDown, takesDown } from '../plans/takes_down.ts';
import type { Transaction } from '../store/database.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { type Decided, decide, decidedNow } from './decided.ts';

/** Errors by which a run makes no plan, because the fleet is not as the audit needs it. */
const NO_PLAN: readonly string[] = [
  'SCOPE_INVALID',
  'AUDIT_INVALID',
  'ACTION_PLAN_INVALID',
  'NODE_NOT_FOUND',
  'TARGET_NOT_SUPPORTED',
  'HOST_NOT_READY',
];

/**
 * The running nodes that the plan of an audit would take down if it ran now. Call it in a transaction.
 * @param decided as of `decideIfItCan`, before the transaction
 */
export async function takesDownOfRun(
  audit: AuditRow,
  decided: Decided | null,
  sql: Transaction['sql'],
): Promise<TakesDown> {
  if (decided === null) return takesDown([]);
  const steps = await unlessNoPlan(async () => stepsOf(await decidedNow(decided, audit, sql), sql));
  return takesDown(steps ?? []);
}

/** What the plan of an audit would do if it ran now; nothing if it would make none. */
export async function stepsOfRun(audit: AuditRow, parts: PlanParts): Promise<Step[]> {
  const { read } = parts.orders.store.database;
  const steps = await unlessNoPlan(async () => stepsOf(await decide(audit, parts), read));
  return steps ?? [];
}

const stepsOf = ({ proposal }: Decided, sql: Transaction['sql']): Promise<Step[]> =>
  stepsOfProposal(proposal.actions, sql);

/** What an audit proposes; null if its run would make no plan. @throws as `decide`, of what will pass */
export function decideIfItCan(audit: AuditRow, parts: PlanParts): Promise<Decided | null> {
  return unlessNoPlan(() => decide(audit, parts));
}

async function unlessNoPlan<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    if (NO_PLAN.includes(asCountermandError(thrown).code)) return null;
    throw thrown;
  }
}
