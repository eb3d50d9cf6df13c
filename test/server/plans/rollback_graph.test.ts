/** In which order a plan is undone: what depended on an action, through whatever lies between, is undone before it. */
import test from 'ava';
import { undoActions } from '../../../src/server/plans/rollback.ts';
import type { WantedAction } from '../../../src/server/plans/wanted.ts';
import { seededChance } from '../../world/chance.ts';

type Undoings = Parameters<typeof undoActions>[0];

/** An action by its parents, and whether it has changed something. */
interface Each {
  readonly name: string;
  readonly parents: readonly string[];
  readonly changed: boolean;
  readonly ofInstance?: boolean;
}

function undoingsOf(plan: readonly Each[]): Undoings {
  const ranks = new Map<string, number>();
  return plan.map(({ name, parents, changed, ofInstance = false }) => {
    const rank = parents.reduce((most, parent) => Math.max(most, (ranks.get(parent) ?? 0) + 1), 0);
    ranks.set(name, rank);
    const action = { uuid: name, name, parents, rank, nodeUuid: name, actionType: 'change_node_power_state' };
    const order = { order: 1, what: 'power on', actionType: action.actionType, inputParameters: {}, drift: null };
    const undo = changed ? { kind: 'action', ...order, needsService: ofInstance } : { kind: 'nothing', why: 'nothing' };
    return { action, node: null, undo } as unknown as Undoings[number];
  });
}

/** What comes before each of these, directly or not. */
function allBefore(actions: readonly { readonly name: string; readonly parents: readonly string[] }[]) {
  const before = new Map<string, Set<string>>();
  const parentsOf = new Map(actions.map(({ name, parents }) => [name, parents]));
  const find = (name: string): Set<string> => {
    const known = before.get(name);
    if (known) return known;
    const found = new Set<string>();
    before.set(name, found);
    for (const parent of parentsOf.get(name) ?? []) for (const each of [parent, ...find(parent)]) found.add(each);
    return found;
  };
  for (const { name } of actions) find(name);
  return before;
}

const changedOf = (plan: readonly Each[]): ReadonlySet<string> =>
  new Set(plan.filter((each) => each.changed).map(({ name }) => name));

/** Pairs of what is undone: the second before the first. */
function pairsOf(actions: readonly WantedAction[], plan: readonly Each[]): string[] {
  const changed = changedOf(plan);
  const pairs = [...allBefore(actions)].flatMap(([name, before]) =>
    changed.has(name) ? [...before].filter((each) => changed.has(each)).map((each) => `${name} after ${each}`) : [],
  );
  return pairs.sort();
}

function wantedPairs(plan: readonly Each[]): string[] {
  const changed = changedOf(plan);
  const pairs = [...allBefore(plan)].flatMap(([name, before]) =>
    changed.has(name) ? [...before].filter((each) => changed.has(each)).map((each) => `${each} after ${name}`) : [],
  );
  return pairs.sort();
}

const parentsIn = (actions: readonly WantedAction[]): number =>
  actions.reduce((sum, { parents }) => sum + parents.length, 0);

const layer = (name: string, size: number, parents: readonly string[], changed = true): Each[] =>
  Array.from({ length: size }, (_, at) => ({ name: `${name}${at}`, parents, changed }));
const namesOf = (all: readonly Each[]): string[] => all.map(({ name }) => name);

/** Nodes, a pause, nodes. */
function twoStages(size: number): Each[] {
  const first = layer('a', size, []);
  return [...first, ...layer('pause', 1, namesOf(first), false), ...layer('b', size, ['pause0'])];
}

test('a pause between a few is looked through', (t) => {
  const plan = twoStages(3);
  const actions = undoActions(undoingsOf(plan));
  t.is(actions.length, 6);
  t.deepEqual(pairsOf(actions, plan), wantedPairs(plan));
});

test('a pause between many stays, as a nop', (t) => {
  const plan = twoStages(120);
  const actions = undoActions(undoingsOf(plan));
  const nop = actions.find(({ name }) => name === 'pause0');
  t.like(nop, { actionType: 'nop', undoes: 'pause0' });
  t.deepEqual(nop?.inputParameters, { message: "stands for 'pause0', which needs no undoing" });
  t.is(actions.length, 241);
  t.is(parentsIn(actions), 240);
  t.deepEqual(pairsOf(actions, plan), wantedPairs(plan));
});

test('the largest plan, of two halves with a row of pauses between them, is undone with as many parents as it has itself', (t) => {
  const first = layer('a', 20_000, []);
  const pauses = Array.from({ length: 10_000 }, (_, at) => ({
    name: `p${at}`,
    parents: at === 0 ? namesOf(first) : [`p${at - 1}`],
    changed: false,
  }));
  const plan = [...first, ...pauses, ...layer('b', 20_000, ['p9999'])];
  const actions = undoActions(undoingsOf(plan));
  t.true(parentsIn(actions) <= 50_000);
  t.true(actions.length <= 40_002);
});

test('what nothing that is undone waits for does not stay', (t) => {
  const idle = layer('idle', 200, [], false);
  const plan = [...idle, ...layer('pause', 1, namesOf(idle), false), ...layer('b', 120, ['pause0'])];
  t.is(undoActions(undoingsOf(plan)).length, 120);
});

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
  test(`layers with pauses between them are undone in their reverse order, seed ${seed}`, (t) => {
    const chance = seededChance(seed);
    const plan: Each[] = [];
    let last: readonly string[] = [];
    for (let depth = 0; depth < 6; depth += 1) {
      const changed = depth % 2 === 0;
      const now = layer(`l${depth}-`, changed ? 150 : 3, [], changed).map((each) => ({
        ...each,
        parents: last.filter(() => chance.fraction() < 0.7),
      }));
      plan.push(...now);
      last = namesOf(now);
    }
    const actions = undoActions(undoingsOf(plan));
    t.true(actions.some(({ actionType }) => actionType === 'nop'));
    t.deepEqual(pairsOf(actions, plan), wantedPairs(plan));
  });

test('instances are not waited for, so what is undone beside them is linked one by one, up to a limit', (t) => {
  const plan = twoStages(120);
  const withInstance = (all: readonly Each[]): Each[] => [
    ...all,
    { name: 'vm', parents: [], changed: true, ofInstance: true },
  ];
  t.is(undoActions(undoingsOf(withInstance(plan))).length, 241);
  const error = t.throws(() => undoActions(undoingsOf(withInstance(twoStages(720)))), {
    code: 'ACTION_PLAN_INVALID',
  } as never);
  t.regex(error.message, /more than 500000 parents; undo it by plans of your own/);
});
