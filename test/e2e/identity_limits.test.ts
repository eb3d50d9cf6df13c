/** One identity has as much as its limits allow, over gRPC and HTTP; what it takes back is never refused. */
import test, { type ExecutionContext } from 'ava';
import { Refusal } from './client.ts';
import { openHouse } from './house.ts';
import { order, untilAtRest, untilIn } from './orders.ts';
import { power } from './plans.ts';

const FAKE = { driver: 'fake' };

/** Expects a refusal by this limit, with the time after which to try again. */
async function limited(t: ExecutionContext, call: Promise<unknown>, limit: string): Promise<Refusal> {
  const error = (await t.throwsAsync(call, { instanceOf: Refusal }, limit)) as unknown as Refusal;
  t.is(error.code, 'IDENTITY_LIMIT', error.message);
  t.regex(error.message, new RegExp(`\\(${limit}\\)`));
  return error;
}

test('nodes, plans and actions: the last is accepted, and one more changes nothing', async (t) => {
  const settings = { identity_nodes: 3, identity_plans: 2, identity_actions: 4 };
  const { client } = await openHouse(t, { here: true, settings });
  const node = (name: string) => client.nodes.createNode({ ...FAKE, name, driverInfo: { fake_address: name } });
  for (const name of ['n1', 'n2', 'n3']) await node(name);
  await limited(t, node('n4'), 'identity_nodes');
  t.is((await client.nodes.listNodes({})).nodes.length, 3);
  await client.nodes.deleteNode({ node: 'n3' });
  await node('n3');

  const plan = (requestId: string, ...nodes: string[]) =>
    client.plans.createActionPlan({
      requestId,
      name: requestId,
      actions: nodes.map((name) => ({ ...power(name, 'power off'), parents: [] })),
    });
  const first = await plan('first', 'n1', 'n2', 'n3');
  await limited(t, plan('second', 'n1', 'n2'), 'identity_actions');
  await plan('second', 'n1');
  const idle = { name: 'idle', actionType: 'sleep', inputParameters: { duration: 1 } };
  const third = client.plans.createActionPlan({ requestId: 'third', name: 'third', actions: [idle] });
  await limited(t, third, 'identity_plans');
  await plan('second', 'n1');
  t.is((await client.plans.listActionPlans({})).actionPlans.length, 2, 'a repetition is no plan more');
  await client.plans.orderCancel({ actionPlan: first.actionPlan?.uuid ?? '' });
  await plan('third', 'n1', 'n2', 'n3');
});

test('streams, also over HTTP; an abort needs no room', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { identity_streams: 1 } });
  const { client } = house;
  const driverInfo = { fake_address: 'n1', fake_soft_ms: 'never' };
  await client.nodes.createNode({ ...FAKE, name: 'n1', driverInfo });
  await untilIn(order(client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const watch = async () => {
    for await (const _ of client.nodes.watchNodes({ nodes: ['n1'] })) return;
  };
  await limited(t, watch(), 'identity_streams');
  t.like(await untilAtRest(order(client, 'n1', 'ABORT_SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
});

test('calls: refused with the limit and a time, over gRPC and as 429 over HTTP; aborts go through', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { identity_calls: 1 } });
  const ask = () => house.client.nodes.listNodes({});
  const answers = await Promise.allSettled(Array.from({ length: 50 }, ask));
  const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Refusal] : []));
  t.true(refusals.length > 0);
  t.true(refusals.every(({ code }) => code === 'IDENTITY_LIMIT'));
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => (await fetch(`${house.http}/v1/nodes`)).status),
  );
  t.true(statuses.includes(429), String(statuses));
  const withdraw = () => house.client.power.withdrawPowerTask({ task: '00000000-0000-4000-8000-000000000000' });
  const tries = await Promise.allSettled(Array.from({ length: 20 }, withdraw));
  t.true(tries.every((each) => each.status === 'rejected' && (each.reason as Refusal).code === 'POWER_TASK_NOT_FOUND'));
});
