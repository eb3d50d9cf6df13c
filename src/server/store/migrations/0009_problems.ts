import type { Knex } from 'knex';

/** Why a node cannot be read, and what the watching of a power task runs into. When a task's last reading was taken. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.text('problem');
  });
  await knex.schema.alterTable('power_tasks', (table) => {
    table.text('problem');
    table.bigInteger('observed_read_at');
  });
}
