/** All rows of a database as they are at one moment, while a conductor may write it. */
import type { Knex } from 'knex';
import type { Clock } from '../../../core/clock.ts';
import { fail } from '../../../core/errors.ts';
import { MIGRATIONS } from '../migrations/list.ts';
import type { PostgresAddress } from './address.ts';
import { refuseUnknown } from './migrate.ts';
import { connectReaders } from './readers.ts';

const LOOK = `
  select to_regclass('knex_migrations') is not null as begun, current_schema() as schema`;

/**
 * Reads in one transaction that sees one moment and writes nothing. It holds up no conductor.
 * @throws DATABASE_REFUSED if there is no database of countermand, or it is of an earlier version; DATABASE_NEWER, DATABASE_UNUSABLE; and
 *   what `work` throws
 */
export async function readAtOneMoment<T>(
  address: PostgresAddress,
  clock: Clock,
  work: (sql: Knex) => Promise<T>,
): Promise<T> {
  const { read } = connectReaders(address, clock);
  try {
    return await read.transaction(
      async (sql) => {
        await mustBeOfThisVersion(sql, address);
        return work(sql);
      },
      { isolationLevel: 'repeatable read', readOnly: true },
    );
  } finally {
    await read.destroy();
  }
}

async function mustBeOfThisVersion(sql: Knex, { words }: PostgresAddress): Promise<void> {
  const [found] = (await sql.raw(LOOK)).rows;
  if (!found.begun)
    throw fail('DATABASE_REFUSED', `schema ${found.schema} of the ${words} has no tables of countermand`);
  const applied: string[] = await sql('knex_migrations').orderBy('id').pluck('name');
  refuseUnknown(applied, MIGRATIONS, found.schema, words);
  const missing = MIGRATIONS.find(({ name }) => !applied.includes(name));
  if (missing !== undefined)
    throw fail(
      'DATABASE_REFUSED',
      `the ${words} is of an earlier version: it lacks the change ${missing.name}; use the command of that version, or start a conductor of this one first`,
    );
}
