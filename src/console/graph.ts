/** Where the actions of a plan stand in its picture: a column for each step of the way, parents to the left. */
import type { Action } from '../gen/countermand/v1/action_plan.ts';

/** What the picture needs to know of an action. */
type Drawn = Pick<Action, 'uuid' | 'parents' | 'position'>;

/** An action in the picture. */
export interface Box<T extends Drawn> {
  readonly action: T;
  readonly column: number;
  readonly row: number;
}

/** The picture. */
interface Graph<T extends Drawn> {
  readonly boxes: readonly Box<T>[];
  readonly edges: readonly (readonly [from: Box<T>, to: Box<T>])[];
  readonly columns: number;
  /** The height of the highest column. */
  readonly rows: number;
}

/** The actions of each column: one more than the longest way from an action without parents. In a column, as they were written. */
export function columnsOf<T extends Drawn>(actions: readonly T[]): readonly (readonly T[])[] {
  const columns: T[][] = [];
  const depths = depthsOf(actions);
  for (const action of actions.toSorted((one, other) => one.position - other.position)) {
    const depth = depths.get(action.uuid) ?? 0;
    while (columns.length <= depth) columns.push([]);
    columns[depth]?.push(action);
  }
  return columns;
}

/** Level by level, so that a chain of 50,000 actions needs no deep stack. What stands in a circle, which no plan has, is left at 0. */
function depthsOf<T extends Drawn>(actions: readonly T[]): Map<string, number> {
  const present = new Set(actions.map(({ uuid }) => uuid));
  const children = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const { uuid, parents } of actions) {
    const before = parents.filter((parent) => present.has(parent));
    open.set(uuid, before.length);
    for (const parent of before) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [uuid]);
      else known.push(uuid);
    }
  }
  const depths = new Map<string, number>();
  let level = actions.filter(({ uuid }) => open.get(uuid) === 0).map(({ uuid }) => uuid);
  for (let depth = 0; level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const uuid of level) {
      depths.set(uuid, depth);
      for (const child of children.get(uuid) ?? []) {
        const left = (open.get(child) ?? 0) - 1;
        open.set(child, left);
        if (left === 0) next.push(child);
      }
    }
    level = next;
  }
  return depths;
}

/** The picture of these actions. */
export function graphOf<T extends Drawn>(actions: readonly T[]): Graph<T> {
  const columns = columnsOf(actions);
  const boxes = columns.flatMap((column, at) => column.map((action, row) => ({ action, column: at, row })));
  const byUuid = new Map(boxes.map((box) => [box.action.uuid, box]));
  const edges = boxes.flatMap((to) =>
    to.action.parents.flatMap((parent) => {
      const from = byUuid.get(parent);
      return from === undefined ? [] : [[from, to] as const];
    }),
  );
  return { boxes, edges, columns: columns.length, rows: Math.max(0, ...columns.map(({ length }) => length)) };
}
