import type { Knex } from 'knex';

/** The conductors that stand on one database, and which of them leads. Their times are of the database's own clock. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('conductors', (table) => {
    table.string('uuid', 36).primary();
    table.string('address', 255).notNullable();
    table.string('http_address', 255);
    table.string('version', 64).notNullable();
    table.bigInteger('started_at').notNullable();
    table.bigInteger('last_seen').notNullable();
  });
  await knex.schema.alterTable('database_owner', (table) => {
    table.string('conductor_uuid', 36);
    table.string('address', 255);
    table.string('http_address', 255);
    table.bigInteger('elected_at');
  });
}
