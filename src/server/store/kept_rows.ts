/**
 * Rows that are kept in memory as the database has them, so that what is written again and again is not read each time.
 * That works because this process alone writes, one transaction after the other. Only writes fill it, never reads: nothing
 * that was read before a write can replace what was written.
 */
import { ACTION_PLAN_RUNNING, isActionUnsettled, isAtRest } from '../../core/states.ts';
import type { Change } from './feed.ts';
import type { KeptRows } from './kept.ts';
import type { ActionPlanRow, ActionRow } from './plan_rows.ts';
import type { KnownDriver, NodeRow, PowerTaskRow } from './rows.ts';

/** What is kept, by kind. */
interface Rows {
  readonly node: NodeRow;
  readonly task: PowerTaskRow;
  readonly driver: KnownDriver;
  readonly plan: ActionPlanRow;
  readonly action: ActionRow;
}

type Kind = keyof Rows;
const KINDS: readonly Kind[] = ['node', 'task', 'driver', 'plan', 'action'];

/** By kind, then by uuid, or by name; null stands for a row that is kept no more, and hides what lies below. */
type Layer = { readonly [Each in Kind]: Map<string, Rows[Each] | null> };

const newLayer = (): Layer => ({
  node: new Map(),
  task: new Map(),
  driver: new Map(),
  plan: new Map(),
  action: new Map(),
});

/** The rows that one database keeps. What a transaction has written is seen in it alone until it is committed. */
export class Kept {
  readonly #committed = newLayer();
  /** Written by earlier members of the group that is being committed. */
  readonly #group = newLayer();
  /** Written by the member whose turn it is. */
  readonly #own = newLayer();

  /** As everybody sees it. */
  readonly committed: KeptRows = viewOf((kind, key) => this.#committed[kind].get(key) ?? undefined);
  /** As the transaction sees it that is under way. */
  readonly uncommitted: KeptRows = viewOf((kind, key) => {
    const own = this.#own[kind].get(key);
    if (own !== undefined) return own ?? undefined;
    const group = this.#group[kind].get(key);
    if (group !== undefined) return group ?? undefined;
    return this.#committed[kind].get(key) ?? undefined;
  });

  /** Keeps what a change has left. */
  take(change: Change): void {
    const { node, task, driver } = this.#own;
    if (change.kind === 'node') node.set(change.node.uuid, change.deleted ? null : change.node);
    if (change.kind === 'task') task.set(change.task.uuid, isAtRest(change.task.state) ? null : change.task);
    if (change.kind === 'plan') this.#takePlan(change.plan, change.actions);
    if (change.kind === 'driver')
      driver.set(change.drivers.name, change.drivers.rows.length === 0 ? null : change.drivers);
  }

  #takePlan(plan: ActionPlanRow, actions: readonly ActionRow[]): void {
    const known = this.uncommitted.plan(plan.uuid);
    // What is told of actions may carry their plan as it was before.
    if (!known || known.revision <= plan.revision)
      this.#own.plan.set(plan.uuid, ACTION_PLAN_RUNNING.includes(plan.state) ? plan : null);
    for (const action of actions)
      this.#own.action.set(action.uuid, hasBegun(action) && isActionUnsettled(action.state) ? action : null);
  }

  /** The member whose turn it was is through, or what it did was undone. */
  endOne(done: boolean): void {
    for (const kind of KINDS) {
      const own = this.#own[kind];
      // Most write rows of one kind or none, and to clear a map costs as much as to fill it.
      if (own.size === 0) continue;
      if (done) for (const [key, row] of own) put(this.#group, kind, key, row);
      own.clear();
    }
  }

  /** The group is committed, or all of it was undone. */
  endGroup(done: boolean): void {
    for (const kind of KINDS) {
      const [group, own] = [this.#group[kind], this.#own[kind]];
      if (done)
        for (const [key, row] of group) {
          // Nothing lies below that it could hide.
          if (row === null) this.#committed[kind].delete(key);
          else put(this.#committed, kind, key, row);
        }
      if (group.size > 0) group.clear();
      if (own.size > 0) own.clear();
    }
  }
}

function put<K extends Kind>(layer: Layer, kind: K, key: string, row: Rows[K] | null): void {
  layer[kind].set(key, row);
}

const hasBegun = ({ state }: ActionRow): boolean => state !== 'PENDING';

/** Finds a row of a kind by its key. */
type Find = <K extends Kind>(kind: K, key: string) => Rows[K] | undefined;

function viewOf(find: Find): KeptRows {
  return {
    node: (uuid) => find('node', uuid),
    task: (uuid) => find('task', uuid),
    driver: (name) => find('driver', name),
    plan: (uuid) => find('plan', uuid),
    action: (uuid) => find('action', uuid),
  };
}

/** The same rows, with `check` called before each is looked up: what it throws is thrown. */
export function checkedRows(rows: KeptRows, check: () => void): KeptRows {
  const checked =
    <Key extends string[], Row>(find: (...key: Key) => Row) =>
    (...key: Key): Row => {
      check();
      return find(...key);
    };
  return {
    node: checked(rows.node),
    task: checked(rows.task),
    driver: checked(rows.driver),
    plan: checked(rows.plan),
    action: checked(rows.action),
  };
}
