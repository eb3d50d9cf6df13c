/** Bad input about plans: each is refused with its status, its code and its place; nothing is written. */
import test, { type ExecutionContext } from 'ava';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { BAD_PLAN_CALLS, createPlan } from './bad_plan_calls.ts';
import { allEvents, allNodes, allTasks, type Client } from './client.ts';
import { type House, openHouse } from './house.ts';
import { enrol, untilIn, watchTask } from './orders.ts';
import { actionsNow, createPlan as makePlan, power, startPlan, untilPlanIn, watchPlan } from './plans.ts';
import { refused } from './refusals.ts';
import { Watch } from './watching.ts';

const NOP = { name: 'a', actionType: 'nop', inputParameters: {} };

/** A node whose operating system never stops, and plans in every state that a bad call needs. */
async function openWithPlans(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  await startPlan(client, 'done', [NOP, { ...NOP, name: 'b' }]);
  await untilPlanIn(watchPlan(client, 'done'), 'SUCCEEDED');
  // A launch supersedes what others have made about the same nodes before.
  for (const name of ['runs', 'waits']) {
    await makePlan(client, name, [power('n1', 'soft power off')]);
    await client.plans.startActionPlan({ actionPlan: name, queue: name === 'waits' });
  }
  await makePlan(client, 'made', [power('n1', 'soft power off')]);
  for (const requestId of ['one', 'other'])
    await client.plans.createActionPlan({ name: 'twin', requestId, actions: [NOP] });
  await untilSent(client);
  return house;
}

/** Until the order of `runs` is out: from then on nothing happens by itself. */
async function untilSent(client: Client): Promise<void> {
  const events = await allEvents(client);
  const order = events.find(({ type }) => type === 'baremetal.node.power_set.start');
  if (!order) return untilSent(client);
  await untilIn(watchTask(client, order.data.power_task?.uuid ?? ''), 'CONFIRMING');
}

/** Everything that must not change. */
async function allOf({ client }: House): Promise<unknown> {
  const nodes = await allNodes(client);
  const { actionPlans } = await client.plans.listActionPlans({});
  const actions = await Promise.all(actionPlans.map(({ uuid }) => actionsNow(client, uuid)));
  return { nodes, actionPlans, actions, tasks: await allTasks(client), events: await allEvents(client) };
}

test('what is wrong with a call about plans is said with its place, and nothing is written', async (t) => {
  const house = await openWithPlans(t);
  const before = await allOf(house);
  for (const { what, call, ...refusal } of BAD_PLAN_CALLS) await refused(t, call(house.client), refusal, what);
  t.deepEqual(await allOf(house), before);
});

test('a target that the driver of a node cannot do is refused when the plan is made', async (t) => {
  const house = await openHouse(t, { here: true, apart: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  // What a driver can do is what the agent says of it that serves the node.
  await attachWithTargets(t, client, ['ON', 'OFF']);
  await house.stop('agent');
  const before = await allOf(house);
  const inputParameters = { resource_id: 'n1', state: 'soft power off' };
  const call = createPlan({ actions: [NOP, { name: 'n1', actionType: 'change_node_power_state', inputParameters }] });
  const says =
    /^actions\[1\] 'n1'.input_parameters.state: driver fake of node n1 cannot do soft power off; it can do power on, power off/;
  await refused(t, call(client), { status: 'FAILED_PRECONDITION', code: 'TARGET_NOT_SUPPORTED', says });
  t.deepEqual(await allOf(house), before);
});

/** Attaches another agent to the zone, whose driver `fake` can do these targets and no others. */
async function attachWithTargets(
  t: ExecutionContext,
  { agents }: Client,
  names: readonly (keyof typeof PowerTarget)[],
): Promise<void> {
  const targets = names.map((name) => PowerTarget[name]);
  const driver = { name: 'fake', driverInfoSchema: '{}', targets, recalls: [], softRebootInOneCommand: false };
  const hello = { agentUuid: 'poorer', name: 'poorer', zones: ['default'], drivers: [driver], embedded: false };
  async function* outgoing() {
    yield { message: { $case: 'hello' as const, value: hello } };
    await left.promise;
  }
  const left = Promise.withResolvers<void>();
  t.teardown(() => left.resolve());
  await new Watch(agents.attach(outgoing())).until('the welcome', () => true);
}
