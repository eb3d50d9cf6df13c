/** Which nodes a freeze is about, and for how long. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import { FrozenPlans } from '../../../src/server/plans/frozen_plans.ts';
import { previewRollback } from '../../../src/server/plans/rollback_order.ts';
import { Freezes } from '../../../src/server/power/freezes.ts';
import { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, wanted, worldWith } from '../plan_making.ts';

test('a freeze is about a zone, labels or both; it outlives the conductor, and is over in its time', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  t.teardown(async () => {
    await world.end();
    await world.database.close();
  });
  const { freezes, store } = world.conductor.orders;
  const by = { reason: 'x', createdBy: 'jwt:a' };
  await world.finish(freezes.add({ ...by, zone: 'north', labels: {}, until: null }));
  await world.finish(
    freezes.add({ ...by, zone: 'south', labels: { rack: '7', row: 'a' }, until: world.clock.now() + 1000 }),
  );
  const isFrozen = (zone: string, labels: Record<string, string>, which = freezes) =>
    which.of({ zone, labels }) !== null;
  t.true(isFrozen('north', {}));
  t.true(isFrozen('south', { rack: '7', row: 'a', more: 'b' }));
  t.false(isFrozen('south', { rack: '7' }));
  t.false(isFrozen('west', { rack: '7', row: 'a' }));
  const later = await Freezes.open(store);
  t.true(isFrozen('south', { rack: '7', row: 'a' }, later));
  await world.clock.turn(1000);
  t.false(isFrozen('south', { rack: '7', row: 'a' }));
  t.false(isFrozen('south', { rack: '7', row: 'a' }, later));
  t.is((await Freezes.open(store)).list().length, 1);
  const [north] = freezes.list();
  await world.finish(freezes.lift(north?.uuid ?? ''));
  t.is((await Freezes.open(store)).list().length, 0);
});

test('a clock that is set forward by mistake, and back again, ends no freeze', async (t) => {
  const world = await worldWith(t, 'n1');
  const { freezes } = world.conductor.orders;
  const until = world.clock.now() + 3_600_000;
  await world.finish(freezes.add({ zone: 'default', labels: {}, reason: 'work', createdBy: 'jwt:a', until }));
  world.clock.jump(7 * 86_400_000);
  t.deepEqual(freezes.list(), []);
  const { store } = world.conductor.orders;
  const started = await Freezes.open(store);
  t.deepEqual(started.list(), []);
  world.clock.jump(-7 * 86_400_000);
  t.is(started.list().length, 1, 'nor by a conductor that has started meanwhile');
  await t.throwsAsync(world.order('n1', 'power off'), { code: 'NODE_FROZEN' } as never);
  world.clock.jump(7 * 86_400_000);
  await world.clock.turn(3_600_000);
  t.deepEqual(freezes.list(), []);
  world.clock.jump(-8 * 86_400_000);
  t.deepEqual(freezes.list(), [], 'its time is over by a clock that never jumps: it is forgotten');
});

test('a freeze that could not be written holds nothing, and one whose end could not be written holds on', async (t) => {
  const world = await worldWith(t, 'n1');
  const { orders } = world.conductor;
  const { database } = orders.store;
  const write = database.write.bind(database);
  const broken = { write: () => Promise.reject(fail('DISK_FULL', 'the test has filled the disk')) };
  const freeze = { zone: 'default', labels: {}, reason: 'work', until: null, createdBy: 'jwt:zoe' };
  Object.assign(database, broken);
  await t.throwsAsync(world.finish(orders.freezes.add(freeze)), { code: 'DISK_FULL' } as never);
  t.deepEqual(orders.freezes.list(), []);
  Object.assign(database, { write });
  const { uuid } = await world.finish(orders.freezes.add(freeze));
  Object.assign(database, broken);
  await t.throwsAsync(world.finish(orders.freezes.lift(uuid)), { code: 'DISK_FULL' } as never);
  t.is(orders.freezes.list().length, 1);
  Object.assign(database, { write });
});

const ROLLBACK = { skipIrreversible: false, acceptDrift: false };

test('a rollback that would order a frozen node is refused up front; one that orders none, and a cancel that rolls back, are not', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans, orders } = world.conductor;
  const maintenance = { resource_id: 'n1', maintenance: true };
  const freeze = { zone: 'default', labels: {}, reason: 'work', until: null, createdBy: 'jwt:zoe' };
  await make(world, 'noted', [wanted('m', 'set_node_maintenance', maintenance)]);
  await plans.start('noted', false);
  await world.clock.turn(1000);
  await make(world, 'down', [softOff('n1')]);
  await plans.start('down', false);
  await world.clock.turn(120_000);
  const { uuid } = await orders.freezes.add(freeze);
  const refused = { code: 'NODE_FROZEN' } as never;
  await t.throwsAsync(plans.rollback({ plan: 'down', requestId: 'back', ...ROLLBACK }), refused);
  t.is((await previewRollback('down', world.conductor)).refused?.code, 'NODE_FROZEN');
  t.like((await standing(world, 'down')).plan, { rolledBackBy: null, statusMessage: 'actions: 1 succeeded' });
  t.is((await previewRollback('noted', world.conductor)).refused, null);
  t.is((await plans.rollback({ plan: 'noted', requestId: 'unnoted', ...ROLLBACK })).state, 'ONGOING');
  await world.clock.turn(1000);
  await orders.freezes.lift(uuid);
  await plans.rollback({ plan: 'down', requestId: 'back', ...ROLLBACK });
  await world.clock.turn(120_000);

  await make(world, 'cut', [softOff('n1'), wanted('nap', 'sleep', { duration: 600 }, ['n1'])]);
  await plans.start('cut', false);
  await world.clock.turn(120_000);
  await orders.freezes.add(freeze);
  await plans.cancel('cut', '', true);
  await world.clock.turn(120_000);
  const { plan } = await standing(world, 'cut');
  t.is(plan.state, 'CANCELLED');
  t.is(
    plan.statusMessage,
    `cancelled; actions: 1 succeeded, 1 cancelled; its rollback is plan ${plan.rolledBackBy}; the rollback FAILED`,
  );
});

test('an order for a node that comes under a freeze before its turn is refused', async (t) => {
  const world = await worldWith(t, 'n1');
  const { orders, store } = world.conductor;
  const rack = { zone: '', labels: { rack: '7' }, reason: 'work', until: null, createdBy: 'jwt:zoe' };
  const { uuid } = await world.finish(orders.freezes.add(rack));
  const { database } = store;
  const write = database.write.bind(database);
  /** Lets `change` happen after all that the next order is checked by, and before it is written. */
  const beforeItsTurn = (change: () => Promise<unknown>): void => {
    const first: typeof write = async (work) => {
      Object.assign(database, { write });
      await change();
      return write(work);
    };
    Object.assign(database, { write: first });
  };
  const more = { setLabels: { rack: '7' }, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
  beforeItsTurn(() => changeNode({ node: 'n1', ...more }, world.conductor));
  await t.throwsAsync(world.order('n1', 'power off'), { code: 'NODE_FROZEN' } as never);
  await world.finish(orders.freezes.lift(uuid));
  t.is((await world.order('n1', 'power off')).state, 'QUEUED');
  await endWorld(world);
});

test('a plan in the queue whose turn comes under a freeze stays PENDING, through a crash, until the freeze is lifted or over', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const start = (name: string) => world.finish(world.conductor.plans.start(name, true));
  const freeze = (until: number | null) =>
    world.finish(
      world.conductor.orders.freezes.add({ zone: 'default', labels: {}, reason: 'work', createdBy: 'jwt:a', until }),
    );
  const plans = { first: ['n1'], second: ['n1', 'n2'], third: ['n2'], cancelled: ['n2'] };
  for (const [name, nodes] of Object.entries(plans)) {
    await make(
      world,
      name,
      nodes.map((node) => softOff(node)),
    );
    await start(name);
  }
  const { uuid } = await freeze(null);
  const states = async () =>
    Promise.all(
      ['first', 'second', 'third', 'cancelled'].map(async (name) => (await standing(world, name)).plan.state),
    );
  await world.clock.turn(120_000);
  t.deepEqual(await states(), ['SUCCEEDED', 'PENDING', 'PENDING', 'PENDING']);
  await world.killConductor();
  await world.startConductor();
  await world.clock.turn(120_000);
  await world.finish(world.conductor.plans.cancel('cancelled', 'not needed'));
  t.deepEqual(await states(), ['SUCCEEDED', 'PENDING', 'PENDING', 'CANCELLED']);
  t.deepEqual(
    world.received.filter(({ address }) => address === 'n2'),
    [],
  );

  await world.finish(world.conductor.orders.freezes.lift(uuid));
  await world.clock.turn(1000);
  t.deepEqual(await states(), ['SUCCEEDED', 'ONGOING', 'PENDING', 'CANCELLED']);
  await freeze(world.clock.now() + 200_000);
  await world.clock.turn(199_000);
  t.deepEqual(await states(), ['SUCCEEDED', 'SUCCEEDED', 'PENDING', 'CANCELLED']);
  await world.clock.turn(1000);
  t.is((await states())[2], 'SUCCEEDED', 'n2 is off already');
});

test('a plan that waits for the end of a freeze is launched at its end, also if another plan waited for a later end before', async (t) => {
  const world = await worldWith(t);
  for (const rack of ['2', '3']) await world.enrol(`n${rack}`, {}, { rack });
  const freeze = (rack: string, until: number) =>
    world.finish(
      world.conductor.orders.freezes.add({ zone: '', labels: { rack }, reason: 'work', createdBy: 'jwt:a', until }),
    );
  for (const [node, duration] of Object.entries({ n2: 1, n3: 10 })) {
    const stays = wanted('stays', 'set_node_maintenance', { resource_id: node, maintenance: false }, ['nap']);
    await make(world, `before ${node}`, [wanted('nap', 'sleep', { duration }), stays]);
    await world.finish(world.conductor.plans.start(`before ${node}`, true));
    await make(world, node, [softOff(node)]);
    await world.finish(world.conductor.plans.start(node, true));
  }
  const stateOf = async (name: string) => (await standing(world, name)).plan.state;
  await freeze('2', world.clock.now() + 3_600_000);
  await world.clock.turn(5000);
  await freeze('3', world.clock.now() + 10_000);
  await world.clock.turn(9000);
  t.deepEqual([await stateOf('n2'), await stateOf('n3')], ['PENDING', 'PENDING']);
  await world.clock.turn(2000);
  t.deepEqual([await stateOf('n2'), await stateOf('n3')], ['PENDING', 'SUCCEEDED']);
  await endWorld(world);
});

test('a conductor that stops while it looks at a plan that waits for the end of a freeze stops in order', async (t) => {
  const world = await worldWith(t, 'n1');
  const plan = await make(world, 'p', [softOff('n1')]);
  const shutdown = openCancellation([]);
  const reason = fail('SHUTTING_DOWN', 'the conductor stops');
  // What has no handler when a turn of the loop ends would end a real conductor, also if it gets one later.
  const unhandled: unknown[] = [];
  const note = (thrown: unknown): void => void unhandled.push(thrown);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const looked = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    shutdown.abort(reason);
    await new Promise((resolve) => setImmediate(resolve));
    looked.resolve();
  };
  const frozen = new FrozenPlans({ ...world.conductor, shutdown: shutdown.signal }, look);
  frozen.hold(plan, fail('NODE_FROZEN', 'n1 is frozen'));
  await looked.promise;
  t.false(unhandled.includes(reason));
});
