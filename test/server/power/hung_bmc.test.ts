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

for (const [title, settings] of [
  ['refuses', { fake_fault: 'refuse' }],
  ['is that of another server', { fake_guid: 'aaaaaaaabbbbccccddddeeeeeeeeeeee' }],
] as const)
  test(`a BMC that ${title} is asked no faster because the window of its node is over`, async (t) => {
    const world = await World.open(t);
    await world.startAgent('a1');
    await world.enrol('n1', { fake_guid: '11111111222233334444555555555555', fake_soft_ms: 'never' });
    await world.clock.turn(1000);
    await world.order('n1', 'soft power off', { timeoutMs: 3000 });
    await world.clock.turn(5000);
    t.not((await getNode('n1', world.database.read)).mayChangeUntil, null, 'the order was given up');
    world.server('n1').settings = { ...world.server('n1').settings, ...settings };
    let asked = 0;
    world.onSent = ({ message }) => {
      if (message.$case === 'ask' && message.value.question?.$case === 'read') asked += 1;
      if (asked > 1000) throw new Error('it is asked again and again');
    };
    const minutes = 10;
    await world.clock.turn(minutes * 60_000);
    const { windowReadIntervalMs, syncPowerStateIntervalMs } = world.limits;
    const each = minutes * 60_000 * (1 / windowReadIntervalMs + 1 / syncPowerStateIntervalMs);
    t.true(asked > 10 && asked <= each + 2, `${asked} times`);
    await world.end();
  });
