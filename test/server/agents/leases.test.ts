/** A BMC belongs to one agent at a time, shown in virtual time. With real processes: test/e2e/lease.test.ts. */
import test from 'ava';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { AGENT_LEASE_MS } from '../../world/conductors.ts';
import { World } from '../../world/world.ts';

test('another agent does not touch a BMC before twice the lease is over, and then goes on at once', async (t) => {
  const world = await World.open(t);
  await world.startAgent('first');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  const { uuid } = await world.order('n1', 'soft power off');
  await world.clock.turn(20_000);
  await world.startAgent('second');
  const killedAt = world.clock.monotonic();
  await world.killAgent('first');

  await world.clock.turn(2 * AGENT_LEASE_MS - 1);
  t.deepEqual([...new Set(world.looks.map(({ agent }) => agent))], ['first']);
  await world.clock.turn(1);
  const [touch] = world.looks.filter(({ agent }) => agent === 'second');
  t.is(touch?.at, killedAt + 2 * AGENT_LEASE_MS);

  Object.assign(world.server('n1'), { powerState: 'power off', pending: null });
  await world.clock.turn(60_000);
  t.like(await getPowerTask(uuid, world.database.read), { state: 'SUCCEEDED' });
  t.deepEqual(world.server('n1').received, ['soft power off'], 'nothing was sent again');
  await world.end();
});

test('a lease that an earlier conductor gave, and that was longer, is waited for twice as well', async (t) => {
  const world = await World.open(t);
  await world.startAgent('first');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  await world.order('n1', 'soft power off');
  await world.clock.turn(20_000);
  const leaseMs = 3 * AGENT_LEASE_MS;
  await world.database.write(({ sql }) => sql('agents').update({ lease_ms: leaseMs }));
  await world.killConductor();
  await world.killAgent('first');
  await world.startConductor();
  const startedAt = world.clock.monotonic();
  await world.startAgent('second');
  await world.clock.turn(2 * leaseMs - 1);
  t.deepEqual([...new Set(world.looks.map(({ agent }) => agent))], ['first']);
  await world.clock.turn(1);
  t.is(world.looks.find(({ agent }) => agent === 'second')?.at, startedAt + 2 * leaseMs);
});
