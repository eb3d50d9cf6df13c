/** One run of an audit: its strategy looks at the nodes of the scope, and what it proposes becomes a plan. */
import { asCountermandError, failWith } from '../../core/errors.ts';
import { approvalOf } from '../plans/approval.ts';
import { type CheckedPlan, checkPlan } from '../plans/check.ts';
import { writePlan } from '../plans/create.ts';
import { refuseFrozen, startPlan } from '../plans/launch.ts';
import type { PlanParts } from '../plans/parts.ts';
import type { Strategy } from '../plans/strategies/strategy.ts';
import { globalEfficacy, MANUAL } from '../plans/strategies.ts';
import { supersedePlans } from '../plans/supersede.ts';
import type { WantedAction, WantedPlan } from '../plans/wanted.ts';
import { listPlansOf } from '../store/audits.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';
import { EVERY_NODE } from '../store/plans.ts';
import type { Store } from '../store/store.ts';
import { type Decided, decidedNow, holdToNodes, unlessRenamed } from './decided.ts';

/** What an audit says whose run has made no plan. */
export const NOTHING_TO_DO = 'nothing to do: the strategy proposes no action';

/**
 * Runs an audit in the caller's transaction: makes its plan, RECOMMENDED or, if the audit triggers it, PENDING, and
 * supersedes what earlier runs have left unstarted.
 * @param before what it proposes, as `decide` has answered it before the transaction
 * @returns null if the strategy finds nothing to do
 * @throws OVERTAKEN if it has to be decided again; AUDIT_INVALID, SCOPE_INVALID, ACTION_PLAN_INVALID, NODE_NOT_FOUND,
 *   TARGET_NOT_SUPPORTED, and NODE_FROZEN if the audit triggers its plan; then nothing may be committed
 */
export async function runAudit(
  audit: AuditRow,
  before: Decided | null,
  transaction: Transaction,
  parts: PlanParts,
): Promise<ActionPlanRow | null> {
  const { sql } = transaction;
  const { store } = parts.orders;
  const decided = await decidedNow(before, audit, sql);
  const { strategy, scoped, proposal, permit } = decided;
  if (proposal.actions.length === 0) {
    permit.allow([], scoped);
    await supersedeEarlier(audit, null, transaction, store);
    return null;
  }
  const checked = await checkProposal(audit, decided, sql, store, (thrown) => unlessRenamed(decided, thrown, sql));
  holdToNodes(decided, checked.actions);
  const plan = await writePlan(checked, '', audit, globalEfficacy(strategy, proposal), transaction, store);
  await supersedeEarlier(audit, plan, transaction, store);
  // Its launch is another transaction: the engine's, which looks at what runs.
  return audit.autoTrigger ? startFor(audit, plan, transaction, parts) : plan;
}

/** What the plan of an audit is made of. */
type Planned = Pick<AuditRow, 'name' | 'maxParallel' | 'onFailure' | 'everyNode'> & {
  readonly scope: WantedPlan['scope'];
};

/**
 * The plan that an audit proposes, checked whole.
 * @param refusal what is thrown for what the check throws
 * @throws as `runAudit`, naming the place in the audit
 */
export async function checkProposal(
  audit: Planned,
  { strategy, scoped, proposal, permit }: Decided,
  sql: Transaction['sql'],
  store: Store,
  refusal: (thrown: unknown) => unknown = (thrown) => thrown,
): Promise<CheckedPlan> {
  const wanted = toWanted(audit, proposal.actions, store);
  const checked = await checkPlan(wanted, scoped, sql, null, permit).catch(async (thrown: unknown) => {
    throw placed(await refusal(thrown), strategy);
  });
  // Without a scope, and unless the audit says every node, the plan is about the nodes that its actions name.
  const everywhere = scoped === null && audit.everyNode;
  return everywhere ? { ...checked, nodeUuids: [EVERY_NODE, ...checked.nodeUuids] } : checked;
}

/**
 * Later runs have no caller: their plans are started for whoever made the audit, and wait for a second person as that one's would.
 * @throws OVERTAKEN, NODE_FROZEN
 */
async function startFor(
  audit: AuditRow,
  plan: ActionPlanRow,
  transaction: Transaction,
  parts: PlanParts,
): Promise<ActionPlanRow> {
  const { createdBy, createdFor } = audit;
  await refuseFrozen(plan, parts, transaction);
  const starter = createdBy === null ? null : { identity: createdBy, onBehalfOf: createdFor };
  const approval = await approvalOf(plan, starter, parts, transaction);
  const patch = { startedBy: createdBy, startedFor: createdFor, ...approval };
  const started = await startPlan({ plan, audit }, patch, transaction, parts.orders.store);
  if (started === null) throw overtaken(`plan '${plan.name}'`);
  return started.plan;
}

function toWanted(
  { name, maxParallel, onFailure, scope }: Planned,
  actions: readonly WantedAction[],
  store: Store,
): WantedPlan {
  return { name, requestId: store.chance.uuid(), maxParallel, canary: 0, onFailure, scope, actions };
}

/** Where a strategy takes its actions from the parameters, that is where the fault is. */
function placed(thrown: unknown, { name }: Strategy): unknown {
  const error = asCountermandError(thrown);
  if (name !== MANUAL.name || error.code === 'INTERNAL') return thrown;
  const code = error.code === 'ACTION_PLAN_INVALID' ? 'AUDIT_INVALID' : error.code;
  const { field = '' } = error.details;
  const path = field.startsWith('actions') ? 'parameters.' : 'parameters.actions: ';
  const details = {
    ...error.details,
    field: field.startsWith('actions') ? `parameters.${field}` : 'parameters.actions',
  };
  return failWith(code, `${path}${error.message}`, details, { cause: error });
}

/** What earlier runs have made and was never started is stale now; so is what waits for its turn without being asked to. */
async function supersedeEarlier(
  audit: AuditRow,
  made: ActionPlanRow | null,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const states = audit.autoTrigger ? (['RECOMMENDED', 'PENDING'] as const) : (['RECOMMENDED'] as const);
  const plans = await listPlansOf(audit.uuid, states, Number.MAX_SAFE_INTEGER, transaction.sql);
  const earlier = plans.filter(({ uuid }) => uuid !== made?.uuid);
  const found = made ? `made plan ${made.uuid}` : 'found nothing to do';
  const why = `a later run of its audit has ${found}, at ${new Date(store.clock.now()).toISOString()}`;
  await supersedePlans(earlier, why, transaction, store);
}
