/** Which server a node is, with a real conductor: a server is exchanged behind its address, and one BMC has two names. */
import { lookup } from 'node:dns/promises';
import test from 'ava';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { openHouse } from './house.ts';
import { enrol, nodeNow, order, ordersAt, untilAtRest } from './orders.ts';
import { runHere } from './processes.ts';

test('a server that was exchanged gets no order before an operator has accepted it', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  const countermand = (...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: house.address });
  const tested = await newSimBmc(t);
  const { bmc } = tested;
  await enrol(client, 'n1', 'ipmi', tested.info);
  // The new one has the address, the login, and no session of ours.
  bmc.guid = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
  bmc.restart(0);
  for (const target of ['OFF', 'SOFT_POWER_OFF'] as const) {
    const task = await untilAtRest(order(client, 'n1', target));
    t.like(task, { state: 'FAILED', errorCode: 'BMC_IS_ANOTHER' });
  }
  t.deepEqual(await ordersAt(tested), []);

  const refreshed = await countermand('node', 'refresh', 'n1');
  t.regex(refreshed.stdout, /another server answers .* countermand node accept n1/);
  const shown = await countermand('node', 'show', 'n1');
  t.regex(shown.stdout, /problem +.*BMC_IS_ANOTHER/);
  t.regex(shown.stdout, /other guid +01020304-0506-0708-090a-0b0c0d0e0f10/);
  t.regex((await countermand('node', 'why', 'n1')).stdout, /another server answers at its address/);
  t.is((await nodeNow(client, 'n1')).powerState, undefined);

  const wrong = await countermand('node', 'accept', 'n1', '--guid', 'ffffffff-0506-0708-090a-0b0c0d0e0f10');
  t.not(wrong.exitCode, 0);
  for (const time of ['first', 'second']) {
    const accepted = await countermand('node', 'accept', 'n1');
    t.is(accepted.exitCode, 0, `${time}: ${accepted.stderr}`);
    t.regex(accepted.stdout, /power state +power on/, time);
  }
  t.like(await untilAtRest(order(client, 'n1', 'OFF')), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(tested), ['off']);
});

test('a server comes back behind its address: nothing has to be accepted', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const tested = await newSimBmc(t);
  const own = tested.bmc.guid;
  await enrol(client, 'n1', 'ipmi', tested.info);
  tested.bmc.guid = Buffer.alloc(16, 7);
  tested.bmc.restart(0);
  t.like(await untilAtRest(order(client, 'n1', 'OFF')), { errorCode: 'BMC_IS_ANOTHER' });
  tested.bmc.guid = own;
  tested.bmc.restart(0);
  t.like(await untilAtRest(order(client, 'n1', 'OFF')), { state: 'SUCCEEDED' });
  t.is((await nodeNow(client, 'n1')).powerState, 'OFF');
});

test('one BMC under a name and its address: one session, one order at a time, and both nodes are told', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { address } = await lookup('localhost');
  const tested = await newSimBmc(t, { address });
  await enrol(client, 'by-name', 'ipmi', { ...tested.info, ipmi_address: 'localhost' });
  await enrol(client, 'by-address', 'ipmi', { ...tested.info, ipmi_address: address });
  for (const [name, other] of [
    ['by-name', 'by-address'],
    ['by-address', 'by-name'],
  ] as const) {
    const { node } = await client.nodes.getNode({ node: name });
    t.is(node?.problem?.code, 'BMC_TAKEN');
    t.regex(node?.problem?.message ?? '', new RegExp(`^node ${other} is reached through the same BMC`));
  }
  t.is(tested.bmc.sessions, 1);
  const holding = { ...tested.bmc.faults, silent: true };
  tested.bmc.faults = holding;
  const first = order(client, 'by-name', 'REBOOT');
  await first.until('the first order to hold the BMC', ({ state }) => state === 'QUEUED');
  const error = await t.throwsAsync(untilAtRest(order(client, 'by-address', 'REBOOT')));
  t.regex(error?.message ?? '', /same BMC .* as node by-name, which is held by power task/);
  tested.bmc.faults = { ...holding, silent: false };
  await untilAtRest(first);
  t.is((await ordersAt(tested)).length <= 1, true);
});
