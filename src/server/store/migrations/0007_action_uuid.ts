import type { Knex } from 'knex';

/**
 * What joins a power task to an action of a plan gets columns of its own: `action_uuid` of the order that an action gave,
 * `aborts_action_uuid` of the abort that took it back, and `plan_uuid` of both. Only the plan engine sets them. Until now
 * the join was `request_id`, which clients choose; from now on it is theirs alone, and null where no client gave the order.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('power_tasks', (table) => {
    table.string('action_uuid', 36);
    table.string('aborts_action_uuid', 36);
    table.string('plan_uuid', 36);
  });
  await knex.schema.alterTable('power_tasks', (table) => table.setNullable('request_id'));
  await joinOrders(knex);
  await joinAborts(knex);
  await dropForeignImages(knex);
  await knex.schema.alterTable('power_tasks', (table) => {
    table.unique(['action_uuid']);
    table.unique(['aborts_action_uuid']);
  });
}

/** A client's order that happens to carry an action's uuid is not the action's: node and reason tell them apart. */
async function joinOrders(knex: Knex): Promise<void> {
  const isTheOrderOfAnAction = `
    from actions join action_plans on action_plans.uuid = actions.plan_uuid
    where actions.uuid = power_tasks.request_id
      and actions.node_uuid = power_tasks.node_uuid
      and actions.action_type = 'change_node_power_state'
      and power_tasks.target not like 'abort %'
      and power_tasks.reason =
        'action ''' || actions.name || ''' of plan ''' || action_plans.name || ''' (' || action_plans.uuid || ')'`;
  await knex.raw(`
    update power_tasks
    set action_uuid = request_id, plan_uuid = (select actions.plan_uuid ${isTheOrderOfAnAction}), request_id = null
    where exists (select 1 ${isTheOrderOfAnAction})`);
}

/** The abort of an action's order had the request_id `<uuid of the action> abort`. */
async function joinAborts(knex: Knex): Promise<void> {
  const isTheAbortOfAnAction = `
    from power_tasks as orders join action_plans on action_plans.uuid = orders.plan_uuid
    where orders.action_uuid || ' abort' = power_tasks.request_id
      and orders.node_uuid = power_tasks.node_uuid
      and power_tasks.target = 'abort ' || orders.target
      and power_tasks.reason = 'plan ''' || action_plans.name || ''' (' || action_plans.uuid || ') is cancelled'`;
  await knex.raw(`
    update power_tasks
    set aborts_action_uuid = (select orders.action_uuid ${isTheAbortOfAnAction}),
        plan_uuid = (select orders.plan_uuid ${isTheAbortOfAnAction}),
        request_id = null
    where exists (select 1 ${isTheAbortOfAnAction})`);
}

/** Before-images that the orders of clients have left in actions, because their request_id was the uuid of the action. */
async function dropForeignImages(knex: Knex): Promise<void> {
  const sent = knex('power_tasks').whereRaw('power_tasks.action_uuid = actions.uuid').whereNotNull('sending_at');
  await knex('actions')
    .where('action_type', 'change_node_power_state')
    .whereNotNull('before_image')
    .whereNotExists(sent)
    .update({ before_image: null });
  await knex('actions')
    .whereNot('action_type', 'change_node_power_state')
    .where('before_image', 'like', '{"power_state":%')
    .update({ before_image: null });
}
