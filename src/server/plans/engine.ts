/** What runs plans: starts them, launches those whose turn has come, cancels them, and carries on after a crash. */
import type { CountermandError } from '../../core/errors.ts';
import { ACTION_PLAN_RUNNING, type ActionPlanEvent, isPlanAtRest } from '../../core/states.ts';
import { textOfTrace } from '../../core/tracing.ts';
import { retry } from '../retry.ts';
import { type Also, type Touched, writeAlso } from '../store/also.ts';
import { holdToRevision, overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { contextOf, findPlan, getPlan, listNextInLine, listPlansIn } from '../store/plans.ts';
import { approvalOf, approvePlan, type Decision, decided, rejection } from './approval.ts';
import { moveAudit } from './audit_transition.ts';
import { createActionPlan, type MadePlan } from './create.ts';
import { FrozenPlans } from './frozen_plans.ts';
import { blockerOf, frozenOf, launchPlan, refuseFrozen, startPlan } from './launch.ts';
import { offersFor } from './offers.ts';
import { type PlanParts, partsAlso } from './parts.ts';
import { PERMIT_ALL, type Permit } from './permit.ts';
import { PlanRun } from './plan_run.ts';
import { waitsForApproval, wasCancelled } from './possible.ts';
import { overlaps, wrongState } from './refusals.ts';
import { orderRollback, type RollbackOrder } from './rollback_order.ts';
import { isTooOld, whyTooOld } from './staleness.ts';
import { moveAllActions, supersedePlans } from './supersede.ts';
import { type Expected, holdToExpected, takesDownOfCancel, takesDownOfPlan } from './takes_down.ts';
import { askForRollback, movePlan } from './transition.ts';
import type { WantedPlan } from './wanted.ts';

/** How a plan is started; see `Engine.start`. */
interface HowToStart {
  readonly queue: boolean;
  readonly force: boolean;
  readonly expected: Expected;
  /** It is made in the same transaction: a refusal leaves nothing that could be started. */
  readonly isNew: boolean;
}

/** The plans of one conductor. */
export class Engine {
  readonly #parts: PlanParts;
  /** The plans that run; null while the run of one waits to be begun again, after a fault of ours. */
  readonly #runs = new Map<string, PlanRun | null>();
  readonly #frozen: FrozenPlans;
  /** What is under way beside the runs. */
  #working = 0;

  constructor(parts: PlanParts) {
    this.#parts = parts;
    this.#frozen = new FrozenPlans(parts, (uuid) => this.look(uuid));
  }

  /** True while a plan goes on by itself: no action, timer or agent has to wake it. */
  get busy(): boolean {
    return this.#working > 0 || [...this.#runs.values()].some((run) => run?.busy);
  }

  /** How many plans run. */
  get size(): number {
    return this.#runs.size;
  }

  /** After a start of the conductor: what ran goes on, what waited is launched if its turn has come. */
  async recover(): Promise<void> {
    this.#insist('the queue of plans could not be followed', {}, () => this.#followTheQueue());
    const { read } = this.#parts.orders.store.database;
    for (const plan of await listPlansIn(ACTION_PLAN_RUNNING, read)) await this.#look(plan);
  }

  /** Does work in the background, and again after a failure, until it is done or the conductor stops. */
  #insist(message: string, fields: object, work: () => Promise<void>): void {
    const { orders, log, shutdown } = this.#parts;
    const parts = { clock: orders.store.clock, log };
    retry(work, { message, fields }, parts, shutdown).catch(() => {});
  }

  /** As `#insist`, for what is done soon: meanwhile the engine is busy. Resolves after the first attempt. */
  #goOn(uuid: string, work: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#insist('a plan could not go on', { plan: uuid }, () => this.#busyWith(work).finally(resolve));
    });
  }

  async #busyWith<T>(work: () => Promise<T>): Promise<T> {
    this.#working += 1;
    try {
      return await work();
    } finally {
      this.#working -= 1;
    }
  }

  /**
   * Starts a RECOMMENDED plan. It is launched at once, or with `queue` waits behind the plans that it overlaps with. One
   * that is too old is superseded instead, unless it is started with `force`.
   * @param expected how many running nodes it may take down now, with `queue` those that are off included
   * @param revision the one that it has to be at; null for any
   * @param also what is written with it, here and in what else this engine is told to do
   * @throws ACTION_PLAN_NOT_FOUND, ACTION_PLAN_STATE, ACTION_PLAN_OVERLAPS, TAKES_DOWN_MISMATCH, TAKES_DOWN_UNSTATED,
   *   REVISION_MISMATCH; then the plan was not started
   */
  async start(
    key: string,
    queue: boolean,
    force = false,
    expected: Expected = null,
    revision: number | null = null,
    also?: Also,
  ): Promise<ActionPlanRow> {
    const { database } = this.#parts.orders.store;
    const plan = await writeAlso(database, also, asPlan, async (transaction) => {
      const found = await getPlan(key, transaction.sql);
      holdToRevision(revision, found, `plan '${found.name}'`);
      return this.#startIn({ plan: found }, { queue, force, expected, isNew: false }, transaction);
    });
    return this.#started(plan);
  }

  /**
   * Makes a plan and starts it in one transaction, or neither. A plan that an earlier order with its request_id has started is
   * answered as it is.
   * @param permit of the caller for whom it is made
   * @throws as `createActionPlan` and `start`; then nothing was written
   */
  async createAndStart(
    wanted: WantedPlan,
    queue: boolean,
    expected: Expected,
    permit: Permit = PERMIT_ALL,
    also?: Also,
  ): Promise<ActionPlanRow> {
    const how = { queue, force: false, expected };
    const parts = partsAlso(this.#parts, also, (made) => asPlan(made as ActionPlanRow));
    const plan = await createActionPlan(wanted, parts, permit, async (made, transaction) => {
      if (made.plan.state !== 'RECOMMENDED') return made.plan;
      return this.#startIn(made, { ...how, isNew: made.audit !== undefined }, transaction);
    });
    return this.#started(plan, plan.startedAt !== null);
  }

  /** Starts a plan in a transaction; one that is too old is superseded instead. */
  async #startIn(made: MadePlan, how: HowToStart, transaction: Transaction): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    const { plan: found, audit } = made;
    const { queue, force, expected, isNew } = how;
    if (found.state === 'RECOMMENDED')
      await holdToExpected(
        expected,
        `plan '${found.name}'`,
        () => takesDownOfPlan(found, transaction.sql, queue),
        found.size,
      );
    if (found.state === 'RECOMMENDED') await refuseFrozen(found, this.#parts, transaction);
    if (!force && isTooOld(found, this.#parts)) return this.#supersede(found, transaction);
    const forced = force ? { forced: true, statusMessage: this.#whyForced(found) } : {};
    const patch = { ...forced, ...(await approvalOf(found, transaction.actor, this.#parts, transaction)) };
    const context = audit ? { plan: found, audit } : await contextOf(found, transaction.sql);
    const started = await startPlan(context, patch, transaction, store);
    if (!started) throw await this.#wrongState(found, 'start', transaction.sql);
    const blocker = await blockerOf(started.plan, transaction.sql);
    if (blocker === null) return launchPlan(started, transaction, store);
    if (!queue) throw overlaps(started.plan, blocker, isNew ? null : 'START_ACTION_PLAN');
    return started.plan;
  }

  /** What follows the commit of a start. @throws ACTION_PLAN_STATE for a plan that was too old, if it was not `done` already */
  async #started(plan: ActionPlanRow, done = false): Promise<ActionPlanRow> {
    if (plan.state === 'SUPERSEDED' && !done)
      throw await this.#wrongState(plan, 'start', this.#parts.orders.store.database.read);
    if (plan.state === 'ONGOING') await this.#look(plan);
    return plan;
  }

  /**
   * A second person agrees to a plan that waits for one: it is launched, or with `queue` waits behind the plans that it overlaps with.
   * One that the same person has approved is left as it is.
   * @throws ACTION_PLAN_NOT_FOUND, ACTION_PLAN_STATE, ACTION_PLAN_OVERLAPS, SECOND_PERSON_NEEDED, NODE_FROZEN, REVISION_MISMATCH; then
   *   nothing was written
   */
  async approve(key: string, decision: Decision & { readonly queue: boolean }, also?: Also): Promise<ActionPlanRow> {
    const { database } = this.#parts.orders.store;
    const plan = await writeAlso(database, also, asPlan, async (transaction) => {
      const found = await getPlan(key, transaction.sql);
      if (!waitsForApproval(found)) return decided('approve', found, this.#parts, transaction);
      if (isTooOld(found, this.#parts)) return this.#supersede(found, transaction);
      const context = await contextOf(found, transaction.sql);
      const approved = await approvePlan(context, decision, this.#parts, transaction);
      const blocker = await blockerOf(approved.plan, transaction.sql);
      if (blocker === null) return launchPlan(approved, transaction, this.#parts.orders.store);
      if (!decision.queue) throw overlaps(found, blocker, 'APPROVE_ACTION_PLAN');
      return approved.plan;
    });
    return this.#started(plan, plan.approval === 'GIVEN');
  }

  /**
   * A second person does not agree to a plan that waits for one: it is CANCELLED. One that the same person has rejected is left as it is.
   * @throws ACTION_PLAN_NOT_FOUND, ACTION_PLAN_STATE, SECOND_PERSON_NEEDED, REVISION_MISMATCH; then nothing was written
   */
  async reject(key: string, decision: Decision, also?: Also): Promise<ActionPlanRow> {
    const { database } = this.#parts.orders.store;
    return writeAlso(database, also, asPlan, async (transaction) => {
      const found = await getPlan(key, transaction.sql);
      if (!waitsForApproval(found)) return decided('drop', found, this.#parts, transaction);
      const patch = rejection(found, decision, this.#parts, transaction);
      return this.#drop(found, 'the plan was rejected before it ran', patch, transaction);
    });
  }

  #whyForced(plan: ActionPlanRow): string {
    return isTooOld(plan, this.#parts) ? `started by force: ${whyTooOld(this.#parts)}` : 'started by force';
  }

  async #supersede(plan: ActionPlanRow, transaction: Transaction): Promise<ActionPlanRow> {
    const [superseded] = await supersedePlans([plan], whyTooOld(this.#parts), transaction, this.#parts.orders.store);
    if (superseded === undefined) throw overtaken(`plan '${plan.name}'`);
    return superseded.plan;
  }

  /**
   * Cancels a plan: one that has not been launched is CANCELLED when this resolves, one that runs is CANCELLING, durably,
   * and everything that it has under way is being taken back. One that is being cancelled, or has been, is left as it is. With
   * `rollback`, what has run is undone as soon as everything is at rest.
   * @param expected the number of running nodes that the rollback has to take down, as it is now; null for any
   * @throws ACTION_PLAN_NOT_FOUND, ACTION_PLAN_STATE, TAKES_DOWN_MISMATCH; then nothing was written
   */
  async cancel(
    key: string,
    reason: string,
    rollback = false,
    expected: number | null = null,
    also?: Also,
  ): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    const statusMessage = reason === '' ? 'cancelled' : `cancelled: ${reason}`;
    const plan = await writeAlso(store.database, also, asPlan, async (transaction) => {
      const found = await getPlan(key, transaction.sql);
      if (wasCancelled(found, rollback)) return found;
      if (rollback && !found.rollsBack && !isPlanAtRest(found.state))
        await holdToExpected(expected, `the rollback of plan '${found.name}'`, () =>
          takesDownOfCancel(found, transaction.sql),
        );
      if (found.state === 'CANCELLING') return rollback ? askForRollback(found, transaction) : found;
      if (['RECOMMENDED', 'PENDING'].includes(found.state))
        return this.#drop(found, 'the plan was cancelled before it ran', { statusMessage }, transaction);
      const cancelDeadlineAt = store.clock.now() + this.#parts.planLimits.cancelDeadlineMs;
      const { actor } = transaction;
      const linkedTrace = actor?.trace ? textOfTrace(actor.trace) : null;
      const patch = { statusMessage, cancelDeadlineAt, rollsBack: rollback, linkedTrace };
      const context = await contextOf(found, transaction.sql);
      const moved = await movePlan('cancel', context, patch, transaction, store);
      if (!moved) throw await this.#wrongState(found, 'cancel', transaction.sql);
      return moved.plan;
    });
    await this.#look(plan);
    return plan;
  }

  /**
   * Makes the plan that undoes another, and runs it; or finds the one that this request_id made before.
   * @throws ACTION_PLAN_NOT_FOUND, ROLLBACK_REFUSED, ACTION_PLAN_OVERLAPS, NODE_FROZEN, REQUEST_ID_TAKEN, TAKES_DOWN_MISMATCH; then
   *   nothing was written
   */
  async rollback(order: RollbackOrder, also?: Also): Promise<ActionPlanRow> {
    const parts = partsAlso(this.#parts, also, (made) => asPlan(made as ActionPlanRow));
    const plan = await orderRollback(order, parts);
    await this.#look(plan);
    return plan;
  }

  /**
   * Deletes a plan that does not run and does not wait to: its rows stay for those who read its events.
   * @param revision the one that it has to be at; null for any
   * @throws ACTION_PLAN_NOT_FOUND, ACTION_PLAN_STATE, REVISION_MISMATCH
   */
  async delete(key: string, revision: number | null = null, also?: Also): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    return writeAlso(store.database, also, asPlan, async (transaction) => {
      const found = await getPlan(key, transaction.sql);
      holdToRevision(revision, found, `plan '${found.name}'`);
      const context = await contextOf(found, transaction.sql);
      await moveAllActions('delete', [context], {}, transaction, store);
      const moved = await movePlan('delete', context, {}, transaction, store);
      if (!moved) throw await this.#wrongState(found, 'delete', transaction.sql);
      // An audit that was asked for has a life of its own.
      if (moved.audit.requestId === null) await moveAudit('delete', moved.audit, {}, transaction, store);
      return moved.plan;
    });
  }

  /** A plan that never ran is over, and so are its actions. @throws OVERTAKEN */
  async #drop(
    plan: ActionPlanRow,
    statusMessage: string,
    patch: Partial<ActionPlanRow>,
    transaction: Transaction,
  ): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    const context = await contextOf(plan, transaction.sql);
    await moveAllActions('drop', [context], { statusMessage }, transaction, store);
    const dropped = await movePlan('drop', context, patch, transaction, store);
    if (dropped === null) throw overtaken(`plan '${plan.name}'`);
    return dropped.plan;
  }

  async #wrongState(plan: ActionPlanRow, verb: ActionPlanEvent, sql: Transaction['sql']): Promise<CountermandError> {
    return wrongState(plan, verb, await offersFor(plan, this.#parts, sql));
  }

  /**
   * Takes up a plan as its row stands: one that waits is launched if its turn has come, one that runs is run or told that it is
   * cancelled, and what waited for one at rest has its turn. Resolves after the first attempt; a fault of ours, the disk's for
   * example, only delays it.
   */
  async look(uuid: string): Promise<void> {
    await this.#goOn(uuid, async () => {
      const plan = await findPlan(uuid, this.#parts.orders.store.database.read);
      if (plan) await this.#takeUp(plan);
    });
  }

  /** As `look`, of a plan whose row was just written. */
  async #look(plan: ActionPlanRow): Promise<void> {
    if (ACTION_PLAN_RUNNING.includes(plan.state)) this.#runOn(plan);
    else await this.#goOn(plan.uuid, () => this.#takeUp(plan));
  }

  async #takeUp(plan: ActionPlanRow): Promise<void> {
    if (plan.state === 'PENDING') return this.#launch(plan.uuid);
    if (ACTION_PLAN_RUNNING.includes(plan.state)) this.#runOn(plan);
    if (isPlanAtRest(plan.state)) await this.#pass(plan);
  }

  async #launch(uuid: string): Promise<void> {
    const { orders } = this.#parts;
    const { store } = orders;
    const found = await store.database.write(async (transaction) => {
      const plan = await getPlan(uuid, transaction.sql);
      if (plan.state !== 'PENDING') return { plan };
      if (isTooOld(plan, this.#parts)) return { plan: await this.#supersede(plan, transaction) };
      if (await blockerOf(plan, transaction.sql)) return { plan };
      const frozen = waitsForApproval(plan) ? null : await frozenOf(plan, orders, transaction.sql);
      if (frozen) return { plan, frozen };
      return { plan: await launchPlan(await contextOf(plan, transaction.sql), transaction, store) };
    });
    if (found.frozen) this.#frozen.hold(found.plan, found.frozen);
    else if (found.plan.state === 'ONGOING') this.#runOn(found.plan);
  }

  /** Launches all whose turn has come, now and whenever a plan that was superseded is in no other plan's way. */
  async #followTheQueue(): Promise<void> {
    const { orders, shutdown } = this.#parts;
    const { database } = orders.store;
    const changes = database.feed.watch('left the queue', shutdown);
    try {
      for (const plan of await this.#busyWith(() => listPlansIn(['PENDING'], database.read))) await this.#look(plan);
      for await (const change of changes) if (change.kind === 'plan') await this.#look(change.plan);
    } finally {
      await changes.return(undefined);
    }
  }

  /** A plan at rest keeps no other waiting. One that was rolled back goes on by the plan that undoes it. */
  async #pass({ uuid, rolledBackBy }: ActionPlanRow): Promise<void> {
    const { read } = this.#parts.orders.store.database;
    const rollback = rolledBackBy === null ? null : await findPlan(rolledBackBy, read);
    if (rollback && ACTION_PLAN_RUNNING.includes(rollback.state)) this.#runOn(rollback);
    for (const next of await listNextInLine(uuid, read)) await this.#launch(next.uuid);
  }

  /** Runs a plan to its end, and then takes up what follows from that; or tells its run that it is cancelled. */
  #runOn(plan: ActionPlanRow): void {
    const { uuid } = plan;
    if (plan.state === 'CANCELLING') this.#runs.get(uuid)?.cancelled(plan);
    if (this.#runs.has(uuid)) return;
    this.#insist('a plan could not go on', { plan: uuid }, async () => {
      const run = new PlanRun(uuid, this.#parts);
      this.#runs.set(uuid, run);
      let ended: ActionPlanRow;
      try {
        ended = await run.run();
      } catch (thrown) {
        this.#runs.set(uuid, null);
        throw thrown;
      }
      this.#runs.delete(uuid);
      void this.#look(ended);
    });
  }
}

const asPlan = (plan: ActionPlanRow): Touched => ({ plan });
