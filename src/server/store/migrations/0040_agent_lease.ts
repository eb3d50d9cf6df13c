import type { Knex } from 'knex';

/** Without contact for how long an agent may act, in milliseconds: what it was told when it attached. Null: that is not known. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('agents', (table) => {
    table.integer('lease_ms');
  });
}
