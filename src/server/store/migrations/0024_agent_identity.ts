import type { Knex } from 'knex';

/** Whose an agent is: its uuid stays its own, also after a restart of the conductor. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('agents', (table) => {
    table.string('identity', 255);
  });
}
