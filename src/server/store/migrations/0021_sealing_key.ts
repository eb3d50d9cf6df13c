import type { Knex } from 'knex';

/** The id of the key that driver_info is sealed with, also while there is no node: a conductor with another key is refused. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('sealing_key', (table) => table.string('id', 64).notNullable());
}
