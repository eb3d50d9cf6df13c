/** Ordering a rollback: what is checked, and the one transaction that makes the plan that undoes another and launches it. */

import { digestOf } from '../../core/digest.ts';
import { type CountermandError, failWith } from '../../core/errors.ts';
import { type Possible, possibleWords } from '../../core/possible.ts';
import { ACTION_PLAN_RUNNING } from '../../core/states.ts';
import { cutText } from '../../core/texts.ts';
import type { Freezes } from '../power/freezes.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { isRefusal } from '../store/failures.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { contextOf, findPlanByRequestId, findRunningOn, getPlan, type PlanContext } from '../store/plans.ts';
import type { Store } from '../store/store.ts';
import { type CheckedPlan, checkPlan } from './check.ts';
import { joined, writeAlone } from './create.ts';
import { type Effect, effectOf } from './effect.ts';
import { frozenOrderIn } from './held_back.ts';
import { launchPlan, startPlan } from './launch.ts';
import type { PlanParts } from './parts.ts';
import { hasUndone, isOnlyRollback } from './possible.ts';
import {
  objectionsTo,
  type RollbackOptions,
  type UndoSelection,
  undoActions,
  undoingsOf,
  undoSelectionOf,
} from './rollback.ts';
import type { Undoing } from './rollback_graph.ts';
import {
  holdToExpected,
  stepsOfCancel,
  stepsOfRollback,
  type TakesDown,
  takesDown,
  takesDownOfRollback,
} from './takes_down.ts';
import { linkRollback, sayNotRolledBack } from './transition.ts';

/** An order to roll a plan back. */
export interface RollbackOrder extends RollbackOptions {
  /** The plan, by uuid, request_id or name. */
  readonly plan: string;
  /** The same id twice is one rollback. */
  readonly requestId: string;
  /** The number of running nodes that it has to take down; absent for any. No part of what makes two orders one. */
  readonly expected?: number | null;
}

/** What a rollback would be, now. */
interface RollbackPreview {
  readonly plan: ActionPlanRow;
  readonly undoings: readonly Undoing[];
  /** Of a plan that runs: what a cancel that goes on to roll back would take down. */
  readonly takesDown: TakesDown;
  readonly effect: Effect;
  /** Why it would be refused whatever is said, or null. */
  readonly refused: CountermandError | null;
}

/** What a rollback of a plan would do now. Nothing is written. @throws ACTION_PLAN_NOT_FOUND */
export async function previewRollback(key: string, parts: PlanParts): Promise<RollbackPreview> {
  const { database, clock } = parts.orders.store;
  const plan = await getPlan(key, database.read);
  const undoings = await undoingsOf(plan, database.read);
  const refused = await refusalOf(plan, clock.now(), database.read);
  const runs = ACTION_PLAN_RUNNING.includes(plan.state);
  const steps = runs ? await stepsOfCancel(plan, database.read) : stepsOfRollback(undoings);
  const nodeUuids = [...new Set(steps.flatMap(({ node }) => node?.uuid ?? []))];
  // It waits for no plan that waits.
  const about = { nodeUuids, plan, supersedes: () => true };
  const effect = await effectOf(steps, about, parts.orders.limits, database.read);
  const { freezes } = parts.orders;
  return {
    plan,
    undoings,
    takesDown: takesDown(steps),
    effect,
    refused: refused ?? (await objectionNow(plan, undoings, freezes, database.read)),
  };
}

/**
 * What would have to be said for a rollback of a plan to be accepted now, or null if it would be refused whatever is said.
 * @throws what the database throws if it fails
 */
export async function acceptedRollback(
  plan: ActionPlanRow,
  { store, freezes }: PlanParts['orders'],
  sql: Transaction['sql'],
): Promise<RollbackOptions | null> {
  if (await refusalOf(plan, store.clock.now(), sql)) return null;
  const undoings = await undoingsOf(plan, sql);
  return (await objectionNow(plan, undoings, freezes, sql)) ? null : neededFor(undoings);
}

/** Why a rollback with all that has to be said would be refused now, or null. @throws what the database throws if it fails */
async function objectionNow(
  plan: ActionPlanRow,
  undoings: readonly Undoing[],
  freezes: Freezes,
  sql: Transaction['sql'],
): Promise<CountermandError | null> {
  try {
    await prepare(plan, undoings, { ...neededFor(undoings), requestId: plan.uuid }, freezes, sql);
    return null;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return thrown;
  }
}

/** The options without which a rollback with these would be refused. */
function neededFor(undoings: readonly Undoing[]): RollbackOptions {
  return {
    skipIrreversible: undoings.some(({ undo }) => undo.kind === 'irreversible'),
    acceptDrift: undoings.some(({ undo }) => undo.kind === 'action' && undo.drift !== null),
  };
}

/** The plan that would undo another, checked. @throws ROLLBACK_REFUSED, ACTION_PLAN_OVERLAPS, NODE_FROZEN, and as `checkPlan` */
async function prepare(
  plan: ActionPlanRow,
  undoings: readonly Undoing[],
  order: RollbackOptions & { readonly requestId: string },
  freezes: Freezes,
  sql: Transaction['sql'],
): Promise<Prepared> {
  const objections = objectionsTo(undoings, order);
  if (objections.length > 0) {
    const { skipIrreversible, acceptDrift } = neededFor(undoings);
    throw refuse(plan, objections.join('; '), [
      { verb: 'ROLLBACK_ACTION_PLAN', resource: plan.uuid, skipIrreversible, acceptDrift },
    ]);
  }
  const kept = undoSelectionOf(undoings, order.acceptDrift);
  const prepared = await checkKept(plan, kept, order.requestId, sql);
  if (prepared === null) throw refuse(plan, 'it changed nothing that could be undone');
  const overlap = await overlapOf(plan, kept.undoings, sql);
  if (overlap) throw overlap;
  const frozen = frozenOrderIn(stepsOfRollback(kept.undoings), freezes);
  if (frozen) throw frozen;
  return prepared;
}

/** Why a plan that runs is in the way of a rollback, or null. */
async function overlapOf(
  plan: ActionPlanRow,
  undoings: readonly Undoing[],
  sql: Transaction['sql'],
): Promise<CountermandError | null> {
  const nodes = undoings.flatMap(({ node, undo }) => (undo.kind === 'action' && node ? [node.uuid] : []));
  const blocker = nodes.length === 0 ? null : await findRunningOn([...new Set(nodes)], sql);
  return blocker && rollbackOverlaps(plan, blocker);
}

/**
 * Makes the plan that undoes another, linked both ways, and launches it; or finds the one that this request_id made before.
 * @throws ACTION_PLAN_NOT_FOUND, ROLLBACK_REFUSED, ACTION_PLAN_OVERLAPS, NODE_FROZEN, REQUEST_ID_TAKEN, TAKES_DOWN_MISMATCH; then
 *   nothing was written
 */
export async function orderRollback(order: RollbackOrder, parts: PlanParts): Promise<ActionPlanRow> {
  const { store, freezes } = parts.orders;
  return store.database.write(async (transaction) => {
    const { sql } = transaction;
    const plan = await getPlan(order.plan, sql);
    const { skipIrreversible, acceptDrift, requestId } = order;
    const digest = digestOf({ rollbackOf: plan.uuid, skipIrreversible, acceptDrift });
    const earlier = await findPlanByRequestId(requestId, sql);
    if (earlier) return joined(earlier, digest);
    const refused = await refusalOf(plan, store.clock.now(), sql);
    if (refused) throw refused;
    const undoings = await undoingsOf(plan, sql);
    const prepared = await prepare(plan, undoings, order, freezes, sql);
    await holdToExpected(order.expected ?? null, `the rollback of plan '${plan.name}'`, async () =>
      takesDownOfRollback(undoSelectionOf(undoings, acceptDrift).undoings),
    );
    const context = await contextOf(plan, sql);
    return launch(await make(context, prepared, digest, transaction, store), transaction, store);
  });
}

/**
 * Rolls back a plan that has just ended, in the transaction of its end: what nothing can undo, and what another order has
 * changed meanwhile, is left alone and named. It is refused by no freeze: its actions about frozen nodes fail one by one. What refuses it
 * otherwise is said at the plan, which ends all the same.
 * @returns the rollback, ONGOING, or null if there is none
 */
export async function rollBackAtEnd(
  ended: PlanContext,
  transaction: Transaction,
  store: Store,
): Promise<ActionPlanRow | null> {
  const { plan } = ended;
  const prepared = await prepareAtEnd(plan, store.chance.uuid(), transaction);
  if (prepared === null) return null;
  const digest = digestOf({ rollbackOf: plan.uuid });
  const rollback = await make(ended, prepared, digest, transaction, store);
  return launch(rollback, transaction, store, { trace: plan.trace });
}

async function prepareAtEnd(
  plan: ActionPlanRow,
  requestId: string,
  transaction: Transaction,
): Promise<Prepared | null> {
  const { sql } = transaction;
  try {
    return await checkKept(plan, undoSelectionOf(await undoingsOf(plan, sql), false), requestId, sql);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    await sayNotRolledBack(plan, thrown.message, transaction);
    return null;
  }
}

/** A rollback that can be written. */
interface Prepared {
  readonly checked: CheckedPlan;
  readonly leftAlone: readonly string[];
}

/** Checks the plan that undoes what is kept. Null if that is nothing. */
async function checkKept(
  plan: ActionPlanRow,
  { undoings, leftAlone }: UndoSelection,
  requestId: string,
  sql: Transaction['sql'],
): Promise<Prepared | null> {
  const actions = undoActions(undoings);
  if (actions.length === 0) return null;
  const name = cutText(`rollback of ${plan.name}`, 255);
  const rules = { maxParallel: plan.maxParallel, canary: 0, onFailure: 'CONTINUE' as const };
  const wanted = { name, requestId, ...rules, rollbackOf: plan.uuid, actions };
  return { checked: await checkPlan(wanted, null, sql, null), leftAlone };
}

/** Writes the plan that undoes another, and the links. */
async function make(
  undone: PlanContext,
  { checked, leftAlone }: Prepared,
  digest: string,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext> {
  const made = await writeAlone(checked, digest, transaction, store);
  const plan = await linkRollback(undone.plan, made.plan, leftAlone, transaction);
  return { ...made, undoes: { ...undone, plan } };
}

async function launch(
  rollback: PlanContext,
  transaction: Transaction,
  store: Store,
  patch: Partial<ActionPlanRow> = {},
): Promise<ActionPlanRow> {
  const started = await startPlan(rollback, patch, transaction, store);
  if (started === null) throw overtaken(`plan '${rollback.plan.name}'`);
  return launchPlan(started, transaction, store);
}

async function refusalOf(plan: ActionPlanRow, now: number, sql: Transaction['sql']): Promise<CountermandError | null> {
  const { state, rollbackUntil } = plan;
  if (rollbackUntil === null || !['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(state)) {
    const possible: Possible[] = ACTION_PLAN_RUNNING.includes(state)
      ? [{ verb: 'CANCEL_ACTION_PLAN', resource: plan.uuid, rollback: true }]
      : [];
    const instead = possible.length === 0 ? '' : `; ${possibleWords(possible)}`;
    return refuse(
      plan,
      `it is ${state}; only a plan that has run and has ended can be rolled back${instead}`,
      possible,
    );
  }
  const earlier = plan.rolledBackBy === null ? null : await getPlan(plan.rolledBackBy, sql);
  if (earlier && isOnlyRollback(earlier)) {
    const is = hasUndone(earlier) ? 'was rolled back' : 'is being rolled back';
    return refuse(plan, `it ${is} by plan ${earlier.uuid}`, [{ verb: 'WATCH_ACTION_PLAN', resource: earlier.uuid }]);
  }
  if (now <= rollbackUntil) return null;
  return refuse(
    plan,
    `its rollback window closed at ${new Date(rollbackUntil).toISOString()}; undo it by a plan of your own`,
  );
}

function refuse({ name, uuid }: ActionPlanRow, why: string, possible: readonly Possible[] = []): CountermandError {
  const resource = { type: 'action_plan', name: uuid } as const;
  return failWith('ROLLBACK_REFUSED', `plan '${name}' (${uuid}) cannot be rolled back: ${why}`, { resource, possible });
}

function rollbackOverlaps(plan: ActionPlanRow, blocker: ActionPlanRow): CountermandError {
  return failWith(
    'ACTION_PLAN_OVERLAPS',
    `plan '${plan.name}' cannot be rolled back now: plan '${blocker.name}' (${blocker.uuid}) is ${blocker.state} on some of its nodes; wait for its end, or cancel it`,
    {
      resource: { type: 'action_plan', name: plan.uuid },
      possible: [{ verb: 'CANCEL_ACTION_PLAN', resource: blocker.uuid }],
      facts: { blocked_by: blocker.uuid },
    },
  );
}
