import type { Knex } from 'knex';

/** Which plan undoes which, and which action undoes which. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('action_plans', (table) => {
    table.string('rollback_of', 36).index();
    table.string('rolled_back_by', 36);
    table.bigInteger('rollback_until');
    table.integer('rolls_back').notNullable().defaultTo(0);
  });
  await knex.schema.alterTable('actions', (table) => {
    table.string('undoes', 36).index();
  });
}
