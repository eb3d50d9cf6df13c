import type { Knex } from 'knex';

/** Who gave an order: equal orders of one caller can be joined, also after a restart. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('power_tasks', (table) => {
    table.string('ordered_by', 255);
  });
}
