/** The schema of a new database of SQLite, as the migrations leave it. */
import type BetterSqlite3 from 'better-sqlite3';
import { connect } from '../../src/server/store/sqlite/file.ts';
import { migrate } from '../../src/server/store/sqlite/migrate.ts';

/** The statements, in their order; what SQLite makes by itself is left out. */
const OWN =
  "select sql from sqlite_schema where sql is not null and name not like 'sqlite@_%' escape '@' order by rowid";

/** Prints `src/server/store/sqlite/schema.ts`. */
export async function printSchema(): Promise<string> {
  const knex = connect(':memory:');
  try {
    await migrate(knex);
    const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
    const statements = connection.prepare(OWN).pluck().all() as string[];
    await knex.client.releaseConnection(connection);
    return [
      '/** The schema of a new database, as all migrations together leave it. Printed from them by `npm run docs`. */',
      'export const SCHEMA: readonly string[] = [',
      ...statements.map((statement) => `  ${quoted(statement)},`),
      '];',
      '',
    ].join('\n');
  } finally {
    await knex.destroy();
  }
}

/** As the formatter writes a text: with the quotes of which fewer are in it. */
function quoted(text: string): string {
  const count = (mark: string): number => text.split(mark).length - 1;
  const mark = count("'") > count('"') ? '"' : "'";
  return `${mark}${text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`)}${mark}`;
}
