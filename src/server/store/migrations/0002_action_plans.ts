import type { Knex } from 'knex';

/** Audits, action plans, actions, and which plan is about which node. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audits', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable();
    table.string('audit_type', 15).notNullable().checkIn(['ONESHOT', 'CONTINUOUS'], 'audits_audit_type');
    const states = ['PENDING', 'ONGOING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SUSPENDED', 'DELETED'];
    table.string('state', 15).notNullable().checkIn(states, 'audits_state');
    table.string('previous_state', 15);
    table.text('status_message').notNullable();
    table.string('strategy', 63).notNullable();
    table.text('parameters').notNullable();
    table.text('scope').notNullable();
    stamps(table);
  });
  await knex.schema.createTable('action_plans', actionPlans);
  await knex.schema.createTable('actions', actions);
  await knex.schema.createTable('plan_nodes', (table) => {
    table.string('plan_uuid', 36).notNullable();
    table.string('node_uuid', 36).notNullable().index();
    table.primary(['plan_uuid', 'node_uuid']);
  });
}

function stamps(table: Knex.CreateTableBuilder): void {
  table.integer('revision').notNullable();
  table.bigInteger('created_at').notNullable().index();
  table.bigInteger('updated_at').notNullable();
  table.bigInteger('deleted_at');
}

function actionPlans(table: Knex.CreateTableBuilder): void {
  table.string('uuid', 36).primary();
  table.string('name', 255).notNullable().index();
  table.string('audit_uuid', 36).notNullable();
  const states = [
    'RECOMMENDED',
    'PENDING',
    'ONGOING',
    'CANCELLING',
    'SUCCEEDED',
    'FAILED',
    'CANCELLED',
    'SUPERSEDED',
    'DELETED',
  ];
  table.string('state', 15).notNullable().index().checkIn(states, 'action_plans_state');
  table.string('previous_state', 15);
  table.text('status_message').notNullable();
  table.string('error_code', 63);
  table.text('error_message').notNullable();
  table.string('request_id', 255).notNullable().unique();
  table.string('request_digest', 64).notNullable();
  table.integer('max_parallel').notNullable();
  table.integer('canary').notNullable();
  table.string('on_failure', 15).notNullable().checkIn(['STOP', 'CONTINUE', 'ROLLBACK'], 'action_plans_on_failure');
  table.integer('size').notNullable();
  table.integer('start_order').index();
  for (const time of ['started_at', 'launched_at', 'ended_at', 'cancel_deadline_at']) table.bigInteger(time);
  stamps(table);
}

function actions(table: Knex.CreateTableBuilder): void {
  table.string('uuid', 36).primary();
  table.string('plan_uuid', 36).notNullable();
  table.string('name', 255).notNullable();
  table.string('action_type', 63).notNullable();
  table.text('input_parameters').notNullable();
  table.text('parents').notNullable();
  table.integer('position').notNullable();
  table.integer('rank').notNullable();
  const states = ['PENDING', 'ONGOING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED', 'DELETED'];
  table.string('state', 15).notNullable().checkIn(states, 'actions_state');
  table.string('previous_state', 15);
  table.text('status_message').notNullable();
  table.string('error_code', 63);
  table.text('error_message').notNullable();
  table.string('node_uuid', 36).index();
  table.bigInteger('timeout_ms').notNullable();
  table.text('before_image');
  table.text('result');
  for (const time of ['started_at', 'ended_at']) table.bigInteger(time);
  table.integer('revision').notNullable();
  table.bigInteger('created_at').notNullable();
  table.bigInteger('updated_at').notNullable();
  table.bigInteger('deleted_at');
  table.unique(['plan_uuid', 'position']);
}
