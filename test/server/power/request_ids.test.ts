/** A request_id is the client's: whatever uuid it looks like, no plan, action or task is joined to it. */

import test, { type ExecutionContext } from 'ava';
import type { OrderTarget } from '../../../src/core/power.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import { getAudit } from '../../../src/server/store/audits.ts';
import type { ActionRow } from '../../../src/server/store/plan_rows.ts';
import { getPlan } from '../../../src/server/store/plans.ts';
import { findPowerTask, getPowerTask } from '../../../src/server/store/power_tasks.ts';
import type { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, wanted, worldWith } from '../plan_making.ts';

const change = (node: string, state: string) =>
  wanted(node, 'change_node_power_state', { resource_id: node, state }, []);

async function actionsOf(world: World, plan: string): Promise<readonly ActionRow[]> {
  const { uuid } = await getPlan(plan, world.database.read);
  return listActions(uuid, -1, 100, world.database.read);
}

async function actionOf(world: World, plan: string): Promise<ActionRow> {
  const [action] = await actionsOf(world, plan);
  if (!action) throw new Error(`plan ${plan} has no action`);
  return action;
}

/** What has reached the BMC of a node. */
const receivedBy = (world: World, node: string) =>
  world.received.filter(({ address }) => address === node).map(({ target }) => target);

const rollBack = (world: World, plan: string) =>
  world.conductor.plans.rollback({
    plan,
    requestId: `rollback of ${plan}`,
    skipIrreversible: false,
    acceptDrift: false,
  });

/** An audit that proposes something, without its name and its id. */
const ONCE = {
  auditType: 'ONESHOT' as const,
  strategy: 'dummy',
  goal: '',
  parameters: { para1: 1 },
  scope: [],
  intervalMs: null,
  autoTrigger: false,
  maxParallel: 0,
  onFailure: 'STOP' as const,
};

async function worldOfTwo(t: ExecutionContext): Promise<World> {
  const world = await worldWith(t, 'n1', 'n2');
  await world.clock.turn(5000);
  return world;
}

for (const suffix of ['', ' abort'])
  test(`an order on n2 with the id of an action${suffix}: the plan orders n1, and its rollback undoes that alone`, async (t) => {
    const world = await worldOfTwo(t);
    await make(world, 'p1', [change('n1', 'power off')]);
    const { uuid } = await actionOf(world, 'p1');
    const order = await world.order('n2', 'power off', { requestId: `${uuid}${suffix}` });
    await world.clock.turn(10_000);
    t.is((await getPowerTask(order.uuid, world.database.read)).state, 'SUCCEEDED');
    await world.conductor.plans.start('p1', false);
    await world.clock.turn(10_000);
    t.like(await standing(world, 'p1'), { plan: { state: 'SUCCEEDED' }, actions: { n1: 'SUCCEEDED' } });
    t.deepEqual(receivedBy(world, 'n1'), ['power off']);
    await rollBack(world, 'p1');
    await world.clock.turn(10_000);
    t.deepEqual(receivedBy(world, 'n1'), ['power off', 'power on']);
    t.deepEqual(receivedBy(world, 'n2'), ['power off']);
    // The same id is still the client's own order.
    const again = await world.order('n2', 'power off', { requestId: `${uuid}${suffix}` });
    t.is(again.uuid, order.uuid);
    await endWorld(world);
  });

test('an order on n2 with the id of an action that sends nothing: a rollback sends nothing to n1 either', async (t) => {
  const world = await worldOfTwo(t);
  await make(world, 'wake', [change('n1', 'power on')]);
  const { uuid } = await actionOf(world, 'wake');
  await world.order('n2', 'power off', { requestId: uuid });
  await world.clock.turn(10_000);
  await world.conductor.plans.start('wake', false);
  await world.clock.turn(10_000);
  t.is((await standing(world, 'wake')).plan.state, 'SUCCEEDED');
  await t.throwsAsync(rollBack(world, 'wake'), { code: 'ROLLBACK_REFUSED' });
  t.deepEqual(receivedBy(world, 'n1'), []);
  await endWorld(world);
});

for (const node of ['n1', 'n2'])
  test(`an order on ${node} with the id of a maintenance action: the action is done, and undone`, async (t) => {
    const world = await worldOfTwo(t);
    await make(world, 'maint', [wanted('hold', 'set_node_maintenance', { resource_id: 'n1', maintenance: true })]);
    const { uuid } = await actionOf(world, 'maint');
    await world.order(node, 'power off', { requestId: uuid });
    await world.clock.turn(10_000);
    const maintenance = async () =>
      (await world.database.read('nodes').where('name', 'n1').first('maintenance')).maintenance;
    // The change of the power state has superseded the plan, if it was of its node.
    await world.conductor.plans.start('maint', false).catch(() => {});
    await world.clock.turn(10_000);
    const { state } = (await standing(world, 'maint')).plan;
    t.is(state, node === 'n1' ? 'SUPERSEDED' : 'SUCCEEDED');
    t.is(await maintenance(), node === 'n1' ? 0 : 1);
    if (node === 'n1') return endWorld(world);
    await rollBack(world, 'maint');
    await world.clock.turn(10_000);
    t.is(await maintenance(), 0);
    await endWorld(world);
  });

test('an order with the id of an action of the same node is not the order of the action', async (t) => {
  const world = await worldOfTwo(t);
  await make(world, 'p1', [change('n1', 'power off')]);
  const { uuid } = await actionOf(world, 'p1');
  // n1 is on, so this changes nothing, and the plan is not stale.
  const order = await world.order('n1', 'power on', { requestId: uuid });
  await world.clock.turn(10_000);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(10_000);
  t.like(await standing(world, 'p1'), { plan: { state: 'SUCCEEDED' }, actions: { n1: 'SUCCEEDED' } });
  t.deepEqual(receivedBy(world, 'n1'), ['power off']);
  const tasks = await world.database.read('power_tasks').where('action_uuid', uuid);
  t.is(tasks.length, 1);
  t.not(tasks[0].uuid, order.uuid);
  await endWorld(world);
});

test('a cancel while the action waits for a held node leaves the order alone that has its id', async (t) => {
  const world = await worldOfTwo(t);
  const holder = await world.order('n1', 'soft power off');
  await world.clock.turn(5000);
  await make(world, 'p1', [softOff('n1')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(1000);
  const { uuid } = await actionOf(world, 'p1');
  const foreign = await world.order('n2', 'soft power off', { requestId: uuid });
  await world.clock.turn(5000);
  await world.conductor.plans.cancel('p1', '');
  await world.clock.turn(5000);
  t.like(await standing(world, 'p1'), { plan: { state: 'CANCELLED' }, actions: { n1: 'CANCELLED' } });
  for (const task of [holder, foreign]) t.is((await getPowerTask(task.uuid, world.database.read)).state, 'CONFIRMING');
  await world.clock.turn(60_000);
  for (const task of [holder, foreign]) t.is((await getPowerTask(task.uuid, world.database.read)).state, 'SUCCEEDED');
  await endWorld(world);
});

for (const moment of ['before the action begins', 'while it runs'])
  test(`an abort by a client with the id that the abort of an action once had, ${moment}`, async (t) => {
    const world = await worldOfTwo(t);
    await make(world, 'p1', [softOff('n1')]);
    const { uuid } = await actionOf(world, 'p1');
    const taken = () => world.order('n2', 'abort soft power off', { requestId: `${uuid} abort` });
    if (moment === 'before the action begins') await taken();
    await world.conductor.plans.start('p1', false);
    await world.clock.turn(5000);
    if (moment === 'while it runs') await taken();
    await world.conductor.plans.cancel('p1', '');
    await world.clock.turn(60_000);
    const { actions, plan } = await standing(world, 'p1');
    t.deepEqual([plan.state, actions.n1], ['CANCELLED', 'CANCELLED']);
    t.deepEqual(receivedBy(world, 'n1'), ['soft power off', 'recall']);
    const [task] = await world.database.read('power_tasks').where('action_uuid', uuid);
    const [abort] = await world.database.read('power_tasks').where('aborts_action_uuid', uuid);
    t.like(abort, { aborts_task_uuid: task.uuid, plan_uuid: plan.uuid, request_id: null, abort_outcome: 'RECALLED' });
    await endWorld(world);
  });

test('an order with the id of an action of a rollback that waits is none of its business', async (t) => {
  const world = await worldOfTwo(t);
  await make(world, 'p1', [change('n1', 'power off')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(10_000);
  // The undo has to wait: the node is held, softly, for as long as its system takes.
  await world.order('n1', 'power on');
  await world.clock.turn(10_000);
  const holder = await world.order('n1', 'soft power off');
  await world.clock.turn(1000);
  const rollback = await world.conductor.plans.rollback({
    plan: 'p1',
    requestId: 'undo',
    skipIrreversible: false,
    acceptDrift: true,
  });
  const { uuid } = await actionOf(world, rollback.uuid);
  const foreign = await world.order('n2', 'power off', { requestId: uuid });
  await world.clock.turn(120_000);
  t.is((await getPowerTask(holder.uuid, world.database.read)).state, 'SUCCEEDED');
  t.like(await getPowerTask(foreign.uuid, world.database.read), { state: 'SUCCEEDED', nodeName: 'n2' });
  t.is((await getPlan('undo', world.database.read)).state, 'SUCCEEDED');
  t.deepEqual(receivedBy(world, 'n1'), ['power off', 'power on', 'soft power off', 'power on']);
  await endWorld(world);
});

test('a request_id that is the uuid of a plan, an audit or a task names none of them', async (t) => {
  const world = await worldOfTwo(t);
  const { read } = world.database;
  const first = await make(world, 'first', [softOff('n1')]);
  const second = await make(world, 'second', [softOff('n2')], { requestId: first.uuid });
  t.not(second.uuid, first.uuid);
  t.is((await getPlan(first.uuid, read)).uuid, first.uuid);
  const audit = async (requestId: string) =>
    (await world.conductor.audits.create({ ...ONCE, name: requestId, requestId })).audit;
  const one = await audit('one');
  const other = await audit(one.uuid);
  t.not(other.uuid, one.uuid);
  t.is((await getAudit(one.uuid, read)).uuid, one.uuid);
  const orders: [string, OrderTarget][] = [
    [first.uuid, 'power off'],
    [one.uuid, 'power on'],
  ];
  for (const [requestId, target] of orders) {
    const task = await world.order('n2', target, { requestId });
    await world.clock.turn(10_000);
    const twin = await world.order('n2', target, { requestId: task.uuid });
    await world.clock.turn(10_000);
    t.is((await findPowerTask(task.uuid, read))?.uuid, task.uuid);
    t.is((await getPowerTask(task.uuid, read)).uuid, task.uuid);
    t.is((await getPowerTask(twin.uuid, read)).uuid, twin.uuid);
    t.is(await findPowerTask(requestId, read), null);
  }
  // What two plans are called, one by its request_id, the other by its name, means neither.
  await make(world, 'alias', [softOff('n1')], { requestId: 'one of them' });
  await make(world, 'another', [softOff('n1')], { requestId: 'alias' });
  await t.throwsAsync(getPlan('alias', read), { code: 'ARGUMENT_INVALID', message: /more than one action plan/ });
  await endWorld(world);
});

test('the database keeps a second order, or a second abort, of one action out', async (t) => {
  const world = await worldOfTwo(t);
  await make(world, 'p1', [softOff('n1')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(5000);
  await world.conductor.plans.cancel('p1', '');
  await world.clock.turn(60_000);
  for (const column of ['action_uuid', 'aborts_action_uuid']) {
    const [row] = await world.database.read('power_tasks').whereNotNull(column);
    const twin = { ...row, uuid: world.chance.uuid() };
    await t.throwsAsync(async () => await world.database.read('power_tasks').insert(twin), {
      message: new RegExp(`UNIQUE.*${column}`),
    });
  }
  await endWorld(world);
});
