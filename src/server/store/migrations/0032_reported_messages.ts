import type { Knex } from 'knex';

/** The ids of messages that were reported from outside, so that one which comes twice changes nothing twice. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('reported_messages', (table) => {
    table.string('message_id', 255).primary();
    table.bigInteger('reported_at').notNullable().index();
  });
}
