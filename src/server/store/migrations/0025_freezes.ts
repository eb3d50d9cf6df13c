import type { Knex } from 'knex';

/** Zones and labels whose nodes take no orders for a time. Those that were lifted or are over stay, for people to read. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('freezes', (table) => {
    table.string('uuid', 36).primary();
    table.string('zone', 255).notNullable();
    table.text('labels').notNullable();
    table.string('reason', 1000).notNullable();
    table.bigInteger('created_at').notNullable();
    table.string('created_by', 255).notNullable();
    table.bigInteger('until');
    table.bigInteger('lifted_at');
  });
}
