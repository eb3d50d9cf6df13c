/** A plan as its stream has told it so far. Each message costs what it brings, however large the plan is. */
import { isPlanAtRest, type ActionPlanState as StateName } from '../../core/states.ts';
import { type Action, type ActionPlan, ActionPlanState, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import { enumName } from '../shared/words.ts';

/** A message of a stream: the plan as it is, and actions that were not told yet as they are. */
export interface PlanMessage {
  readonly actionPlan?: ActionPlan | undefined;
  readonly actions?: readonly Action[];
}

/** True for a plan that nothing more happens to by itself. */
export function planHasEnded({ state }: ActionPlan): boolean {
  return isPlanAtRest(enumName(ActionPlanState, state) as StateName);
}

/** True for an action that is done and lets its children begin. */
function isDone({ state }: Action): boolean {
  return state === ActionState.SUCCEEDED || state === ActionState.SKIPPED;
}

/** True for an action that runs, also while it is being aborted. */
export function isRunning({ state }: Action): boolean {
  return state === ActionState.ONGOING || state === ActionState.CANCELLING;
}

/** True for an action that was cancelled before it began. */
export function neverBegan({ state, startedAt }: Action): boolean {
  return state === ActionState.CANCELLED && startedAt === undefined;
}

/** What is known of one plan. */
export class PlanView {
  #plan: ActionPlan;
  readonly #actions = new Map<string, Action>();
  readonly #counts = new Map<ActionState, number>();
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  #neverBegan = 0;

  constructor(plan: ActionPlan) {
    this.#plan = plan;
  }

  /** Takes a message in; answers the actions that it brought. */
  take({ actionPlan, actions = [] }: PlanMessage): readonly Action[] {
    this.#plan = actionPlan ?? this.#plan;
    for (const action of actions) this.#takeAction(action);
    return actions;
  }

  #takeAction(action: Action): void {
    const { uuid, state } = action;
    const before = this.#actions.get(uuid);
    if (before) this.#counts.set(before.state, this.count(before.state) - 1);
    this.#counts.set(state, this.count(state) + 1);
    if (neverBegan(action) && !(before && neverBegan(before))) this.#neverBegan += 1;
    this.#actions.set(uuid, action);
    if (state === ActionState.PENDING) this.#waiting.add(uuid);
    else this.#waiting.delete(uuid);
    if (isRunning(action)) this.#running.add(uuid);
    else this.#running.delete(uuid);
  }

  get plan(): ActionPlan {
    return this.#plan;
  }

  /** True once every action has been told. */
  get isComplete(): boolean {
    return this.#actions.size >= this.#plan.size;
  }

  /** How many actions have been told. */
  get known(): number {
    return this.#actions.size;
  }

  /** How many actions are in a state. */
  count(state: ActionState): number {
    return this.#counts.get(state) ?? 0;
  }

  /** How many succeeded, or had nothing to do. */
  get done(): number {
    return this.count(ActionState.SUCCEEDED) + this.count(ActionState.SKIPPED);
  }

  /** How many run, also while they are being aborted. */
  get running(): number {
    return this.#running.size;
  }

  /** How many were cancelled before they began. */
  get neverBegan(): number {
    return this.#neverBegan;
  }

  /** How many have ended. */
  get ended(): number {
    return this.#actions.size - this.#waiting.size - this.#running.size;
  }

  /** What runs: the longest first. */
  *runningActions(): Generator<Action> {
    for (const uuid of this.#running) yield this.#actions.get(uuid) as Action;
  }

  /** What waits: in the order in which it was written. */
  *waitingActions(): Generator<Action> {
    for (const uuid of this.#waiting) yield this.#actions.get(uuid) as Action;
  }

  /** All actions, in the order in which they were written. */
  actions(): Iterable<Action> {
    return this.#actions.values();
  }

  /** The parents of an action that are not done. */
  missingParents({ parents }: Action): Action[] {
    return parents.flatMap((uuid) => {
      const parent = this.#actions.get(uuid);
      return parent && !isDone(parent) ? [parent] : [];
    });
  }
}

/** The first `limit`, and how many there are beyond. */
export function firstOf<T>(items: Iterable<T>, limit: number, total: number): { first: T[]; more: number } {
  const first: T[] = [];
  for (const item of items) {
    if (first.length === limit) break;
    first.push(item);
  }
  return { first, more: total - first.length };
}
