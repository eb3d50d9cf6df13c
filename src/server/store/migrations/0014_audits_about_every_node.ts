import type { Knex } from 'knex';

/** Whether an audit says that it is about every node. Until now an empty scope meant that. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('audits', (table) => {
    table.integer('every_node').notNullable().defaultTo(0);
  });
  await knex('audits').whereNotNull('request_id').where('scope', '[]').update({ every_node: 1 });
}
