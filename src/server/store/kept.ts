/**
 * Rows that are kept in memory as the database has them, so that what is written again and again is not read each time.
 * That works because this process alone writes, one transaction after the other. Only writes fill it, never readings: so
 * nothing that was read before a write can take the place of what was written.
 */
import type { Knex } from 'knex';
import { ACTION_PLAN_RUNNING, isActionUnsettled, isAtRest } from '../../core/states.ts';
import type { Change } from './feed.ts';
import type { ActionPlanRow, ActionRow } from './plan_rows.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from './rows.ts';

/** What can be looked up: undefined means that the database must be asked. */
export interface KeptRows {
  node(uuid: string): NodeRow | undefined;
  /** Unsettled power tasks only. */
  task(uuid: string): PowerTaskRow | undefined;
  driver(zone: string, name: string): DriverRow | undefined;
  /** Plans that run, and are not at rest. */
  plan(uuid: string): ActionPlanRow | undefined;
  /** Actions that have begun, and are not at rest. */
  action(uuid: string): ActionRow | undefined;
}

type Row = NodeRow | PowerTaskRow | DriverRow | ActionPlanRow | ActionRow;

/** By kind and key; null stands for a row that is kept no more, and hides what lies below. */
type Layer = Map<string, Row | null>;

const driverKey = (zone: string, name: string): string => `driver ${zone} ${name}`;

/** The rows that one database keeps. What a transaction has written is seen in it alone until it is committed. */
export class Kept {
  readonly #committed: Layer = new Map();
  /** Written by earlier members of the group that is being committed. */
  readonly #group: Layer = new Map();
  /** Written by the member whose turn it is. */
  readonly #own: Layer = new Map();

  /** As everybody sees it. */
  readonly committed: KeptRows = viewOf((key) => this.#committed.get(key) ?? undefined);
  /** As the transaction sees it that is under way. */
  readonly uncommitted: KeptRows = viewOf((key) => {
    for (const layer of [this.#own, this.#group, this.#committed]) {
      const row = layer.get(key);
      if (row !== undefined) return row ?? undefined;
    }
    return undefined;
  });

  /** Keeps what a change has left. */
  take(change: Change): void {
    if (change.kind === 'node') this.#own.set(`node ${change.node.uuid}`, change.deleted ? null : change.node);
    if (change.kind === 'task')
      this.#own.set(`task ${change.task.uuid}`, isAtRest(change.task.state) ? null : change.task);
    if (change.kind === 'plan') this.#takePlan(change.plan, change.actions);
    if (change.kind === 'driver') this.#own.set(driverKey(change.driver.zone, change.driver.name), change.driver);
  }

  #takePlan(plan: ActionPlanRow, actions: readonly ActionRow[]): void {
    const known = this.uncommitted.plan(plan.uuid);
    // What is told of actions may carry their plan as it was before.
    if (!known || known.revision <= plan.revision)
      this.#own.set(`plan ${plan.uuid}`, ACTION_PLAN_RUNNING.includes(plan.state) ? plan : null);
    for (const action of actions)
      this.#own.set(`action ${action.uuid}`, hasBegun(action) && isActionUnsettled(action.state) ? action : null);
  }

  /** The member whose turn it was is through, or what it did was undone. */
  endOne(done: boolean): void {
    if (done) for (const [key, row] of this.#own) this.#group.set(key, row);
    this.#own.clear();
  }

  /** The group is committed, or all of it was undone. */
  endGroup(done: boolean): void {
    if (done)
      for (const [key, row] of this.#group) {
        if (row === null) this.#committed.delete(key);
        else this.#committed.set(key, row);
      }
    this.#group.clear();
    this.#own.clear();
  }
}

const hasBegun = ({ state }: ActionRow): boolean => state !== 'PENDING';

function viewOf(find: (key: string) => Row | undefined): KeptRows {
  return {
    node: (uuid) => find(`node ${uuid}`) as NodeRow | undefined,
    task: (uuid) => find(`task ${uuid}`) as PowerTaskRow | undefined,
    driver: (zone, name) => find(driverKey(zone, name)) as DriverRow | undefined,
    plan: (uuid) => find(`plan ${uuid}`) as ActionPlanRow | undefined,
    action: (uuid) => find(`action ${uuid}`) as ActionRow | undefined,
  };
}

const views = new WeakMap<Knex, KeptRows>();

/** Says what is kept of the rows that are reached through `sql`. */
export function keepBehind(sql: Knex, rows: KeptRows): void {
  views.set(sql, rows);
}

const NOTHING = viewOf(() => undefined);

/** What is kept of the rows that are reached through `sql`. */
export function keptBehind(sql: Knex): KeptRows {
  return views.get(sql) ?? NOTHING;
}

/** What is kept of an action, and of its plan. */
export function keptActionBehind(
  sql: Knex,
  uuid: string,
): { readonly action: ActionRow | undefined; readonly plan: ActionPlanRow | undefined } {
  const kept = keptBehind(sql);
  const action = kept.action(uuid);
  return { action, plan: action && kept.plan(action.planUuid) };
}
