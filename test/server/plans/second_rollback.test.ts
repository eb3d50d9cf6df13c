/** A second rollback of a plan, after one that has undone a part of it; and the rollback of a rollback. */
import test from 'ava';
import { previewRollback } from '../../../src/server/plans/rollback_order.ts';
import { acceptNode } from '../../../src/server/power/acceptance.ts';
import { getPlan } from '../../../src/server/store/plans.ts';
import type { World } from '../../world/world.ts';
import { make, standing, wanted, worldWith } from '../plan_making.ts';

const off = (node: string) => wanted(node, 'change_node_power_state', { resource_id: node, state: 'power off' });
const IN = wanted('in', 'set_node_maintenance', { resource_id: 'n1', maintenance: true, reason: 'work' });

async function rollBack(world: World, plan: string, requestId: string, acceptDrift = false) {
  const begun = await world.conductor.plans.rollback({ plan, requestId, skipIrreversible: false, acceptDrift });
  await world.clock.turn(60_000);
  return getPlan(begun.uuid, world.database.read);
}

/** A plan that powered off n1 and n2, and whose rollback has powered on n1; n2 refused. */
async function halfUndone(t: Parameters<typeof worldWith>[0]) {
  const world = await worldWith(t, 'n1', 'n2');
  await make(world, 'p1', [off('n1'), off('n2')]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(60_000);
  t.is((await standing(world, 'p1')).plan.state, 'SUCCEEDED');
  const server = world.server('n2');
  server.settings = { ...server.settings, fake_fault: 'refuse' };
  const first = await rollBack(world, 'p1', 'r1');
  t.is(first.state, 'FAILED');
  return world;
}

test('what the first rollback has undone is no drift for the second', async (t) => {
  const world = await halfUndone(t);
  t.deepEqual(
    (await previewRollback('p1', world.conductor)).undoings.map(({ undo }) => undo.kind === 'action' && undo.drift),
    [null, null],
  );
});

/** A plan that powered on n1 and n2, and whose rollback has powered off n1. */
async function halfOff(t: Parameters<typeof worldWith>[0]) {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_power_state: 'off', fake_guid: '1'.repeat(32) });
  await world.enrol('n2', { fake_power_state: 'off' });
  const on = (node: string) => wanted(node, 'change_node_power_state', { resource_id: node, state: 'power on' });
  await make(world, 'p1', [on('n1'), on('n2'), { ...IN, parents: ['n1'] }]);
  // The GUID is read.
  await world.clock.turn(120_000);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(60_000);
  const server = world.server('n2');
  const { settings } = server;
  server.settings = { ...settings, fake_fault: 'refuse' };
  t.is((await rollBack(world, 'p1', 'r1')).state, 'FAILED');
  server.settings = settings;
  return world;
}

test('what was changed since it was undone is left alone, unless the drift is accepted', async (t) => {
  const world = await halfOff(t);
  await world.order('n1', 'power on');
  await world.clock.turn(60_000);
  const error = await t.throwsAsync(rollBack(world, 'p1', 'r2'), { code: 'ROLLBACK_REFUSED' } as never);
  t.regex(error.message, /: action 'n1': n1 is power on, and a rollback left it power off \(accept_drift/);
  const second = await rollBack(world, 'p1', 'r2', true);
  t.is(second.state, 'SUCCEEDED');
  t.deepEqual(
    ['n1', 'n2'].map((name) => world.server(name).powerState),
    ['power off', 'power off'],
  );
});

test('maintenance that was set again since it was undone is left alone', async (t) => {
  const world = await halfOff(t);
  await make(world, 'p2', [{ ...IN, inputParameters: { ...IN.inputParameters, reason: 'another' } }]);
  await world.conductor.plans.start('p2', false);
  await world.clock.turn(60_000);
  const error = await t.throwsAsync(rollBack(world, 'p1', 'r2'), { code: 'ROLLBACK_REFUSED' } as never);
  t.regex(error.message, /: action 'in': maintenance of n1 is on, and a rollback left it off \(accept_drift/);
});

test('what was undone of another server is not undone of the one that is there now', async (t) => {
  const world = await halfOff(t);
  const server = world.server('n1');
  server.settings = { ...server.settings, fake_guid: 'a'.repeat(32) };
  const { readings, shutdown } = world.conductor;
  await world.finish(acceptNode({ node: 'n1', guid: '' }, readings, shutdown));
  const error = await t.throwsAsync(rollBack(world, 'p1', 'r2'), { code: 'ROLLBACK_REFUSED' } as never);
  t.regex(error.message, /: action 'n1': n1 is another server now.*; action 'in': n1 is another server now/);
});

test('what was not changed since is no reason to refuse a second rollback', async (t) => {
  const world = await halfOff(t);
  t.is((await rollBack(world, 'p1', 'r2')).state, 'SUCCEEDED');
  t.is(world.server('n2').powerState, 'power off');
});

test('what a rollback has undone, and its own rollback has done again, is as the plan left it', async (t) => {
  const world = await halfOff(t);
  const first = await standing(world, 'r1');
  t.is((await rollBack(world, first.plan.uuid, 'rr1')).state, 'SUCCEEDED');
  t.is(world.server('n1').powerState, 'power on');
  t.is((await rollBack(world, 'p1', 'r2')).state, 'SUCCEEDED');
  t.is(world.server('n1').powerState, 'power off');
});

test('what is said of a long name, in an order and a rollback, cuts no character in half', async (t) => {
  const world = await worldWith(t, 'n1');
  const name = '\u{1f600}'.repeat(127);
  await make(world, 'p1', [off('n1')], { name: `${name}x`, reason: name.repeat(4).slice(0, 998) });
  await world.conductor.plans.start((await standing(world, 'p1')).plan.uuid, false);
  await world.clock.turn(60_000);
  const rollback = await rollBack(world, (await standing(world, 'p1')).plan.uuid, 'r1');
  t.true(rollback.name.length >= 254 && rollback.name.isWellFormed(), rollback.name);
  for (const { reason } of await world.database.read('power_tasks'))
    t.true(reason.isWellFormed() && !reason.includes('\ufffd'), reason);
});
