/** Accepting plans: everything that can be checked is checked before anything is written, at creation and not later. */

import { digestOf } from '../../core/digest.ts';
import { failAt } from '../../core/errors.ts';
import type { Actor } from '../store/actor.ts';
import { decideAgain, overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { isRefusal } from '../store/failures.ts';
import { findNodesByUuid } from '../store/nodes.ts';
import type { ActionPlanRow, AuditRow, Efficacy } from '../store/plan_rows.ts';
import { findPlanByRequestId, getPlan, listNodesOfPlan, type PlanContext } from '../store/plans.ts';
import type { Store } from '../store/store.ts';
import { beginAudit, moveAudit } from './audit_transition.ts';
import { ACTION_TIMEOUT_MS, type CheckedPlan, checkPlan, checkSizes, MAX_PARALLEL } from './check.ts';
import { checkChosenUuid, refuseUsedUuid } from './chosen_uuid.ts';
import { type Effect, effectOf } from './effect.ts';
import { type HeldBack, heldBackBy } from './held_back.ts';
import { asOfNow, type NodesAsOf, nodesAsOf, refusedMeanwhile } from './nodes_as_of.ts';
import type { PlanParts } from './parts.ts';
import { PERMIT_ALL, type Permit } from './permit.ts';
import { readCandidates, scopeAmong } from './scope.ts';
import { MANUAL } from './strategies.ts';
import { stepsOfPlan, type TakesDown, takesDown } from './takes_down.ts';
import { createPlan, type NewAction } from './transition.ts';
import type { WantedPlan } from './wanted.ts';

/** A plan that was made now, or before: then its audit is not read. */
export type MadePlan = Pick<PlanContext, 'plan'> & Partial<Pick<PlanContext, 'audit'>>;

/** Goes on with a plan in the transaction that makes it. */
type Then = (made: MadePlan, transaction: Transaction) => Promise<ActionPlanRow>;

/**
 * Accepts a plan, or finds the one that this request_id made before. It is durable and RECOMMENDED when this resolves,
 * with an ONESHOT audit behind it.
 * @param permit of the caller for whom it is made; a plan that another caller made has to be permitted as well
 * @param then goes on with the plan in the same transaction; what it throws leaves no plan behind
 * @throws ACTION_PLAN_INVALID naming the place, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, REQUEST_ID_TAKEN, UUID_TAKEN, PERMISSION_DENIED, and
 *   what `then` throws; then nothing was written
 */
export async function createActionPlan(
  wanted: WantedPlan,
  parts: PlanParts,
  permit: Permit = PERMIT_ALL,
  then: Then = async ({ plan }) => plan,
): Promise<ActionPlanRow> {
  checkChosenUuid(wanted.uuid);
  checkSizes(wanted);
  return decideAgain(() => createOnce(wanted, parts, permit, then));
}

/** @throws OVERTAKEN if the plan has to be checked again */
async function createOnce(wanted: WantedPlan, parts: PlanParts, permit: Permit, then: Then): Promise<ActionPlanRow> {
  const { store } = parts.orders;
  const digest = digestOf(wanted);
  const earlier = await findPlanByRequestId(wanted.requestId, store.database.read);
  if (earlier) {
    const { uuid } = joined(earlier, digest);
    return store.database.write(async (transaction) => {
      const plan = await getPlan(uuid, transaction.sql);
      await allowJoined(plan, permit, transaction.sql);
      return then({ plan }, transaction);
    });
  }
  const { known, checked } = await checkFirst(wanted, parts, permit);
  return store.database.write(async (transaction) => {
    const { sql } = transaction;
    const meanwhile = await findPlanByRequestId(wanted.requestId, sql);
    if (meanwhile) {
      await allowJoined(joined(meanwhile, digest), permit, sql);
      return then({ plan: meanwhile }, transaction);
    }
    await refuseUsedUuid('action_plans', wanted.uuid, sql);
    // What was checked may not be so any more: a plan is never made for a world that has changed.
    const now = await asOfNow(known, sql);
    const holding = now === known ? checked : await checkAgain(now, wanted, sql, parts, permit);
    return then(await writeAlone(holding, digest, transaction, store), transaction);
  });
}

/**
 * Checks a plan before its transaction.
 * @throws as `checkPlan`; OVERTAKEN if it is refused and the same request has made it meanwhile
 */
async function checkFirst(wanted: WantedPlan, parts: PlanParts, permit: Permit) {
  const { read } = parts.orders.store.database;
  try {
    const known = await readScope(wanted, read);
    return { known, checked: await checkAmong(known, wanted, read, parts, permit) };
  } catch (thrown) {
    const isMade = isRefusal(thrown) && (await findPlanByRequestId(wanted.requestId, read)) !== null;
    throw isMade ? overtaken(`plan '${wanted.name}'`) : thrown;
  }
}

/** @throws OVERTAKEN if it is refused, and else as `checkAmong` */
async function checkAgain(...by: Parameters<typeof checkAmong>): Promise<CheckedPlan> {
  const [, wanted] = by;
  return checkAmong(...by).catch((thrown: unknown) => {
    throw refusedMeanwhile(thrown, `what plan '${wanted.name}' is about`);
  });
}

/** Who repeats a request_id answers for the plan as who made it did: what follows may start it. @throws PERMISSION_DENIED */
async function allowJoined(plan: ActionPlanRow, permit: Permit, sql: Transaction['sql']): Promise<void> {
  if (permit === PERMIT_ALL) return;
  const nodes = await findNodesByUuid(await listNodesOfPlan(plan.uuid, sql), sql);
  permit.allow(await stepsOfPlan(plan, sql), [...nodes.values()]);
}

/** What would come of a wanted plan. */
interface PlanPreview extends HeldBack {
  /** The plan that its request_id has already made; else null. */
  readonly plan: ActionPlanRow | null;
  readonly takesDown: TakesDown;
  readonly effect: Effect;
}

/**
 * The running nodes that a plan would take down if it were made and started now. Nothing is written.
 * @param queue it would be started with `queue`
 * @param permit of the caller who asks
 * @param starter the caller; null if it is not known
 * @throws ACTION_PLAN_INVALID naming the place, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, REQUEST_ID_TAKEN, as
 *   `createActionPlan` would
 */
export async function previewPlan(
  wanted: WantedPlan,
  queue: boolean,
  parts: PlanParts,
  permit: Permit,
  starter: Actor | null,
): Promise<PlanPreview> {
  checkChosenUuid(wanted.uuid);
  checkSizes(wanted);
  const { read } = parts.orders.store.database;
  const earlier = await findPlanByRequestId(wanted.requestId, read);
  if (earlier) {
    joined(earlier, digestOf(wanted));
    return previewStart(earlier, queue, parts, starter);
  }
  await refuseUsedUuid('action_plans', wanted.uuid, read);
  const { actions, nodeUuids } = await checkAmong(await readScope(wanted, read), wanted, read, parts, permit);
  const steps = actions.map(({ wanted: action, node }) => ({ ...action, node }));
  const effect = await effectOf(steps, { nodeUuids, plan: null }, parts.orders.limits, read);
  return { plan: null, takesDown: takesDown(steps, queue), effect, ...heldBackBy(steps, starter, parts) };
}

/** What would come of the start of a plan that was made. Nothing is written. @param queue it would be started with `queue` */
export async function previewStart(
  plan: ActionPlanRow,
  queue: boolean,
  parts: PlanParts,
  starter: Actor | null,
): Promise<PlanPreview> {
  const { orders } = parts;
  const { read } = orders.store.database;
  const steps = await stepsOfPlan(plan, read);
  const nodeUuids = await listNodesOfPlan(plan.uuid, read);
  const effect = await effectOf(steps, { nodeUuids, plan }, orders.limits, read);
  return { plan, takesDown: takesDown(steps, queue), effect, ...heldBackBy(steps, starter, parts) };
}

const scopeOf = ({ scope }: WantedPlan): readonly unknown[] => scope ?? [];

/** The nodes among which those of its scope are; none without one. */
async function readScope(wanted: WantedPlan, sql: Transaction['sql']): Promise<NodesAsOf> {
  return (await readCandidates(scopeOf(wanted), sql)) ?? nodesAsOf(sql, async () => []);
}

/** @param known as of `readScope` */
async function checkAmong(
  known: NodesAsOf,
  wanted: WantedPlan,
  sql: Transaction['sql'],
  { orders }: PlanParts,
  permit: Permit,
): Promise<CheckedPlan> {
  const scope = scopeOf(wanted);
  const scoped = scope.length === 0 ? null : scopeAmong(scope, known.nodes, permit.sees);
  return checkPlan(wanted, scoped, sql, orders.limits, permit);
}

/** The plan that a request_id made before. @throws REQUEST_ID_TAKEN if it was another */
export function joined(earlier: ActionPlanRow, digest: string): ActionPlanRow {
  if (earlier.requestDigest === digest) return earlier;
  throw failAt(
    'REQUEST_ID_TAKEN',
    'request_id',
    `request_id '${earlier.requestId}' was used for another plan, '${earlier.name}' (${earlier.uuid}); choose another`,
  );
}

/** Writes a plan that only its maker has a reason for, and the audit that says so. */
export async function writeAlone(
  checked: CheckedPlan,
  digest: string,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext> {
  const { name, actions, scope = [] } = checked.wanted;
  const asked = {
    requestId: null,
    requestDigest: null,
    intervalMs: null,
    nextRunAt: null,
    autoTrigger: false,
    everyNode: false,
  };
  const rules = { maxParallel: 0, onFailure: 'STOP' as const };
  const named = { uuid: store.chance.uuid(), name, auditType: 'ONESHOT' as const, statusMessage: '' };
  const parameters = { actions: actions.length };
  const why = { ...named, ...asked, ...rules, strategy: MANUAL.name, parameters, scope };
  const ongoing = await beginAudit(why, transaction, store);
  const plan = await writePlan(checked, digest, ongoing, [], transaction, store);
  const audit = await moveAudit('succeed', ongoing, {}, transaction, store);
  if (audit === null) throw overtaken(`audit '${name}'`);
  return { plan, audit };
}

/** Writes a checked plan, RECOMMENDED, with the audit that it comes from. */
export async function writePlan(
  { wanted, actions, graph, nodeUuids }: CheckedPlan,
  requestDigest: string,
  audit: AuditRow,
  globalEfficacy: readonly Efficacy[],
  transaction: Transaction,
  store: Store,
): Promise<ActionPlanRow> {
  const uuid = wanted.uuid ?? store.chance.uuid();
  const plan = {
    uuid,
    name: wanted.name,
    reason: wanted.reason ?? '',
    auditUuid: audit.uuid,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    requestId: wanted.requestId,
    requestDigest,
    maxParallel: wanted.maxParallel === 0 ? MAX_PARALLEL.fallback : wanted.maxParallel,
    canary: wanted.canary,
    onFailure: wanted.onFailure,
    size: actions.length,
    globalEfficacy,
    startedAt: null,
    startOrder: null,
    launchedAt: null,
    endedAt: null,
    cancelDeadlineAt: null,
    rollbackUntil: null,
    rollbackOf: wanted.rollbackOf ?? null,
    rolledBackBy: null,
    rollsBack: false,
  };
  const rows = newActions(uuid, actions, graph, () => store.chance.uuid());
  return createPlan(plan, rows, nodeUuids, audit, transaction, store);
}

function newActions(
  planUuid: string,
  actions: CheckedPlan['actions'],
  graph: CheckedPlan['graph'],
  newUuid: () => string,
): NewAction[] {
  const uuids = actions.map(newUuid);
  return actions.map(({ wanted, type, node }, at) => ({
    uuid: uuids[at] as string,
    planUuid,
    name: wanted.name,
    actionType: type.name,
    inputParameters: wanted.inputParameters,
    parents: (graph.parents[at] ?? []).map((parent) => uuids[parent] as string),
    position: at,
    rank: graph.ranks[at] ?? 0,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    nodeUuid: node?.uuid ?? null,
    timeoutMs: wanted.timeoutMs ?? ACTION_TIMEOUT_MS.fallback,
    beforeImage: null,
    undoes: wanted.undoes ?? null,
    result: null,
    startedAt: null,
    endedAt: null,
  }));
}
