import type { Knex } from 'knex';

/** What the hardware of a node could do when it was asked before an order, and what its BMC was sent in its own words. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('power_tasks', (table) => {
    table.text('traits');
    table.text('sent').notNullable().defaultTo('[]');
  });
}
