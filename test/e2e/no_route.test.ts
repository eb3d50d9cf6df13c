/** A node whose BMC cannot be reached takes nothing from the others, and ends neither conductor nor agent. */
import test from 'ava';
import { openHouse } from './house.ts';
import { enrol, nodeNow, order, untilAtRest } from './orders.ts';

test('nodes without a route: each says so, orders to them fail with nothing sent, all others are served', async (t) => {
  const house = await openHouse(t, { here: true, apart: true, settings: { sync_power_state_interval: 0.5 } });
  const { client } = house;
  const routeless = { ipmi_address: '255.255.255.255', ipmi_username: 'u', ipmi_password: 'p' };
  await client.nodes.createNode({ name: 'native', driver: 'ipmi', driverInfo: routeless });
  await client.nodes.createNode({
    name: 'ipmitool',
    driver: 'ipmi',
    driverInfo: { ...routeless, ipmi_port: '624', ipmi_transport: 'ipmitool' },
  });
  await client.nodes.createNode({
    name: 'irmc',
    driver: 'irmc',
    driverInfo: { irmc_address: '255.255.255.255', irmc_username: 'u', irmc_password: 'p' },
  });
  await enrol(client, 'good', 'fake', { fake_address: 'good' });
  for (const name of ['native', 'ipmitool', 'irmc']) {
    const task = await untilAtRest(order(client, name, 'OFF'));
    t.like(task, { state: 'FAILED' }, name);
    t.regex((await nodeNow(client, name)).lastError ?? '', /cannot be reached|no way|silent/, name);
  }
  t.like(await untilAtRest(order(client, 'good', 'OFF')), { state: 'SUCCEEDED' });
  // The next rounds of power sync read all of them again.
  await client.nodes.getNode({ node: 'native' });
  house.agent.signal('SIGTERM');
  house.conductor.signal('SIGTERM');
  t.deepEqual(await Promise.all([house.agent.ended, house.conductor.ended]), [0, 0]);
});
