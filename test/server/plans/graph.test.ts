import test from 'ava';
import fc from 'fast-check';
import { SENT_LIMITS } from '../../../src/core/limits.ts';
import { buildGraph, type Named, reverseOrder } from '../../../src/server/plans/graph.ts';

const named = (name: string, ...parents: string[]): Named => ({ name, parents });
const INVALID = 'ACTION_PLAN_INVALID';
const ACTIONS_LIMIT = SENT_LIMITS.actions.limit;

test('a graph knows parents and children by place, each once, and how deep each action lies', (t) => {
  const graph = buildGraph([named('d', 'b', 'c', 'b'), named('b', 'a'), named('c', 'b'), named('a'), named('alone')]);
  t.deepEqual(graph.parents, [[1, 2], [3], [1], [], []]);
  t.deepEqual(graph.children, [[], [0, 2], [0], [1], []]);
  t.deepEqual(graph.ranks, [3, 1, 2, 0, 0]);
});

test('what is wrong with a graph is said with its place', (t) => {
  t.throws(() => buildGraph([named('a'), named('b'), named('a')]), {
    code: INVALID,
    message: "actions[2].name: 'a' is the name of actions[0] already",
  });
  t.throws(() => buildGraph([named('a'), named('b', 'a', 'nobody')]), {
    code: INVALID,
    message: "actions[1] 'b', parents[1]: there is no action 'nobody' in this plan",
  });
  t.throws(() => buildGraph([named('a'), named('b', 'b')]), {
    code: INVALID,
    message: "actions: the parents form a cycle: 'b' needs 'b'",
  });
  t.throws(() => buildGraph([named('behind', 'a'), named('a', 'b', 'start'), named('b', 'a'), named('start')]), {
    code: INVALID,
    message: "actions: the parents form a cycle: 'a' needs 'b' needs 'a'",
  });
});

test('a cycle through the largest plan is found, and named in a sentence that can be read', (t) => {
  const ring = Array.from({ length: ACTIONS_LIMIT }, (_, at) => named(`a${at}`, `a${(at + 1) % ACTIONS_LIMIT}`));
  const error = t.throws(() => buildGraph(ring), { code: INVALID });
  t.regex(
    error?.message ?? '',
    /^actions: the parents form a cycle: 'a0' needs 'a1' needs .* needs \.\.\. needs 'a0'$/,
  );
  t.true((error?.message.length ?? 0) < 300);
});

test('the largest plans are ranked: a chain, and a fan', (t) => {
  const chain = Array.from({ length: ACTIONS_LIMIT }, (_, at) =>
    at === 0 ? named('a0') : named(`a${at}`, `a${at - 1}`),
  );
  t.is(buildGraph(chain).ranks.at(-1), ACTIONS_LIMIT - 1);
  t.is(buildGraph([...chain].reverse()).ranks[0], ACTIONS_LIMIT - 1);
  const fan = Array.from({ length: ACTIONS_LIMIT }, (_, at) => (at === 0 ? named('root') : named(`a${at}`, 'root')));
  t.is(buildGraph(fan).children[0]?.length, ACTIONS_LIMIT - 1);
});

/** Actions named by number, each with parents among those before it, then shuffled. */
const dags = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.tuple(fc.array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: count, maxLength: count }), fc.nat()),
  )
  .map(([picks, turn]) => {
    const actions = picks.map((own, at) => named(`${at}`, ...own.filter((parent) => parent < at).map(String)));
    const cut = turn % actions.length;
    return [...actions.slice(cut), ...actions.slice(0, cut)];
  });

test('ranks are the longest way, however the actions are written; in reverse order nothing comes after its ancestors', (t) => {
  const property = fc.property(dags, (actions) => {
    const graph = buildGraph(actions);
    const depth = (at: number): number => Math.max(-1, ...(graph.parents[at] ?? []).map(depth)) + 1;
    t.deepEqual(
      graph.ranks,
      actions.map((_, at) => depth(at)),
    );
    const order = reverseOrder(graph.ranks.map((rank, position) => ({ rank, position })));
    t.deepEqual(
      [...order].sort((one, other) => one - other),
      actions.map((_, at) => at),
    );
    for (const [at, parents] of graph.parents.entries())
      for (const parent of parents) t.true(order.indexOf(at) < order.indexOf(parent));
  });
  fc.assert(property);
});

test('a cycle that is named is one, wherever it lies', (t) => {
  const property = fc.property(dags, fc.nat(), fc.nat(), (actions, one, other) => {
    const from = actions[one % actions.length] as Named;
    const to = actions[other % actions.length] as Named;
    const closed = actions.map((action) => {
      if (action === from) return { ...action, parents: [...action.parents, to.name] };
      return action === to ? { ...action, parents: [...action.parents, from.name] } : action;
    });
    const error = t.throws(() => buildGraph(closed), { code: INVALID });
    const cycle = [...(error?.message ?? '').matchAll(/'(\d+)'/g)].map(([, name]) => name as string);
    t.true(cycle.length > 1 && cycle[0] === cycle.at(-1), error?.message);
    for (const [at, name] of cycle.slice(0, -1).entries())
      t.true(closed.find((action) => action.name === name)?.parents.includes(cycle[at + 1] as string), error?.message);
  });
  fc.assert(property);
});
