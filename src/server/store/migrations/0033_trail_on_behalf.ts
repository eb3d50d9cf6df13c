import type { Knex } from 'knex';

/** For whom a caller acted stands beside the entry as well, so that it can be looked for. What is older has it in the entry alone. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('trail', (table) => {
    table.string('on_behalf_of', 255);
  });
}
