import type { Knex } from 'knex';

/** What audits that were asked for have beside those that plans bring with them, and what plans are good for. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('audits', (table) => {
    table.string('request_id', 255).unique();
    table.string('request_digest', 64);
    table.bigInteger('interval_ms');
    table.bigInteger('next_run_at').index();
    table.integer('auto_trigger').notNullable().defaultTo(0);
    table.integer('max_parallel').notNullable().defaultTo(0);
    table.string('on_failure', 15).notNullable().defaultTo('STOP');
  });
  await knex.schema.alterTable('action_plans', (table) => {
    table.text('global_efficacy').notNullable().defaultTo('[]');
    table.index('audit_uuid');
  });
}
