import type { Knex } from 'knex';

/** Where events leave the installation, and how far each receiver has got. `settings` is sealed as driver_info is. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('sinks', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable().unique();
    table.string('kind', 63).notNullable();
    table.text('settings').notNullable();
    table.text('event_types').notNullable();
    table.bigInteger('position').notNullable();
    table.bigInteger('created_at').notNullable();
    table.string('created_by', 255).notNullable();
    table.text('off_reason');
  });
}
