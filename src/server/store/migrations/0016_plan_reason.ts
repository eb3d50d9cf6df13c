import type { Knex } from 'knex';

/** Why a plan was made, as its client said: it used to stand in the plan's name, which then named another plan. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('action_plans', (table) => {
    table.string('reason', 1000).notNullable().defaultTo('');
  });
}
