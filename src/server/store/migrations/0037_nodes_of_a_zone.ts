import type { Knex } from 'knex';

/** A page of the nodes of one zone is found in the order of names, without a look at the whole zone. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.index(['zone', 'name']);
    table.dropIndex(['zone']);
  });
}
