/** Copies all rows of one database into another one, whatever engine each is of. */
import type { Knex } from 'knex';
import { type CountermandError, fail } from '../../core/errors.ts';
import type { Database } from './database.ts';
import { portionsOf, ROWS_AT_ONCE } from './portions.ts';

type Key = readonly string[];

/**
 * Every table with what belongs to an installation, and the columns by which its rows are ordered, as its primary key has them; null:
 * the rows are few. Who owns a database, which conductors stand on it, and which migrations it has, is its own.
 */
const TABLES: Readonly<Record<string, Key | null>> = {
  database_id: null,
  nodes: ['uuid'],
  power_tasks: ['uuid'],
  agents: ['uuid'],
  drivers: null,
  audit_templates: ['uuid'],
  audits: ['uuid'],
  action_plans: ['uuid'],
  actions: ['uuid'],
  plan_nodes: ['plan_uuid', 'node_uuid'],
  model_changes: ['revision'],
  events: ['sequence'],
  tokens: ['uuid'],
  sealing_key: null,
  trail: ['sequence'],
  freezes: ['uuid'],
  sinks: ['uuid'],
  reported_messages: ['message_id'],
  compute_services: ['cloud', 'host'],
};

/** What a database has that nothing was ever written to. */
const OF_NO_ROWS: readonly string[] = ['database_id', 'sealing_key'];

/** A database that is open, and can be copied into. */
export interface CopyTarget {
  readonly database: Database;
  /** In words, without the password. */
  readonly where: string;
  /** Lets the database number new rows after those that were copied with their numbers. */
  readonly continueNumbers: (sql: Knex) => Promise<void>;
}

/**
 * Copies all rows, with their numbers and the id of the database, in one transaction.
 * @returns how many rows of each table were copied
 * @throws DATABASE_REFUSED if the target has rows already, or cannot store one of the source: then nothing is written
 */
export async function copyDatabase(from: Database, to: CopyTarget): Promise<ReadonlyMap<string, number>> {
  return to.database.write(async ({ sql }) => {
    await refuseRows(to.where, sql);
    const copied = await copyRows(from.read, sql);
    await to.continueNumbers(sql);
    return copied;
  });
}

/**
 * Copies all rows, with their numbers and the id of the database, into one that has none.
 * @param to a transaction, which the caller ends
 * @returns how many rows of each table were copied
 */
export async function copyRows(from: Knex, to: Knex): Promise<ReadonlyMap<string, number>> {
  for (const table of OF_NO_ROWS) await to(table).delete();
  const copied = new Map<string, number>();
  for (const [table, key] of Object.entries(TABLES)) copied.set(table, await copyTable(table, key, from, to));
  return copied;
}

async function refuseRows(where: string, sql: Knex): Promise<void> {
  for (const table of Object.keys(TABLES).filter((name) => !OF_NO_ROWS.includes(name)))
    if (await sql(table).first())
      throw fail('DATABASE_REFUSED', `${where} has ${table} already; nothing was written; name an empty one`);
}

async function copyTable(table: string, key: Key | null, from: Knex, to: Knex): Promise<number> {
  let count = 0;
  for await (const rows of key === null ? [await from(table)] : pagesOf(table, key, from)) {
    for (const part of portionsOf(rows, ROWS_AT_ONCE))
      await to(table)
        .insert(part)
        .catch((thrown) => {
          throw withNul(table, key, part) ?? thrown;
        });
    count += rows.length;
  }
  return count;
}

/** Why rows are refused of which one has a text that PostgreSQL cannot store, as SQLite can; null if none has. */
function withNul(table: string, key: Key | null, rows: readonly Record<string, unknown>[]): CountermandError | null {
  for (const row of rows)
    for (const [column, value] of Object.entries(row)) {
      if (typeof value !== 'string' || !value.includes('\0')) continue;
      const which = (key ?? []).map((name) => ` ${name} ${row[name]}`).join();
      return fail(
        'DATABASE_REFUSED',
        `${table}${which}: ${column} contains the character NUL, which the copy cannot store; nothing was written; change it in the source, and copy again`,
      );
    }
  return null;
}

async function* pagesOf(table: string, key: Key, from: Knex): AsyncGenerator<Record<string, unknown>[]> {
  const columns = key.map(() => '??').join();
  const values = key.map(() => '?').join();
  let last: Record<string, unknown> | undefined;
  do {
    const page = from(table)
      .orderBy([...key])
      .limit(ROWS_AT_ONCE);
    const rows: Record<string, unknown>[] = await (last === undefined
      ? page
      : page.whereRaw(`(${columns}) > (${values})`, [...key, ...valuesOf(key, last)]));
    if (rows.length > 0) yield rows;
    last = rows[ROWS_AT_ONCE - 1];
  } while (last !== undefined);
}

const valuesOf = (key: Key, row: Record<string, unknown>) => key.map((column) => row[column] as string);
