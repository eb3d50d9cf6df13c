/** An order that its client repeats because the answer was lost, without any id of its own, is one order. */
import test, { type ExecutionContext } from 'ava';
import type { Target } from '../../src/core/power.ts';
import type { Order } from '../../src/server/power/orders.ts';
import { DEFAULT_LIMITS } from '../world/settings.ts';
import type { World } from '../world/world.ts';
import { endWorld, worldLike } from './plan_making.ts';

const { repetitionWindowMs: DEFAULT_WINDOW_MS } = DEFAULT_LIMITS;

/** Gives an order for n1 as a client without ids does. */
const repeatable = (world: World, target: Target, more: Partial<Order> = {}) =>
  world.order('n1', target, { orderedBy: 'anonymous@127.0.0.1', joinEqual: true, ...more });

async function worldOfOne(t: ExecutionContext, repetitionWindowMs = DEFAULT_WINDOW_MS): Promise<World> {
  const world = await worldLike(t, { limits: { repetitionWindowMs } }, 'n1');
  await world.clock.turn(5000);
  return world;
}

const sentTo = (world: World) => world.received.map(({ target }) => target);

/** Gives an order, and resolves when it is at rest. */
async function settled(world: World, target: Target) {
  const task = await repeatable(world, target);
  await world.clock.turn(2000);
  return task;
}

test('six times the same reboot within the time of a repetition is one reboot, also after it has ended', async (t) => {
  const world = await worldOfOne(t);
  const uuids = new Set<string>();
  for (let attempt = 0; attempt < 6; attempt += 1) uuids.add((await settled(world, 'rebooting')).uuid);
  t.is(uuids.size, 1);
  t.deepEqual(sentTo(world), ['rebooting']);
  await endWorld(world);
});

test('it is, also over a restart of the conductor', async (t) => {
  const world = await worldOfOne(t);
  const first = await settled(world, 'rebooting');
  await world.killConductor();
  await world.startConductor();
  t.is((await settled(world, 'rebooting')).uuid, first.uuid);
  t.deepEqual(sentTo(world), ['rebooting']);
  await endWorld(world);
});

test('afterwards it is another order', async (t) => {
  const world = await worldOfOne(t);
  const first = await repeatable(world, 'rebooting');
  await world.clock.turn(DEFAULT_WINDOW_MS - 1);
  t.is((await repeatable(world, 'rebooting')).uuid, first.uuid);
  await world.clock.turn(1);
  t.not((await settled(world, 'rebooting')).uuid, first.uuid);
  t.deepEqual(sentTo(world), ['rebooting', 'rebooting']);
  await endWorld(world);
});

test('with a window of 0 it is another order as soon as it is at rest', async (t) => {
  const world = await worldOfOne(t, 0);
  const first = await settled(world, 'rebooting');
  t.not((await settled(world, 'rebooting')).uuid, first.uuid);
  t.deepEqual(sentTo(world), ['rebooting', 'rebooting']);
  await endWorld(world);
});

test('while it is not at rest it is joined, however long that takes', async (t) => {
  const world = await worldOfOne(t);
  const first = await repeatable(world, 'soft power off');
  await world.clock.turn(3 * DEFAULT_WINDOW_MS);
  t.is((await repeatable(world, 'soft power off')).uuid, first.uuid);
  const refused = { code: 'NODE_HELD' } as never;
  await t.throwsAsync(repeatable(world, 'soft power off', { timeoutMs: 5000 }), refused, 'another timeout');
  await t.throwsAsync(repeatable(world, 'soft power off', { orderedBy: 'another' }), refused, 'another caller');
  await t.throwsAsync(repeatable(world, 'soft power off', { joinEqual: false }), refused, 'an id of its own');
  await t.throwsAsync(repeatable(world, 'power off'), refused, 'another target');
  await endWorld(world);
});

test('on, off and on again are three orders, however quickly they come', async (t) => {
  const world = await worldOfOne(t);
  const uuids: string[] = [];
  for (const target of ['power off', 'power on', 'power off'] as const) uuids.push((await settled(world, target)).uuid);
  t.is(new Set(uuids).size, 3);
  t.deepEqual(sentTo(world), ['power off', 'power on', 'power off']);
  await endWorld(world);
});

test('they are, also if the clock is set back by a little, or by much', async (t) => {
  for (const backMs of [5000, 3_600_000]) {
    const world = await worldOfOne(t);
    await settled(world, 'power off');
    world.clock.jump(-backMs);
    await settled(world, 'power on');
    await settled(world, 'power off');
    t.deepEqual(sentTo(world), ['power off', 'power on', 'power off']);
    await endWorld(world);
  }
});

test('an order that was given before the clock was set back is not repeated by one of half an hour later', async (t) => {
  const world = await worldOfOne(t);
  const first = await settled(world, 'rebooting');
  world.clock.jump(-3_600_000);
  await world.clock.turn(1_800_000);
  t.not((await settled(world, 'rebooting')).uuid, first.uuid);
  t.deepEqual(sentTo(world), ['rebooting', 'rebooting']);
  await endWorld(world);
});

test('an abort that is repeated aborts nothing that was ordered since', async (t) => {
  const world = await worldOfOne(t);
  await repeatable(world, 'inject nmi');
  const abort = await repeatable(world, 'abort inject nmi');
  await world.clock.turn(5000);
  const since = await repeatable(world, 'inject nmi', { orderedBy: 'another' });
  t.is((await repeatable(world, 'abort inject nmi')).uuid, abort.uuid);
  await world.clock.turn(2000);
  const ended = await world.database.read('power_tasks').where('uuid', since.uuid).first();
  t.like(ended, { state: 'SUCCEEDED', abort_requested_at: null });
  await endWorld(world);
});

test('a repetition finds its order although it could not be given now', async (t) => {
  const world = await worldOfOne(t);
  const first = await settled(world, 'rebooting');
  await world.stopAgent('a1');
  t.is((await repeatable(world, 'rebooting')).uuid, first.uuid);
  await t.throwsAsync(repeatable(world, 'power off'), { code: 'AGENT_NOT_ATTACHED' } as never);
  await endWorld(world);
});
