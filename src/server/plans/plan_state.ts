/**
 * Where a plan's actions stand, in memory: what may begin, what runs, what a failure or a cancel leaves. Pure bookkeeping
 * over the graph, built from the rows; each question costs no more than what has changed since the last one.
 */

import { ACTION_DONE, type ActionState, isActionUnsettled } from '../../core/states.ts';
import type { ActionNode } from '../store/actions.ts';
import type { FailurePolicy } from '../store/plan_rows.ts';
import { reverseOrder } from './graph.ts';

/** How a plan wants to be run. */
export interface PlanRules {
  readonly maxParallel: number;
  readonly canary: number;
  readonly onFailure: FailurePolicy;
}

/** The bookkeeping of one plan. Inside, actions are known by their places in the list. */
export class PlanState {
  readonly #nodes: readonly ActionNode[];
  readonly #rules: PlanRules;
  readonly #places = new Map<string, number>();
  readonly #children: number[][];
  /** How many parents of each action are not done. */
  readonly #waitingFor: number[];
  readonly #states: ActionState[];
  /** Those that may begin, in the order in which they became so; what has begun since is passed over. */
  readonly #ready: number[] = [];
  #counts = { unsettled: 0, running: 0, begun: 0, done: 0, failed: 0 };
  /** Failures that `droppable` has not looked behind yet. */
  #newFailures: number[] = [];
  #stopped = false;

  constructor(nodes: readonly ActionNode[], rules: PlanRules) {
    this.#nodes = nodes;
    this.#rules = rules;
    for (const [at, { uuid }] of nodes.entries()) this.#places.set(uuid, at);
    this.#states = nodes.map(({ state }) => state);
    this.#children = nodes.map(() => []);
    this.#waitingFor = nodes.map(({ parents }, at) => this.#linkParents(parents, at));
    for (const [at, { state }] of nodes.entries()) {
      this.#count(state, 1);
      if (state === 'FAILED') this.#newFailures.push(at);
      if (state === 'PENDING' && this.#waitingFor[at] === 0) this.#ready.push(at);
    }
  }

  #linkParents(parents: readonly string[], at: number): number {
    const places = parents.map((uuid) => this.#places.get(uuid) as number);
    for (const parent of places) this.#children[parent]?.push(at);
    return places.filter((parent) => !ACTION_DONE.includes(this.#states[parent] as ActionState)).length;
  }

  #count(state: ActionState, by: 1 | -1): void {
    if (isActionUnsettled(state)) this.#counts.unsettled += by;
    if (state === 'ONGOING' || state === 'CANCELLING') this.#counts.running += by;
    if (state !== 'PENDING' && state !== 'CANCELLED') this.#counts.begun += by;
    if (ACTION_DONE.includes(state)) this.#counts.done += by;
    if (state === 'FAILED') this.#counts.failed += by;
  }

  /** True if nothing runs and nothing will. */
  get isSettled(): boolean {
    return this.#counts.unsettled === 0;
  }

  /** The state of an action. */
  stateOf(uuid: string): ActionState {
    return this.#states[this.#places.get(uuid) as number] as ActionState;
  }

  /** The uuids of the actions that run. */
  running(): string[] {
    return this.#uuids((state) => state === 'ONGOING' || state === 'CANCELLING');
  }

  /** How many actions are in a state. */
  count(state: ActionState): number {
    return this.#states.filter((own) => own === state).length;
  }

  /**
   * What may begin now, at most `limit`: no more than there is room for, and nothing once a failure says stop. Asked
   * again before anything has begun, it gives the same answer.
   */
  startable(limit: number): string[] {
    if (this.#stops()) return [];
    const { maxParallel, canary } = this.#rules;
    const { running, begun, done } = this.#counts;
    const canariesLeft = done < canary ? canary - begun : Number.POSITIVE_INFINITY;
    const room = Math.min(limit, maxParallel - running, canariesLeft);
    const chosen: number[] = [];
    while (chosen.length < room) {
      const at = this.#ready.shift();
      if (at === undefined) break;
      if (this.#states[at] === 'PENDING') chosen.push(at);
    }
    this.#ready.unshift(...chosen);
    return chosen.map((at) => this.#uuid(at));
  }

  /** What will never begin because of failures that are new since the last call, in reverse dependency order. */
  droppable(): string[] {
    if (this.#newFailures.length === 0 || this.#stopped) return [];
    const failures = this.#newFailures;
    this.#newFailures = [];
    this.#stopped = this.#stops();
    if (this.#stopped) return this.unsettledInReverse().filter((uuid) => this.stateOf(uuid) === 'PENDING');
    return this.#inReverse([...this.#behind(failures)]);
  }

  /** Every action that runs or may yet run, in reverse dependency order; of those that do not depend on each other, what runs first. */
  unsettledInReverse(): string[] {
    return this.#inReverse(this.#states.flatMap((state, at) => (isActionUnsettled(state) ? [at] : [])));
  }

  /** An action was moved. */
  moved(uuid: string, state: ActionState): void {
    const at = this.#places.get(uuid) as number;
    this.#count(this.#states[at] as ActionState, -1);
    this.#count(state, 1);
    this.#states[at] = state;
    if (state === 'FAILED') this.#newFailures.push(at);
    if (!ACTION_DONE.includes(state)) return;
    for (const child of this.#children[at] ?? []) this.#parentDone(child);
  }

  #parentDone(at: number): void {
    this.#waitingFor[at] = (this.#waitingFor[at] ?? 0) - 1;
    if (this.#waitingFor[at] === 0 && this.#states[at] === 'PENDING') this.#ready.push(at);
  }

  /** After a failure nothing more begins: by policy, or because a canary has failed. */
  #stops(): boolean {
    if (this.#counts.failed === 0) return false;
    return this.#stopped || this.#rules.onFailure !== 'CONTINUE' || this.#counts.done < this.#rules.canary;
  }

  #behind(failures: readonly number[]): Set<number> {
    const behind = new Set<number>();
    const stack = failures.flatMap((at) => this.#children[at] ?? []);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (behind.has(at) || this.#states[at] !== 'PENDING') continue;
      behind.add(at);
      stack.push(...(this.#children[at] ?? []));
    }
    return behind;
  }

  /** Where a server is being changed, a client hears first that it is taken back, and of the thousands that wait later. */
  #inReverse(places: readonly number[]): string[] {
    const runs = (at: number): boolean => this.#states[at] !== 'PENDING';
    const orders = places.map((at) => {
      const { rank } = this.#nodes[at] as ActionNode;
      return { rank, position: runs(at) ? this.#nodes.length + at : at };
    });
    return reverseOrder(orders).map((at) => this.#uuid(places[at] as number));
  }

  #uuids(wanted: (state: ActionState) => boolean): string[] {
    return this.#nodes.filter((_, at) => wanted(this.#states[at] as ActionState)).map(({ uuid }) => uuid);
  }

  #uuid(at: number): string {
    return (this.#nodes[at] as ActionNode).uuid;
  }
}
