import type { Knex } from 'knex';

/** Which process has the database, with a generation that every transaction checks. One row at most. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('database_owner', (table) => {
    table.integer('id').primary();
    table.bigInteger('generation').notNullable();
    table.text('host').notNullable();
    table.integer('pid').notNullable();
    table.text('started_at').notNullable();
    table.boolean('ended_cleanly').notNullable();
    table.check('id = 1', [], 'database_owner_one');
  });
}
