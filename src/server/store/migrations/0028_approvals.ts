import type { Knex } from 'knex';

/**
 * Plans that wait for a second person; and on whose behalf plans and audits were made and started. What there was before is known
 * to be for nobody else, and needs no approval.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('action_plans', (table) => {
    table.string('created_for', 255);
    table.string('started_for', 255);
    table.string('approval', 16);
    table.string('approval_why', 1000).notNullable().defaultTo('');
    table.string('decided_by', 255);
    table.string('decided_for', 255);
    table.bigInteger('decided_at');
  });
  await knex.schema.alterTable('audits', (table) => {
    table.string('created_by', 255);
    table.string('created_for', 255);
  });
}
