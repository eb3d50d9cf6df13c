import type { Knex } from 'knex';

/** When a backup was made: what is read of it then is of that time. Null in a database that a conductor works on. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('database_id', (table) => {
    table.bigInteger('backed_up_at');
  });
}
