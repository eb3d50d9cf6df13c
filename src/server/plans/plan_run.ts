/**
 * One plan while it runs or is being cancelled. It goes on in turns: each turn is one transaction that writes what has
 * ended, what a failure or a cancel leaves, what begins, and the end of the plan if that was all. It looks at the plan's
 * row in that transaction, so nothing begins after the plan has left ONGOING. After a crash it is built from the rows.
 */

import { fail } from '../../core/errors.ts';
import { type Cancellation, onAbort, openCancellation } from '../../core/signals.ts';
import { ACTION_TABLE, rowOf } from '../../core/states.ts';
import { getActions, listFailures, readGraph } from '../store/actions.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import { getContext, type PlanContext } from '../store/plans.ts';
import { beginMove, type Ended, Execution, endMove, openTakingBack } from './execution.ts';
import type { PlanParts } from './parts.ts';
import { PlanState } from './plan_state.ts';
import { rollBackAtEnd } from './rollback_order.ts';
import { type ActionMove, moveActions, movePlan } from './transition.ts';

/** How many actions are moved in one turn: enough to pay for the commit; others can write in between, and little memory is used. */
const TURN_LIMIT = 200;
/**
 * How many of the actions that run are marked in one turn of a cancel. The aborts of all of them are written beside the turns: were the marks
 * spread over as many turns, the last would wait for most of the aborts.
 */
const MARKS_LIMIT = 1000;

/** One running plan. */
export class PlanRun {
  readonly #planUuid: string;
  readonly #parts: PlanParts;
  readonly #cancellation: Cancellation;
  readonly #executions = new Map<string, Execution>();
  /** As it was when this run began, and then as its cancel has written it. */
  #plan: ActionPlanRow | null = null;
  #state: PlanState = new PlanState([], { maxParallel: 0, canary: 0, onFailure: 'STOP' });
  /** What has ended and is not written yet. */
  #ended: Ended[] = [];
  /** What is left to be written off or marked, in reverse dependency order. */
  #sweep: string[] = [];
  /** Aborted when what cannot be taken back is given up. */
  #cancel: Cancellation | null = null;
  #wake: () => void = () => {};
  #woken = false;
  #waiting = false;

  constructor(planUuid: string, parts: PlanParts) {
    this.#planUuid = planUuid;
    this.#parts = parts;
    this.#cancellation = openCancellation([parts.shutdown]);
    onAbort(this.#cancellation.signal, () => this.#wakeUp());
  }

  /** True unless it waits for an action to end. */
  get busy(): boolean {
    return !this.#waiting || this.#woken;
  }

  /**
   * Runs the plan until it is at rest, and resolves with it.
   * @throws SHUTTING_DOWN, and whatever the database throws: then a new run goes on from the rows
   */
  async run(): Promise<ActionPlanRow> {
    try {
      await this.#load();
      for (;;) {
        const plan = await this.#turn();
        if (plan.endedAt !== null) return plan;
        await this.#untilWoken();
        this.#cancellation.signal.throwIfAborted();
      }
    } finally {
      // Actions whose run has gone wrong stop waiting; nothing is taken back.
      this.#cancellation.abort(fail('SHUTTING_DOWN', 'the run of the plan has ended'));
      this.#cancellation.end();
      this.#cancel?.end();
    }
  }

  /** The cancel of this plan was committed: everything that runs is taken back at once. */
  cancelled(plan: ActionPlanRow): void {
    // A run that is still being built has nothing to take back yet. Its first turn reads the row.
    if (this.#plan === null) return;
    this.#beginCancel(plan);
    this.#wakeUp();
  }

  async #load(): Promise<void> {
    const { read } = this.#parts.orders.store.database;
    const { plan } = await getContext(this.#planUuid, read);
    const graph = await readGraph(this.#planUuid, read);
    this.#state = new PlanState(graph, plan);
    this.#plan = plan;
    const running = await getActions(this.#state.running(), read);
    if (plan.state === 'CANCELLING') this.#beginCancel(plan);
    for (const action of running) this.#execute(action);
  }

  /** One transaction, then what follows from it. */
  async #turn(): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    const moves = this.#takeMoves();
    const beginning = await this.#prepare(TURN_LIMIT - moves.length);
    const { plan, began } = await store.database.write(async (transaction) => {
      const context = await getContext(this.#planUuid, transaction.sql);
      const mayBegin = context.plan.state === 'ONGOING' ? beginning : [];
      const rows = await moveActions([...moves, ...mayBegin], context, transaction, store);
      const beginningNow = new Set(mayBegin.map(({ uuid }) => uuid));
      return {
        plan: this.#state.isSettled ? await this.#end(context, transaction) : context.plan,
        began: rows.filter(({ uuid }) => beginningNow.has(uuid)),
      };
    });
    for (const row of began) this.#begun(row);
    // A turn takes a limited number, and one that was skipped makes room for another.
    if (!this.#cancel && this.#state.startable(1).length > 0) this.#wakeUp();
    if (plan.state === 'CANCELLING') this.#beginCancel(plan);
    return plan;
  }

  /**
   * The moves of what has ended and of what will never begin. The bookkeeping has them before the database: if the write fails,
   * the run fails with it, and the next run builds its bookkeeping from the rows.
   */
  #takeMoves(): ActionMove[] {
    const ended = this.#takeEnded();
    const moves = ended.map((each) => endMove(each, this.#state.stateOf(each.uuid)));
    for (const { event, uuid } of moves) this.#state.moved(uuid, rowOf(ACTION_TABLE, event).to);
    if (!this.#cancel) this.#sweep.push(...this.#state.droppable());
    for (const uuid of this.#sweep.splice(0, this.#sweepLimit())) {
      const event = this.#sweepEvent(uuid);
      if (event === null) continue;
      moves.push({ event, uuid, patch: { statusMessage: this.#whySwept() } });
      this.#state.moved(uuid, rowOf(ACTION_TABLE, event).to);
    }
    // The ends of aborts can be written once the sweep has passed them.
    if (this.#sweep.length > 0 || this.#ended.length > 0) this.#wakeUp();
    return moves;
  }

  /** What has ended and can be written now: the end of an abort waits until the abort itself stands in the row. */
  #takeEnded(): Ended[] {
    const taken: Ended[] = [];
    const left: Ended[] = [];
    for (const each of this.#ended) {
      const fits = !each.aborted || this.#state.stateOf(each.uuid) === 'CANCELLING';
      (fits && taken.length < TURN_LIMIT ? taken : left).push(each);
    }
    this.#ended = left;
    return taken;
  }

  /** What runs stands at the head of the sweep, where the order of the plan allows it. */
  #sweepLimit(): number {
    const head = this.#sweep.slice(0, MARKS_LIMIT);
    const waits = head.findIndex((uuid) => this.#state.stateOf(uuid) === 'PENDING');
    return Math.max(TURN_LIMIT, waits === -1 ? head.length : waits);
  }

  #sweepEvent(uuid: string): 'drop' | 'cancel' | null {
    const state = this.#state.stateOf(uuid);
    if (state === 'PENDING') return 'drop';
    return state === 'ONGOING' && this.#cancel ? 'cancel' : null;
  }

  #whySwept(): string {
    return this.#cancel ? 'the plan was cancelled' : 'it was not begun: an action of the plan failed';
  }

  /** How each action that may begin would begin. */
  async #prepare(limit: number): Promise<ActionMove[]> {
    if (this.#cancel) return [];
    const startable = this.#state.startable(limit);
    const rows = await getActions(startable, this.#parts.orders.store.database.read);
    const actions = new Map(rows.map((row) => [row.uuid, row]));
    const moves = await Promise.all(
      startable.map((uuid) => beginMove(this.#contextOf(actions.get(uuid) as ActionRow))),
    );
    // One that is refused is a failure: what may begin beside it is asked again when that is written.
    const refused = moves.some(({ event }) => event === 'refuse');
    return refused ? moves.filter(({ event }) => event !== 'start') : moves;
  }

  /** An action was begun, and that is committed. It may be over already: skipped, or refused by its precondition. */
  #begun(action: ActionRow): void {
    this.#state.moved(action.uuid, action.state);
    if (action.state === 'ONGOING') this.#execute(action);
    else this.#wakeUp();
  }

  #execute(action: ActionRow): void {
    const tell = (ended: Ended): void => {
      this.#executions.delete(action.uuid);
      this.#ended.push(ended);
      this.#wakeUp();
    };
    const execution = new Execution(this.#contextOf(action), tell, this.#cancellation.signal);
    this.#executions.set(action.uuid, execution);
    if (this.#cancel) execution.abort(this.#plan as ActionPlanRow, this.#cancel.signal);
    else execution.begin();
  }

  #contextOf(action: ActionRow) {
    return { action, plan: this.#plan as ActionPlanRow, parts: this.#parts };
  }

  #beginCancel(plan: ActionPlanRow): void {
    if (this.#cancel) return;
    this.#plan = plan;
    const afterMs = (plan.cancelDeadlineAt ?? 0) - this.#parts.orders.store.clock.now();
    this.#cancel = openTakingBack(afterMs, this.#parts, this.#cancellation.signal);
    this.#sweep = this.#state.unsettledInReverse();
    for (const execution of this.#executions.values()) execution.abort(plan, this.#cancel.signal);
    this.#wakeUp();
  }

  /** Everything is at rest, so the plan is. */
  async #end(context: PlanContext, transaction: Transaction): Promise<ActionPlanRow> {
    const { store } = this.#parts.orders;
    const { plan } = context;
    const cancelled = plan.state === 'CANCELLING';
    const { first, count } = await listFailures(plan.uuid, cancelled, transaction.sql);
    const failure = first ? failureOf(first, count) : null;
    const said = [cancelled ? plan.statusMessage : '', failure?.errorMessage ?? '', this.#summary()];
    const rollbackUntil = store.clock.now() + this.#parts.planLimits.rollbackWindowMs;
    const patch = { statusMessage: said.filter((part) => part !== '').join('; '), rollbackUntil, ...failure };
    const event = failure ? (cancelled ? 'cancel_fail' : 'fail') : cancelled ? 'cancel_end' : 'succeed';
    const ended = await movePlan(event, context, patch, transaction, store);
    if (ended === null) return plan;
    const rollsBack = cancelled ? plan.rollsBack : event === 'fail' && plan.onFailure === 'ROLLBACK';
    const rollback = rollsBack ? await rollBackAtEnd(ended, transaction, store) : null;
    return { ...ended.plan, rolledBackBy: rollback?.uuid ?? ended.plan.rolledBackBy };
  }

  /** How many actions have which outcome, for people. */
  #summary(): string {
    const counted = (['SUCCEEDED', 'SKIPPED', 'CANCELLED', 'FAILED'] as const)
      .map((state) => [state.toLowerCase(), this.#state.count(state)] as const)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `${count} ${state}`);
    return `actions: ${counted.join(', ')}`;
  }

  #wakeUp(): void {
    this.#woken = true;
    this.#wake();
  }

  async #untilWoken(): Promise<void> {
    this.#waiting = true;
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#waiting = false;
    this.#woken = false;
  }
}

/** What a plan says of the first of its actions that failed. */
function failureOf(action: ActionRow, count: number) {
  const others = count > 1 ? `, and ${count - 1} more failed` : '';
  const errorMessage = `action '${action.name}' failed: ${action.errorMessage}${others}`;
  return { errorCode: 'ACTION_FAILED' as const, errorMessage };
}
