/** One run of an audit: its strategy looks at the nodes of the scope, and what it proposes becomes a plan. */
import { asCountermandError, failAt, failWith } from '../../core/errors.ts';
import { openCancellation } from '../../core/signals.ts';
import { approvalOf } from '../plans/approval.ts';
import { type CheckedPlan, checkPlan } from '../plans/check.ts';
import { writePlan } from '../plans/create.ts';
import { startPlan } from '../plans/launch.ts';
import type { PlanParts } from '../plans/parts.ts';
import { PERMIT_ALL, type Permit } from '../plans/permit.ts';
import { findScopeOf } from '../plans/scope.ts';
import type { Looked } from '../plans/strategies/seen.ts';
import { type Proposal, parseStrategyParameters, type Strategy } from '../plans/strategies/strategy.ts';
import { globalEfficacy, MANUAL, STRATEGIES } from '../plans/strategies.ts';
import { supersedePlans } from '../plans/supersede.ts';
import type { WantedAction, WantedPlan } from '../plans/wanted.ts';
import { listPlansOf } from '../store/audits.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { listAllNodes } from '../store/nodes.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';
import { EVERY_NODE } from '../store/plans.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/**
 * Runs an audit in the caller's transaction: makes its plan, RECOMMENDED or, if the audit triggers it, PENDING, and
 * supersedes what earlier runs have left unstarted.
 * @param looked what its strategy has seen just before, as `lookFor` answers it
 * @param permit of the caller who makes the audit; later runs have none, and are held back by nothing
 * @returns null if the strategy finds nothing to do
 * @throws AUDIT_INVALID for a strategy or parameters that this version does not know, SCOPE_INVALID,
 *   ACTION_PLAN_INVALID, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED; then nothing may be committed
 */
export async function runAudit(
  audit: AuditRow,
  looked: Looked,
  transaction: Transaction,
  parts: PlanParts,
  permit: Permit = PERMIT_ALL,
): Promise<ActionPlanRow | null> {
  const { sql } = transaction;
  const { store } = parts.orders;
  const { strategy, scoped, proposal } = await proposalOf(audit, looked, sql, permit);
  if (proposal.actions.length === 0) {
    permit.allow([], scoped);
    await supersedeEarlier(audit, null, transaction, store);
    return null;
  }
  const wanted = toWanted(audit, proposal.actions, store);
  const checked = await checkPlan(wanted, scoped, sql, null, permit).catch((thrown: unknown) => {
    throw placed(thrown, strategy);
  });
  // Without a scope, and unless the audit says every node, the plan is about the nodes that its actions name.
  const everywhere = scoped === null && audit.everyNode;
  const about: CheckedPlan = everywhere ? { ...checked, nodeUuids: [EVERY_NODE, ...checked.nodeUuids] } : checked;
  const plan = await writePlan(about, '', audit, globalEfficacy(strategy, proposal), transaction, store);
  await supersedeEarlier(audit, plan, transaction, store);
  // Its launch is another transaction: the engine's, which looks at what runs.
  return audit.autoTrigger ? startFor(audit, plan, transaction, parts) : plan;
}

/**
 * Later runs have no caller: their plans are started for whoever made the audit, and wait for a second person as that one's would.
 * @throws OVERTAKEN
 */
async function startFor(
  audit: AuditRow,
  plan: ActionPlanRow,
  transaction: Transaction,
  parts: PlanParts,
): Promise<ActionPlanRow> {
  const { createdBy, createdFor } = audit;
  const starter = createdBy === null ? null : { identity: createdBy, onBehalfOf: createdFor };
  const approval = await approvalOf(plan, starter, parts, transaction);
  const patch = { startedBy: createdBy, startedFor: createdFor, ...approval };
  const started = await startPlan({ plan, audit }, patch, transaction, parts.orders.store);
  if (started === null) throw overtaken(`plan '${plan.name}'`);
  return started.plan;
}

/** What an audit is run by. */
type Asked = Pick<AuditRow, 'strategy' | 'parameters' | 'scope'>;

/** A look takes no longer. */
const LOOK_LIMIT_MS = 120_000;

/**
 * Lets the strategy of an audit look at what is outside of the conductor; before the transaction that runs it, as that must not wait for
 * others. Nothing is changed.
 * @throws as the look of the strategy, and as proposalOf
 */
export async function lookFor(
  asked: Asked,
  { orders, clouds, shutdown }: PlanParts,
  permit = PERMIT_ALL,
): Promise<Looked> {
  const strategy = strategyNamed(asked.strategy);
  if (!strategy.look) return new Map();
  const { store } = orders;
  const { nodes, parameters } = await seenBy(strategy, asked, store.database.read, permit);
  const limit = { clock: store.clock, afterMs: LOOK_LIMIT_MS, what: 'the look at the compute services' };
  const cancellation = openCancellation([shutdown], limit);
  try {
    return await strategy.look(nodes, parameters, clouds, cancellation.signal);
  } finally {
    cancellation.end();
  }
}

/** What an audit proposes now. Nothing is written. @param looked as of `lookFor` @throws as runAudit */
export async function proposalOf(
  asked: Asked,
  looked: Looked,
  sql: Transaction['sql'],
  permit: Permit = PERMIT_ALL,
): Promise<{ strategy: Strategy; scoped: NodeRow[] | null; proposal: Proposal }> {
  const strategy = strategyNamed(asked.strategy);
  const { nodes, scoped, parameters } = await seenBy(strategy, asked, sql, permit);
  return { strategy, scoped, proposal: strategy.propose(nodes, parameters, looked) };
}

async function seenBy(
  strategy: Strategy,
  { parameters: given, scope }: Asked,
  sql: Transaction['sql'],
  permit: Permit,
) {
  const parameters = parseStrategyParameters(strategy, given);
  const scoped = await findScopeOf(scope, sql, permit.sees);
  // A strategy that does not act on its scope is given no fleet to look at: that would cost as much as the fleet is large.
  const nodes = scoped ?? (strategy.actsOnScope ? await listAllNodes(sql) : []);
  return { nodes, scoped, parameters };
}

function strategyNamed(name: string): Strategy {
  const strategy = STRATEGIES.find((each) => each.name === name);
  if (!strategy) throw failAt('AUDIT_INVALID', 'strategy', `strategy: this version has no strategy '${name}'`);
  return strategy;
}

function toWanted(
  { name, maxParallel, onFailure, scope }: AuditRow,
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
