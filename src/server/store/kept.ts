/**
 * Rows that an implementation keeps in memory as the database has them. Look-ups by uuid ask here first; an implementation that
 * keeps nothing leaves it empty.
 */
import type { Knex } from 'knex';
import type { ActionPlanRow, ActionRow } from './plan_rows.ts';
import type { KnownDriver, NodeRow, PowerTaskRow } from './rows.ts';

/** What can be looked up: undefined means that the database must be asked. */
export interface KeptRows {
  node(uuid: string): NodeRow | undefined;
  /** Unsettled power tasks only. */
  task(uuid: string): PowerTaskRow | undefined;
  driver(name: string): KnownDriver | undefined;
  /** Plans that run, and are not at rest. */
  plan(uuid: string): ActionPlanRow | undefined;
  /** Actions that have begun, and are not at rest. */
  action(uuid: string): ActionRow | undefined;
}

const views = new WeakMap<Knex, KeptRows>();

/** Says what is kept of the rows that are reached through `sql`. */
export function keepBehind(sql: Knex, rows: KeptRows): void {
  views.set(sql, rows);
}

const NOTHING: KeptRows = {
  node: () => undefined,
  task: () => undefined,
  driver: () => undefined,
  plan: () => undefined,
  action: () => undefined,
};

/** What is kept of the rows that are reached through `sql`. */
export function keptBehind(sql: Knex): KeptRows {
  return views.get(sql) ?? NOTHING;
}
