/**
 * The migrations as PostgreSQL runs them: the one list, except for the three that only SQLite can run. A database of PostgreSQL
 * has none of the rows for which those that are listed here were written.
 */
import type { Knex } from 'knex';
import { up as databaseOwner } from '../migrations/0008_database_owner.ts';
import { MIGRATIONS, type Migration } from '../migrations/list.ts';

const INSTEAD: Readonly<Record<string, Migration['up']>> = {
  // Lists cost nothing here.
  '0006_checks_without_lists': async () => {},
  // How many commits there were: by that a conductor finds out whether one was done whose answer was lost.
  '0008_database_owner': async (knex) => {
    await databaseOwner(knex);
    await knex.schema.alterTable('database_owner', (table) =>
      table.bigInteger('last_write').notNullable().defaultTo(0),
    );
  },
  '0011_database_id': async (knex) => {
    await knex.schema.createTable('database_id', (table) => table.string('id', 32).notNullable());
    await knex.raw("insert into database_id (id) values (replace(gen_random_uuid()::text, '-', ''))");
  },
};

/** Every migration, in order. After each, columns are what they are in SQLite. */
export const POSTGRES_MIGRATIONS: readonly Migration[] = MIGRATIONS.map(({ name, up }) => ({
  name,
  async up(knex) {
    await (INSTEAD[name] ?? up)(knex);
    await asInSqlite(knex);
  },
}));

const OTHERWISE = `
  select table_name as "table", column_name as "column", data_type = 'integer' as "whole"
  from information_schema.columns
  where table_schema = current_schema() and table_name not like 'knex_%'
    and (data_type in ('character varying', 'integer') or (data_type = 'text' and collation_name is distinct from 'C'))
  order by table_name, ordinal_position`;

/** Text of any length, ordered by code point whatever the language of the database; whole numbers up to 2^53. */
async function asInSqlite(knex: Knex): Promise<void> {
  const { rows } = (await knex.raw(OTHERWISE)) as { rows: { table: string; column: string; whole: boolean }[] };
  for (const [table, columns] of Map.groupBy(rows, (row) => row.table)) {
    const changes = columns.map(({ whole }) => `alter column ?? type ${whole ? 'bigint' : 'text collate "C"'}`);
    await knex.raw(`alter table ?? ${changes.join(', ')}`, [table, ...columns.map(({ column }) => column)]);
  }
}
