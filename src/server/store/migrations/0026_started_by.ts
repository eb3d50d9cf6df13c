import type { Knex } from 'knex';

/** Who started a plan: who did may cancel it, whatever has become of its nodes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('action_plans', (table) => {
    table.string('started_by', 255);
  });
}
