import type { Knex } from 'knex';

/** The role that a token was made with. Tokens that there are have none. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('tokens', (table) => {
    table.string('role', 255);
  });
}
