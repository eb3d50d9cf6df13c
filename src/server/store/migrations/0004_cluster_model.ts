import type { Knex } from 'knex';

/** The cluster model: what has changed in it, which revision a plan was made at, and the last good power state of nodes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('model_changes', (table) => {
    table.bigIncrements('revision');
    table.string('node_uuid', 36).notNullable();
    table.string('node_name', 255).notNullable();
    table.string('what', 63).notNullable();
    table.text('old_value').notNullable();
    table.text('new_value').notNullable();
    table.text('cause').notNullable();
    table.string('plan_uuid', 36);
    table.bigInteger('changed_at').notNullable().index();
    table.index(['node_uuid', 'revision']);
  });
  await knex.schema.alterTable('nodes', (table) => {
    table.string('good_power_state', 15).checkIn(['power on', 'power off'], 'nodes_good_power_state');
  });
  await knex('nodes')
    .whereIn('power_state', ['power on', 'power off'])
    .update({ good_power_state: knex.ref('power_state') });
  await knex.schema.alterTable('action_plans', (table) => {
    table.bigInteger('model_revision').notNullable().defaultTo(0);
    table.integer('forced').notNullable().defaultTo(0);
  });
}
