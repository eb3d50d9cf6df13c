import type { Knex } from 'knex';

/** The audit trail: who did what, and what came of it. Rows are added and never changed; each digest covers its row and the one before. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('trail', (table) => {
    table.bigIncrements('sequence');
    table.bigInteger('at').notNullable();
    table.string('identity', 255).notNullable();
    table.string('rpc', 127).notNullable();
    table.string('node', 255);
    table.string('outcome', 63).notNullable();
    table.text('entry').notNullable();
    table.string('digest', 64).notNullable();
    table.index(['node', 'sequence']);
  });
}
