/** Which nodes a freeze is about, and for how long. */
import test from 'ava';
import { Freezes } from '../../../src/server/power/freezes.ts';
import { World } from '../../world/world.ts';

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
