import type { Knex } from 'knex';

/** What was last seen of the nova-compute of each host, so that the next conductor knows a change from what was so before. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('compute_services', (table) => {
    table.string('cloud', 255).notNullable();
    table.string('host', 255).notNullable();
    table.string('state', 8).notNullable();
    table.bigInteger('since').notNullable();
    table.primary(['cloud', 'host']);
  });
}
