import type { Knex } from 'knex';

/** The id by which consumers of events tell this database from others: its numbers mean nothing in another one. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('database_id', (table) => {
    table.string('id', 32).notNullable();
  });
  await knex.raw('insert into database_id (id) values (lower(hex(randomblob(16))))');
}
