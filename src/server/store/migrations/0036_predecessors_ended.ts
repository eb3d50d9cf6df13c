import type { Knex } from 'knex';

/**
 * Whether nothing can act any more that was inside the conductors which led before the owner. A row of the version before does not say,
 * and is taken to say no.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('database_owner', (table) => {
    table.boolean('predecessors_ended').notNullable().defaultTo(false);
  });
}
