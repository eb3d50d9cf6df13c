/** No order holds a node for longer than its limit, and the waiting for any order can be given up. */
import test, { type ExecutionContext } from 'ava';
import { isAbort, type OrderTarget, TARGETS } from '../../../src/core/power.ts';
import { deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../../src/server/plans/create.ts';
import { withdrawOrder } from '../../../src/server/power/orders.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';
import { wanted } from '../plan_making.ts';

const ORDERS = TARGETS.filter((target): target is OrderTarget => !isAbort(target));
const HARD = 3_600_000;
const SOFT = 86_400_000;

async function newWorld(t: ExecutionContext): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  return world;
}

for (const target of ORDERS) {
  const limitMs = target.startsWith('soft') ? SOFT : HARD;
  test(`a ${target} with a timeout beyond its limit is refused, with the limit it is accepted`, async (t) => {
    const world = await newWorld(t);
    const error = await t.throwsAsync(world.order('n1', target, { timeoutMs: limitMs + 1000 }), {
      code: 'ARGUMENT_INVALID',
    } as never);
    t.regex(
      error.message,
      new RegExp(`timeout: ${limitMs / 1000 + 1} seconds; a ${target} may name at most ${limitMs / 1000}`),
    );
    const task = await world.order('n1', target, { timeoutMs: limitMs });
    t.is(task.timeoutMs, limitMs);
  });
}

test('a plan with such a timeout is refused when it is made', async (t) => {
  const world = await newWorld(t);
  const action = wanted('down', 'change_node_power_state', { resource_id: 'n1', state: 'power off', timeout: 3601 });
  const plan = { name: 'p', requestId: 'p', maxParallel: 0, canary: 0, onFailure: 'STOP' as const, actions: [action] };
  await t.throwsAsync(world.finish(createActionPlan(plan as never, world.conductor)), {
    code: 'ACTION_PLAN_INVALID',
    message: /timeout: 3601 seconds; a power off may name at most 3600/,
  } as never);
});

for (const target of ['soft power off', 'soft rebooting'] as const) {
  test(`a ${target} that never settles is given up: the node is free, may still change, and can be deleted`, async (t) => {
    const world = await newWorld(t);
    const { uuid } = await world.order('n1', target);
    await world.clock.turn(5000);
    t.is((await getPowerTask(uuid, world.database.read)).state, 'CONFIRMING');
    const { orders } = world.conductor;
    await t.throwsAsync(world.finish(withdrawOrder(uuid, '', orders)), {
      code: 'NOT_WITHDRAWABLE',
      message: /stop_waiting/,
    } as never);
    const given = await world.finish(withdrawOrder(uuid, 'wrong rack', orders, true));
    t.like(given, { state: 'ABORTED', abortOutcome: 'STOPPED_WAITING', errorCode: 'TASK_ABORTED' });
    t.regex(given.errorMessage, /given up while it was waited for: wrong rack/);
    const node = await getNode('n1', world.database.read);
    t.is(node.heldBy, null);
    t.not(node.mayChangeUntil, null);
    t.is(
      world.received.filter((received) => received.target === 'recall').length,
      0,
      'nothing was asked of the hardware',
    );
    await t.throwsAsync(world.finish(withdrawOrder(uuid, '', orders, true)), { code: 'NOT_WITHDRAWABLE' } as never);
    await world.finish(deleteNode('n1', world.conductor));
  });
}

test('a power on that is never seen to arrive is given up', async (t) => {
  const world = await newWorld(t);
  await world.enrol('slow', { fake_power_state: 'off', fake_powering_ms: '999999999' });
  const { uuid } = await world.order('slow', 'power on', { timeoutMs: HARD });
  await world.clock.turn(30_000);
  t.is((await getPowerTask(uuid, world.database.read)).state, 'CONFIRMING');
  const given = await world.finish(withdrawOrder(uuid, '', world.conductor.orders, true));
  t.like(given, { state: 'ABORTED', abortOutcome: 'STOPPED_WAITING' });
  t.is((await getNode('slow', world.database.read)).heldBy, null);
});
