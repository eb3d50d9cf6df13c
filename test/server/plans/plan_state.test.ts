/** The bookkeeping of a running plan, against a model that is slow and obvious. */

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ACTION_DONE, type ActionState, isActionUnsettled } from '../../../src/core/states.ts';
import { buildGraph } from '../../../src/server/plans/graph.ts';
import { type PlanRules, PlanState } from '../../../src/server/plans/plan_state.ts';
import type { ActionNode } from '../../../src/server/store/actions.ts';

const isDone = (state: ActionState): boolean => ACTION_DONE.includes(state);
const isRunning = (state: ActionState): boolean => state === 'ONGOING' || state === 'CANCELLING';

/** Every answer from the states alone, by looking at all actions each time. */
class Model {
  readonly nodes: readonly ActionNode[];
  readonly rules: PlanRules;
  readonly states: Map<string, ActionState>;

  constructor(nodes: readonly ActionNode[], rules: PlanRules) {
    this.nodes = nodes;
    this.rules = rules;
    this.states = new Map(nodes.map(({ uuid, state }) => [uuid, state]));
  }

  stateOf = (uuid: string): ActionState => this.states.get(uuid) as ActionState;

  all(wanted: (state: ActionState) => boolean): string[] {
    return this.nodes.map(({ uuid }) => uuid).filter((uuid) => wanted(this.stateOf(uuid)));
  }

  ancestors(uuid: string): string[] {
    const own = this.nodes.find((node) => node.uuid === uuid)?.parents ?? [];
    return [...new Set(own.flatMap((parent) => [parent, ...this.ancestors(parent)]))];
  }

  get stops(): boolean {
    const failed = this.all((state) => state === 'FAILED').length > 0;
    return failed && (this.rules.onFailure === 'STOP' || this.all(isDone).length < this.rules.canary);
  }

  /** What might begin, were there room. */
  get ready(): string[] {
    if (this.stops) return [];
    return this.all((state) => state === 'PENDING').filter((uuid) =>
      (this.nodes.find((node) => node.uuid === uuid)?.parents ?? []).every((parent) => isDone(this.stateOf(parent))),
    );
  }

  get room(): number {
    const begun = this.all((state) => state !== 'PENDING' && state !== 'CANCELLED').length;
    const canaries = this.all(isDone).length < this.rules.canary ? this.rules.canary - begun : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.rules.maxParallel - this.all(isRunning).length, canaries));
  }

  /** What can never begin any more. */
  get lost(): string[] {
    const pending = this.all((state) => state === 'PENDING');
    const isLost = (uuid: string): boolean =>
      this.ancestors(uuid).some((parent) => ['FAILED', 'CANCELLED'].includes(this.stateOf(parent)));
    return this.stops ? pending : pending.filter(isLost);
  }

  /** The bookkeeping as a conductor that starts now would build it. */
  rebuilt(): PlanState {
    return new PlanState(
      this.nodes.map((node) => ({ ...node, state: this.stateOf(node.uuid) })),
      this.rules,
    );
  }
}

const plans = fc
  .record({
    picks: fc.array(fc.array(fc.nat(11), { maxLength: 3 }), { minLength: 1, maxLength: 10 }),
    maxParallel: fc.integer({ min: 1, max: 4 }),
    canary: fc.integer({ min: 0, max: 3 }),
    onFailure: fc.constantFrom('STOP' as const, 'CONTINUE' as const),
    limit: fc.integer({ min: 1, max: 5 }),
    choices: fc.infiniteStream(fc.nat(999)),
  })
  .map(({ picks, ...rest }) => {
    const actions = picks.map((own, at) => ({
      name: `${at}`,
      parents: [...new Set(own.filter((parent) => parent < at))].map(String),
    }));
    const { ranks } = buildGraph(actions);
    const nodes = actions.map(({ name, parents }, position): ActionNode => {
      return { uuid: name, name, parents, position, rank: ranks[position] ?? 0, state: 'PENDING' };
    });
    return { ...rest, canary: Math.min(rest.canary, nodes.length), nodes };
  });

/** One run of a plan: chance says what begins how, what ends how, and whether it is cancelled. */
class Walk {
  readonly model: Model;
  readonly state: PlanState;
  readonly #choices: Iterator<number>;
  cancelled = false;

  constructor(nodes: readonly ActionNode[], rules: PlanRules, choices: Iterator<number>) {
    this.model = new Model(nodes, rules);
    this.state = this.model.rebuilt();
    this.#choices = choices;
  }

  /** A whole number below `count`. */
  choose(count: number): number {
    return (this.#choices.next().value as number) % count;
  }

  move(uuid: string, to: ActionState): void {
    this.model.states.set(uuid, to);
    this.state.moved(uuid, to);
  }

  begin(uuids: readonly string[]): void {
    for (const uuid of uuids)
      this.move(uuid, (['ONGOING', 'ONGOING', 'SKIPPED', 'FAILED'] as const)[this.choose(4)] ?? 'ONGOING');
  }

  endOne(): void {
    const running = this.model.all(isRunning);
    const uuid = running[this.choose(Math.max(1, running.length))];
    if (uuid === undefined) return;
    const cancelling = this.model.stateOf(uuid) === 'CANCELLING';
    const ends = cancelling
      ? (['CANCELLED', 'SUCCEEDED', 'FAILED'] as const)
      : (['SUCCEEDED', 'SUCCEEDED', 'FAILED'] as const);
    this.move(uuid, ends[this.choose(3)] ?? 'FAILED');
  }

  cancel(): string[] {
    this.cancelled = true;
    const swept = this.state.unsettledInReverse();
    for (const uuid of swept) this.move(uuid, this.model.stateOf(uuid) === 'PENDING' ? 'CANCELLED' : 'CANCELLING');
    return swept;
  }
}

const sorted = (uuids: readonly string[]): string[] => [...uuids].sort();

/** Before anything begins, the engine asks what is lost; the rows alone must say the same. */
function checkDrops(t: ExecutionContext, { model, state }: Walk): number {
  const lost = model.lost;
  const fromRows = model.rebuilt().droppable();
  const dropped = state.droppable();
  t.deepEqual(sorted(dropped), sorted(lost));
  t.deepEqual(fromRows, dropped);
  checkReverse(t, model, dropped);
  for (const uuid of dropped) {
    model.states.set(uuid, 'CANCELLED');
    state.moved(uuid, 'CANCELLED');
  }
  t.deepEqual(state.droppable(), []);
  t.deepEqual(model.rebuilt().droppable(), []);
  return dropped.length;
}

function checkStart(t: ExecutionContext, { model, state }: Walk, most: number): string[] {
  const { ready, room } = model;
  const starting = state.startable(most);
  t.deepEqual(state.startable(most), starting, 'asked again it says the same');
  t.is(starting.length, Math.min(most, room, ready.length));
  t.true(starting.every((uuid) => ready.includes(uuid)));
  t.is(new Set(starting).size, starting.length);
  const fromRows = model.rebuilt().startable(most);
  t.is(fromRows.length, starting.length);
  t.true(fromRows.every((uuid) => ready.includes(uuid)));
  t.true(starting.length > 0 || model.all(isRunning).length > 0 || most === 0 || state.isSettled, 'it is stuck');
  return starting;
}

function checkReverse(t: ExecutionContext, model: Model, uuids: readonly string[]): void {
  for (const [at, uuid] of uuids.entries())
    t.false(
      model.ancestors(uuid).some((parent) => uuids.slice(0, at).includes(parent)),
      `${uuid} comes after what it depends on: ${uuids}`,
    );
}

function checkBooks(t: ExecutionContext, model: Model, state: PlanState): void {
  const rebuilt = model.rebuilt();
  for (const books of [state, rebuilt]) {
    t.is(books.isSettled, model.all(isActionUnsettled).length === 0);
    t.deepEqual(sorted(books.running()), sorted(model.all(isRunning)));
    t.deepEqual(sorted(books.unsettledInReverse()), sorted(model.all(isActionUnsettled)));
  }
  for (const { uuid } of model.nodes) t.is(state.stateOf(uuid), model.stateOf(uuid));
  t.is(state.count('FAILED'), model.all((own) => own === 'FAILED').length);
}

test('whatever happens to a plan: it begins what may begin, drops what is lost, and comes to rest', (t) => {
  const seen = { dropped: 0, cancelled: 0, canaryFailed: 0, succeeded: 0 };
  const property = fc.property(plans, ({ nodes, limit, choices, ...rules }) => {
    const walk = new Walk(nodes, rules, choices[Symbol.iterator]());
    const { model, state } = walk;
    for (let step = 0; !state.isSettled; step += 1) {
      t.true(step < 200, 'it never comes to rest');
      if (!walk.cancelled) seen.dropped += checkDrops(t, walk);
      if (!walk.cancelled && walk.choose(20) === 0) {
        checkReverse(t, model, walk.cancel());
        seen.cancelled += 1;
        continue;
      }
      const starting = walk.cancelled ? [] : checkStart(t, walk, limit);
      if (starting.length > 0 && walk.choose(3) > 0) walk.begin(starting.slice(0, 1 + walk.choose(starting.length)));
      else walk.endOne();
      t.true(model.all(isRunning).length <= rules.maxParallel);
      checkBooks(t, model, state);
    }
    t.deepEqual(model.all(isActionUnsettled), []);
    if (model.all((own) => own === 'FAILED').length > 0 && model.all(isDone).length < rules.canary)
      seen.canaryFailed += 1;
    if (model.all(isDone).length === nodes.length) seen.succeeded += 1;
  });
  fc.assert(property, { numRuns: 2000 });
  for (const [what, count] of Object.entries(seen)) t.true(count > 50, `${what}: ${count}`);
});

test('what a cancel marks: reverse dependency order, and of those that do not depend on each other what runs first', (t) => {
  const states: Record<string, ActionState> = {
    a: 'ONGOING',
    b: 'PENDING',
    c: 'SUCCEEDED',
    d: 'ONGOING',
    e: 'PENDING',
    f: 'PENDING',
  };
  const nodes = Object.entries(states).map(([uuid, state], position) => ({
    uuid,
    name: uuid,
    state,
    position,
    rank: uuid === 'f' ? 1 : 0,
    parents: uuid === 'f' ? ['a'] : [],
  }));
  const state = new PlanState(nodes, { maxParallel: 2, canary: 0, onFailure: 'STOP' });
  t.deepEqual(state.unsettledInReverse(), ['f', 'd', 'a', 'e', 'b']);
});
