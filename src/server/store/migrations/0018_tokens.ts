import type { Knex } from 'knex';

/** Tokens with which programs and agents say who they are. Their secrets are not kept. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('tokens', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable().unique();
    table.string('digest', 64).notNullable().unique();
    table.text('agent_zones').notNullable();
    table.bigInteger('created_at').notNullable();
    table.string('created_by', 255).notNullable();
    table.bigInteger('expires_at').notNullable();
    table.bigInteger('revoked_at');
  });
}
