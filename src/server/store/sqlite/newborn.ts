/** A new database: with the schema that all migrations together leave, which takes a hundredth of what they take one by one. */
import type BetterSqlite3 from 'better-sqlite3';
import { MIGRATIONS } from '../migrations/list.ts';
import { SCHEMA } from './schema.ts';

/** A migration, as knex notes it. */
const APPLIED = `
  insert into knex_migrations (name, batch, migration_time) values (?, 1, cast(unixepoch('subsec') * 1000 as integer))`;

/** Gives an empty database the schema and the rows of a new one. */
export function makeNewborn(connection: BetterSqlite3.Database): void {
  const make = connection.transaction(() => {
    for (const statement of SCHEMA) connection.exec(statement);
    const apply = connection.prepare(APPLIED);
    for (const { name } of MIGRATIONS) apply.run(name);
    connection.exec('insert into knex_migrations_lock (is_locked) values (0)');
    connection.exec('insert into database_id (id) values (lower(hex(randomblob(16))))');
  });
  make();
}
