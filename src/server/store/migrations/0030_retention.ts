import type { Knex } from 'knex';

/**
 * Old rows go. Up to which number events are gone is told to who asks for one of them. The tasks that no plan has ordered go by
 * themselves, the others with their plans, so they are found without them.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('database_id', (table) => {
    table.bigInteger('events_gone_to').notNullable().defaultTo(0);
  });
  await knex.raw('create index power_tasks_alone on power_tasks (created_at) where plan_uuid is null');
}
