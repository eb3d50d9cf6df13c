import type { Knex } from 'knex';

/** What audits can be made from: a goal, a strategy and a scope under a name. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_templates', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable().unique();
    table.text('description').notNullable();
    table.string('goal', 255).notNullable();
    table.string('strategy', 255).notNullable();
    table.text('scope').notNullable();
    table.integer('revision').notNullable();
    table.bigInteger('created_at').notNullable().index();
    table.bigInteger('updated_at').notNullable();
  });
}
