/** A BMC that hangs holds up itself alone, shown in virtual time. With real BMCs: test/e2e/hung_bmc.test.ts. */
import test from 'ava';
import { readNode } from '../../../src/server/power/readings.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';

test('while one BMC hangs, the others are read and ordered about without any delay', async (t) => {
  const world = await World.open(t);
  await world.startAgent('a1');
  for (const name of ['n1', 'n2', 'n3', 'n4']) await world.enrol(name);
  await world.clock.turn(1000);
  world.server('n1').settings = { ...world.server('n1').settings, fake_fault: 'silent' };
  const { readings, shutdown } = world.conductor;
  const read = async (name: string) =>
    readNode(await getNode(name, world.database.read), 'conductor', readings, shutdown);
  const hangsAt = world.clock.monotonic();
  const stuck = Array.from({ length: 5 }, () => read('n1'));

  for (const name of ['n2', 'n3', 'n4']) {
    t.is((await world.finish(read(name))).reading?.powerState, 'power on');
    const { uuid } = await world.order(name, 'soft power off');
    t.like(await getPowerTask(uuid, world.database.read), { state: 'SUCCEEDED' });
  }
  t.is(world.clock.monotonic(), hangsAt, 'nothing has waited');
  for (const reading of stuck) t.like(await world.finish(reading), { errorCode: 'BMC_SILENT' });
  t.true(world.clock.monotonic() > hangsAt);
  await world.end();
});
