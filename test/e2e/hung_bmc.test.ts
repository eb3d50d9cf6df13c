/** A BMC that hangs holds up itself alone. That nothing waits is shown in virtual time: test/server/power/hung_bmc.test.ts. */
import test from 'ava';
import { openHouse } from './house.ts';
import { enrolSim, order, ordersAt, untilAtRest, untilIn } from './orders.ts';
import { Watch } from './watching.ts';

test('while one BMC hangs, the others are read and ordered about', async (t) => {
  const house = await openHouse(t, { here: true });
  const hung = await enrolSim(t, house, 'n1');
  const others = ['n2', 'n3', 'n4'];
  const sims = await Promise.all(others.map((name) => enrolSim(t, house, name)));
  hung.suspend();
  const read = (nodes: string) => new Watch(house.client.nodes.refreshNodes({ nodes: [nodes] }));
  // One after the other is given up after 6 s: the last reading of n1 would be after all that the others do.
  const stuck = Array.from({ length: 50 }, () => read('n1'));
  const readings = read('n[1-4]');
  const namesRead = () => readings.seen.map(({ node }) => node?.name);
  await readings.until('the readings of the others', () => readings.seen.length === others.length);
  t.deepEqual(namesRead().toSorted(), others);
  const tasks = await Promise.all(others.map((name) => untilAtRest(order(house.client, name, 'SOFT_POWER_OFF'))));
  for (const task of tasks) t.like(task, { state: 'SUCCEEDED' });
  for (const sim of sims) t.deepEqual(await ordersAt(sim), ['soft']);

  const [first] = stuck;
  const givenUp = await first?.until('it to be given up', () => true);
  t.regex(givenUp?.reason ?? '', /is silent: no answer within 6 s/);
  hung.resume();
  t.is(await readings.ended, null);
  t.like(readings.seen.at(-1), { node: { name: 'n1' }, reason: '' });
});

test('an order goes before the readings that wait for the same BMC', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  sim.suspend();
  const refresh = () => new Watch(house.client.nodes.refreshNodes({ nodes: ['n1'] }));
  const readings = Array.from({ length: 30 }, refresh);
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(watch, 'QUEUED');
  sim.resume();
  await untilIn(watch, 'CONFIRMING');
  for (const reading of readings) t.is(await reading.ended, null);

  // Before it: the first reading of all, those that were under way, and the order's own. The order came behind all.
  const before = (await sim.received()).indexOf('soft');
  t.true(before < readings.length / 2, `${before} of ${readings.length + 2} readings went before the order`);
});
