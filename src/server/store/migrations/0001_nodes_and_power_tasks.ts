import type { Knex } from 'knex';

const TARGETS = [
  'power on',
  'power off',
  'rebooting',
  'soft rebooting',
  'soft power off',
  'inject nmi',
  'abort soft rebooting',
  'abort soft power off',
  'abort inject nmi',
];

/** Nodes, power tasks, events, agents and their drivers. Never edited; the next change is a migration of its own. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('nodes', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable().unique();
    table.string('driver', 63).notNullable();
    table.text('driver_info').notNullable();
    table.string('zone', 255).notNullable().index();
    table.text('labels').notNullable();
    table.integer('maintenance').notNullable();
    table.text('maintenance_reason').notNullable();
    table.string('power_state', 15).checkIn(['power on', 'power off', 'error'], 'nodes_power_state');
    table.string('target_power_state', 31).checkIn(TARGETS, 'nodes_target_power_state');
    table.bigInteger('power_state_read_at');
    table.text('last_error').notNullable();
    table.string('bmc_key', 511).notNullable().unique();
    table.string('agent_uuid', 36);
    table.integer('fence').notNullable();
    table.string('held_by', 36).index();
    table.bigInteger('may_change_until').index();
    table.integer('revision').notNullable();
    table.bigInteger('created_at').notNullable();
    table.bigInteger('updated_at').notNullable();
  });
  await knex.schema.createTable('power_tasks', powerTasks);
  // At most one unsettled power task holds a node, whatever the code believes. Aborts hold none.
  await knex.raw(
    "create unique index power_tasks_one_holder on power_tasks (node_uuid) where state in ('QUEUED','SENDING','CONFIRMING','ABORTING') and target not like 'abort %'",
  );
  await knex.schema.createTable('events', (table) => {
    table.bigIncrements('sequence');
    table.string('event_type', 127).notNullable();
    table.string('priority', 15).notNullable().checkIn(['INFO', 'WARNING', 'ERROR'], 'events_priority');
    table.string('publisher_id', 255).notNullable();
    table.string('message_id', 36).notNullable();
    table.bigInteger('timestamp').notNullable();
    table.text('payload').notNullable();
  });
  await knex.schema.createTable('agents', (table) => {
    table.string('uuid', 36).primary();
    table.string('name', 255).notNullable();
    table.integer('embedded').notNullable();
    table.bigInteger('attached_at').notNullable();
  });
  await knex.schema.createTable('drivers', (table) => {
    table.string('zone', 255).notNullable();
    table.string('name', 63).notNullable();
    table.text('info_schema').notNullable();
    table.text('targets').notNullable();
    table.text('recalls').notNullable();
    table.integer('soft_reboot_in_one_command').notNullable();
    table.bigInteger('updated_at').notNullable();
    table.primary(['zone', 'name']);
  });
}

function powerTasks(table: Knex.CreateTableBuilder): void {
  table.string('uuid', 36).primary();
  table.string('node_uuid', 36).notNullable();
  table.string('node_name', 255).notNullable();
  table.string('target', 31).notNullable().checkIn(TARGETS, 'power_tasks_target');
  table
    .string('state', 15)
    .notNullable()
    .checkIn(['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING', 'SUCCEEDED', 'FAILED', 'ABORTED'], 'power_tasks_state');
  table.string('previous_state', 15);
  table.string('phase', 15).notNullable().checkIn(['WHOLE', 'DOWN', 'FORCED_DOWN', 'UP'], 'power_tasks_phase');
  table.string('request_id', 255).notNullable().unique();
  table.text('request_body').notNullable();
  table.text('reason').notNullable();
  table.string('recall', 31).notNullable();
  table.bigInteger('timeout_ms').notNullable();
  table.string('on_timeout', 15).notNullable().checkIn(['FAIL', 'FORCE'], 'power_tasks_on_timeout');
  table.integer('fence').notNullable();
  table.string('before_power_state', 15);
  table.string('observed_power_state', 15);
  table.integer('seen_down').notNullable();
  table.text('message').notNullable();
  table.string('error_code', 63);
  table.text('error_message').notNullable();
  table.string('abort_task_uuid', 36);
  table.string('aborts_task_uuid', 36);
  table.string('abort_outcome', 31);
  table.text('abort_reason').notNullable();
  table.string('abort_observed', 15);
  for (const time of ['abort_requested_at', 'abort_deadline_at', 'start_deadline_at', 'sending_at']) {
    table.bigInteger(time);
  }
  for (const time of ['deadline_at', 'ended_at', 'may_change_until']) table.bigInteger(time);
  table.integer('revision').notNullable();
  table.bigInteger('created_at').notNullable().index();
  table.bigInteger('updated_at').notNullable();
  table.index(['node_uuid', 'created_at']);
  table.index(['state']);
}
