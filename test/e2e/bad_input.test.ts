/** Bad input: each is refused with its status, its code and a sentence; nothing is changed, and nothing is sent. */
import test, { type ExecutionContext } from 'ava';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { infoOf } from '../counterparts/ipmi_sim.ts';
import { BAD_CALLS, create, give } from './bad_calls.ts';
import { allEvents, allNodes, allTasks } from './client.ts';
import { type House, openHouse } from './house.ts';
import { enrolSim, nodeNow, order, untilIn } from './orders.ts';
import { refused } from './refusals.ts';

/** A free node, and one that a power task holds. */
async function openWithTwoNodes(t: ExecutionContext): Promise<{ house: House; sims: readonly IpmiSim[] }> {
  const house = await openHouse(t, { here: true });
  const free = await enrolSim(t, house, 'free');
  const held = await enrolSim(t, house, 'held', { softOffDelayS: 'never' });
  await untilIn(order(house.client, 'held', 'SOFT_POWER_OFF', { requestId: 'the-holder' }), 'CONFIRMING');
  return { house, sims: [free, held] };
}

/** Everything that must not change. */
async function allOf(house: House, sims: readonly IpmiSim[]): Promise<unknown> {
  const nodes = await allNodes(house.client);
  const received = await Promise.all(sims.map((sim) => sim.received()));
  // The node that is held is looked at all the time.
  const orders = received.map((commands, index) => commands.filter((command) => index === 0 || command !== 'status'));
  return { nodes, tasks: await allTasks(house.client), events: await allEvents(house.client), orders };
}

test('what is wrong with a call is said, and nothing is done', async (t) => {
  const { house, sims } = await openWithTwoNodes(t);
  const before = await allOf(house, sims);
  for (const { what, call, ...refusal } of BAD_CALLS) await refused(t, call(house.client), refusal, what);
  t.deepEqual(await allOf(house, sims), before);
});

test('a BMC belongs to one node, however it is spelt', async (t) => {
  const { house, sims } = await openWithTwoNodes(t);
  const before = await allOf(house, sims);
  const [free] = sims;
  const info = free ? infoOf(free) : {};
  const spellings = [{}, { ipmi_port: `0${free?.port}` }, { ipmi_username: 'other' }];
  for (const spelling of spellings) {
    const call = create({ driverInfo: { ...info, ...spelling } })(house.client);
    const says = /node 'free' is reached through the same BMC/;
    await refused(t, call, { status: 'ALREADY_EXISTS', code: 'BMC_TAKEN', says });
  }
  t.deepEqual(await allOf(house, sims), before);
});

test('an order for a zone whose agent has left is refused', async (t) => {
  const house = await openHouse(t, { here: true, apart: true });
  const sim = await enrolSim(t, house, 'n1');
  await house.stop('agent');
  const before = await allOf(house, [sim]);
  const call = give({ node: 'n1' })(house.client);
  const says = /is attached for zone default; .* Nothing was sent/;
  await refused(t, call, { status: 'UNAVAILABLE', code: 'AGENT_NOT_ATTACHED', says });
  t.deepEqual(await allOf(house, [sim]), before);
  t.is((await nodeNow(house.client, 'n1')).powerState, 'ON');
});
