/** Databases as earlier versions left them. */
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import createKnex, { type Knex } from 'knex';
import { MIGRATIONS, type Migration } from '../../../src/server/store/migrations/list.ts';
import { newFolder } from '../../counterparts/folder.ts';

/** A data folder as the version left it whose last migration was number `last`, with what `fill` puts into it. */
export async function oldFolder(
  last: number,
  fill: (knex: Knex) => Promise<void>,
  t: ExecutionContext,
): Promise<string> {
  const folder = await newFolder(t);
  const knex = createKnex({
    client: 'better-sqlite3',
    connection: { filename: join(folder, 'countermand.db') },
    useNullAsDefault: true,
  });
  const migrationSource: Knex.MigrationSource<Migration> = {
    getMigrations: async () => MIGRATIONS.slice(0, last),
    getMigrationName: ({ name }) => name,
    getMigration: async ({ up }) => ({ up, down: async () => {} }),
  };
  await knex.migrate.latest({ migrationSource });
  await fill(knex);
  await knex.destroy();
  return folder;
}

/** Rows that one statement inserts. */
const AT_ONCE = 50;

/** Inserts rows as the version stored them that has no column for what came later. */
export async function insertOld(
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  knex: Knex,
): Promise<void> {
  const columns = await knex(table).columnInfo();
  const known = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name in columns)));
  await knex.batchInsert(table, known, AT_ONCE);
}
