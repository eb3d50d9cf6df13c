import type { Knex } from 'knex';

/** For whom orders were given, and who changed nodes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('power_tasks', (table) => {
    table.string('ordered_for', 255);
  });
  await knex.schema.alterTable('model_changes', (table) => {
    table.string('changed_by', 255);
    table.string('changed_for', 255);
  });
}
