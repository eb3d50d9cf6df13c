/** Brings the schema of a database up to date. */
import type { Knex } from 'knex';
import { fail } from '../../../core/errors.ts';
import { MIGRATIONS } from '../migrations/list.ts';

/**
 * Applies the migrations that are missing, each in a transaction.
 * @throws DATABASE_NEWER if a newer version has written the database: then nothing is changed
 */
export async function migrate(knex: Knex): Promise<void> {
  if (await knex.schema.hasTable('knex_migrations')) {
    const applied: { name: string }[] = await knex('knex_migrations').select('name').orderBy('id');
    const unknown = applied.find(({ name }) => !MIGRATIONS.some((migration) => migration.name === name));
    if (unknown) {
      throw fail(
        'DATABASE_NEWER',
        `the database has a change ${unknown.name} that this version does not know; run the version that wrote it, or a newer one`,
      );
    }
    // knex takes twenty statements to find that.
    if (applied.length === MIGRATIONS.length) return;
    // A process that was killed while migrating leaves knex's own lock behind; the lock of the folder is ours.
    await knex.migrate.forceFreeMigrationsLock({ migrationSource });
  }
  await knex.migrate.latest({ migrationSource });
}

const migrationSource: Knex.MigrationSource<(typeof MIGRATIONS)[number]> = {
  getMigrations: async () => [...MIGRATIONS],
  getMigrationName: (migration) => migration.name,
  getMigration: async (migration) => ({ up: migration.up, down: async () => {} }),
};
