import type { Knex } from 'knex';

/** Where power tasks and plans stand in traces, and the spans of others that they are linked with: 55 characters, a space, and up to 512. */
export async function up(knex: Knex): Promise<void> {
  for (const name of ['power_tasks', 'action_plans'])
    await knex.schema.alterTable(name, (table) => {
      table.string('trace', 600);
      table.string('linked_trace', 600);
    });
}
