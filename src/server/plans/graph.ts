/** Plans as graphs: what depends on what. Pure functions over actions by their places in a list. */
import { failAt } from '../../core/errors.ts';

/** An action as its graph sees it. */
export interface Named {
  readonly name: string;
  /** Names of the actions that must be done before it. */
  readonly parents: readonly string[];
}

/** A checked graph. */
export interface Graph {
  /** The places of each action's parents. */
  readonly parents: readonly (readonly number[])[];
  /** The places of each action's children. */
  readonly children: readonly (readonly number[])[];
  /** The length of the longest way to each action from one without parents. */
  readonly ranks: readonly number[];
}

/**
 * The graph of named actions.
 * @throws ACTION_PLAN_INVALID for a name that stands twice, a parent that does not exist, or a cycle, naming the place
 */
export function buildGraph(actions: readonly Named[]): Graph {
  const places = placesOf(actions);
  const parents = actions.map((action, at) => parentsOf(action, at, places));
  const children: number[][] = actions.map(() => []);
  for (const [at, own] of parents.entries()) for (const parent of own) children[parent]?.push(at);
  return { parents, children, ranks: ranksOf(actions, parents, children) };
}

function placesOf(actions: readonly Named[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [at, { name }] of actions.entries()) {
    const first = places.get(name);
    if (first !== undefined)
      throw failAt(
        'ACTION_PLAN_INVALID',
        `actions[${at}].name`,
        `actions[${at}].name: '${name}' is the name of actions[${first}] already`,
      );
    places.set(name, at);
  }
  return places;
}

function parentsOf({ name, parents }: Named, at: number, places: ReadonlyMap<string, number>): number[] {
  const found = parents.map((parent, index) => {
    const place = places.get(parent);
    if (place !== undefined) return place;
    throw failAt(
      'ACTION_PLAN_INVALID',
      `actions[${at}].parents[${index}]`,
      `actions[${at}] '${name}', parents[${index}]: there is no action '${parent}' in this plan`,
    );
  });
  return [...new Set(found)];
}

/** Ranks by Kahn's algorithm: what is never reached lies on a cycle, or behind one. */
function ranksOf(actions: readonly Named[], parents: Graph['parents'], children: readonly number[][]): number[] {
  const waiting = parents.map((own) => own.length);
  const ranks = actions.map(() => 0);
  const ready = waiting.flatMap((count, at) => (count === 0 ? [at] : []));
  let done = 0;
  for (const at of ready) {
    done += 1;
    for (const child of children[at] ?? []) {
      ranks[child] = Math.max(ranks[child] ?? 0, (ranks[at] ?? 0) + 1);
      waiting[child] = (waiting[child] ?? 0) - 1;
      if (waiting[child] === 0) ready.push(child);
    }
  }
  if (done < actions.length)
    throw failAt(
      'ACTION_PLAN_INVALID',
      'actions',
      `actions: the parents form a cycle: ${cycleOf(actions, parents, waiting)}`,
    );
  return ranks;
}

/** One cycle, in words. From any action that was never reached, its unreached parents lead into one. */
function cycleOf(actions: readonly Named[], parents: Graph['parents'], waiting: readonly number[]): string {
  const stuck = (at: number): boolean => (waiting[at] ?? 0) > 0;
  let at = waiting.findIndex((count) => count > 0);
  const visited = new Set<number>();
  while (!visited.has(at)) {
    visited.add(at);
    at = parents[at]?.find(stuck) ?? at;
  }
  const way = [...visited];
  const cycle = [...way.slice(way.indexOf(at)), at].map((place) => `'${actions[place]?.name}'`);
  return cycle.length > 12
    ? `${cycle.slice(0, 10).join(' needs ')} needs ... needs ${cycle.at(-1)}`
    : cycle.join(' needs ');
}

/** Places in reverse dependency order: an action comes before everything that it depends on. */
export function reverseOrder(actions: readonly { readonly rank: number; readonly position: number }[]): number[] {
  const places = actions.map((_, at) => at);
  const rank = (at: number): number => actions[at]?.rank ?? 0;
  const position = (at: number): number => actions[at]?.position ?? 0;
  return places.sort((one, other) => rank(other) - rank(one) || position(other) - position(one));
}
