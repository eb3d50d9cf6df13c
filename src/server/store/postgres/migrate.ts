/** Brings the schema of a database up to date. */
import type { Knex } from 'knex';
import type pg from 'pg';
import { fail } from '../../../core/errors.ts';
import type { Migration } from '../migrations/list.ts';
import type { PostgresAddress } from './address.ts';

const LOOK = `
  select to_regclass('knex_migrations') is not null as begun, current_schema() as schema, current_user as "user",
    has_schema_privilege(current_schema(), 'create') as "mayCreate",
    exists (select 1 from pg_tables where schemaname = current_schema()) as used`;

/**
 * Applies the migrations that are missing, in the transaction of `sql`: all of them or none.
 * @param known those of this version, in order
 * @throws DATABASE_NEWER if a newer version has written the database, DATABASE_DAMAGED if it is that of another program,
 *   DATABASE_REFUSED without the right to create tables, or if the schema must be there and is not: then nothing is changed
 */
export async function migrate(
  sql: Knex,
  address: PostgresAddress,
  known: readonly Migration[],
  mustExist: boolean,
): Promise<void> {
  const { words } = address;
  const [found] = (await sql.raw(LOOK)).rows;
  if (!found.begun && mustExist)
    throw fail('DATABASE_REFUSED', `schema ${found.schema} of the ${words} has no tables of countermand`);
  if (!found.begun && found.used) throw foreign(words, found.schema);
  const applied: string[] = found.begun ? await sql('knex_migrations').orderBy('id').pluck('name') : [];
  refuseUnknown(applied, known, found.schema, words);
  await refuseMissingRights((text) => sql.raw(text), address);
  const missing = known.filter(({ name }) => !applied.includes(name));
  if (missing.length === 0) return;
  if (!found.mayCreate)
    throw fail(
      'DATABASE_REFUSED',
      `the ${words} cannot be used: user ${found.user} has no right to create tables in schema ${found.schema}; nothing was written; grant it: GRANT CREATE ON SCHEMA ${found.schema} TO ${found.user}`,
    );
  if (!found.begun)
    await sql.schema.createTable('knex_migrations', (table) => {
      table.bigIncrements('id');
      table.text('name').notNullable();
      table.timestamp('migration_time').notNullable().defaultTo(sql.fn.now());
    });
  for (const { name, up } of missing) {
    await up(sql);
    await sql('knex_migrations').insert({ name });
  }
}

/** What the user may not do everything with of all that belongs to whoever has made our tables. */
const LACKING = `
  select current_schema() as schema, current_user as "user", string_agg(relname, ', ' order by relname) as lacking
  from pg_class where relnamespace = (select oid from pg_namespace where nspname = current_schema())
    and relowner = (select relowner from pg_class where oid = to_regclass('knex_migrations'))
    and case relkind when 'S' then not has_sequence_privilege(oid, 'usage')
      when 'r' then not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
        and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete')) else false end`;

/** @throws DATABASE_REFUSED if the user may not read and write all of our tables: nothing was written */
export async function refuseMissingRights(
  ask: (sql: string) => PromiseLike<{ readonly rows: Record<string, string | null>[] }>,
  { words }: PostgresAddress,
): Promise<void> {
  const [{ schema, user, lacking } = {}] = (await ask(LACKING)).rows;
  if (!lacking) return;
  throw fail(
    'DATABASE_REFUSED',
    `the ${words} cannot be used: user ${user} may not read and write ${lacking}; nothing was written; grant it: GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${user}; GRANT ALL ON ALL SEQUENCES IN SCHEMA ${schema} TO ${user}`,
  );
}

/**
 * Looks whether this version could lead on the database, and changes nothing.
 * @throws DATABASE_NEWER if a newer version has migrated it, DATABASE_DAMAGED if it is that of another program
 */
export async function refuseNewer(
  client: pg.Client,
  { words }: PostgresAddress,
  known: readonly Migration[],
): Promise<void> {
  const [{ begun, schema }] = (await client.query(BEGUN)).rows;
  if (!begun) return;
  const { rows } = await client.query('select name from knex_migrations order by id');
  const applied = rows.map(({ name }) => name);
  refuseUnknown(applied, known, schema, words);
}

const BEGUN = "select to_regclass('knex_migrations') is not null as begun, current_schema() as schema";

/** @throws DATABASE_NEWER for a migration that is not known, DATABASE_DAMAGED if none is ours */
export function refuseUnknown(
  applied: readonly string[],
  known: readonly Migration[],
  schema: string,
  words: string,
): void {
  const unknown = applied.find((name) => !known.some((migration) => migration.name === name));
  if (unknown === undefined) return;
  if (!applied.includes(known[0]?.name ?? '')) throw foreign(words, schema);
  throw fail(
    'DATABASE_NEWER',
    `the ${words} has a change ${unknown} that this version does not know; run the version that wrote it, or a newer one`,
  );
}

const foreign = (words: string, schema: string) =>
  fail(
    'DATABASE_DAMAGED',
    `schema ${schema} of the ${words} has tables that are not countermand's; nothing was written; name an empty database, or an empty schema: ?options=-c%20search_path%3DNAME`,
  );
