import type { Knex } from 'knex';

/** Who made a node or a plan: what one identity has is limited. What there was before counts for no identity. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.string('created_by', 255);
    table.index('created_by');
  });
  await knex.schema.alterTable('action_plans', (table) => {
    table.string('created_by', 255);
    table.index(['created_by', 'state']);
  });
}
