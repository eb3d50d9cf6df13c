import type { Knex } from 'knex';

/**
 * How long the owner may lead without an answer of the database, in milliseconds, and those before it that may not have noticed yet that they
 * lead no more: the longest of them. Null: it has not said.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('database_owner', (table) => {
    table.integer('lease_ms');
  });
}
