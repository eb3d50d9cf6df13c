/** Clients that choose a request_id from uuids that they have seen: real processes, hardware of the driver `fake`. */
import test, { type ExecutionContext } from 'ava';
import { allTasks } from './client.ts';
import { type House, openHouse } from './house.ts';
import { enrol, nodeNow, order, untilAtRest } from './orders.ts';
import { actionsNow, createPlan, power, untilPlanEnds, type Wanted, watchPlan } from './plans.ts';
import { type CommandResult, runHere } from './processes.ts';

async function openPair(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  for (const fake_address of ['n1', 'n2']) await enrol(house.client, fake_address, 'fake', { fake_address });
  return house;
}

/** Runs a command to its end. */
function countermand({ address }: House, ...words: string[]): Promise<CommandResult> {
  return runHere(words, { COUNTERMAND_CONDUCTOR: address });
}

const linesOf = (text: string) => text.split('\n').map((line) => JSON.parse(line));

/** Follows a stream to its end. */
async function watching(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

/** What has been sent to a node. */
async function sentTo({ client }: House, node: string): Promise<string[]> {
  const tasks = await allTasks(client);
  return tasks
    .filter(({ nodeName, target }) => nodeName === node && !target.startsWith('ABORT'))
    .map((task) => task.target);
}

const HOLD: Wanted = {
  name: 'hold',
  actionType: 'set_node_maintenance',
  inputParameters: { resource_id: 'n1', maintenance: true },
};

for (const by of ['gRPC', 'the command line'] as const) {
  /** Powers n2 off under this request_id. */
  const powerOff = async (t: ExecutionContext, house: House, requestId: string): Promise<void> => {
    if (by === 'gRPC') {
      const { state } = await untilAtRest(order(house.client, 'n2', 'OFF', { requestId }));
      return void t.is(state, 'SUCCEEDED');
    }
    const given = await countermand(house, 'node', 'power', 'n2', 'off', '--yes', '--request-id', requestId);
    t.is(given.exitCode, 0, given.stderr);
  };

  for (const word of ['', ' abort'])
    test(`by ${by}, an order on n2 with the uuid of an action${word}: neither the plan nor its rollback touches n1 for it`, async (t) => {
      const house = await openPair(t);
      const { client } = house;
      const wake = await createPlan(client, 'wake', [power('n1', 'power on')]);
      const { n1 } = await actionsNow(client, wake.uuid);
      await powerOff(t, house, `${n1?.uuid}${word}`);
      const started = await countermand(house, 'plan', 'start', 'wake', '--yes');
      t.is(started.exitCode, 0, started.stderr);
      const rollback = watching(client.plans.rollbackActionPlan({ actionPlan: wake.uuid }));
      await t.throwsAsync(rollback, { message: /changed nothing that could be undone/ });
      t.deepEqual(await sentTo(house, 'n1'), ['ON']);
      t.is((await nodeNow(client, 'n1')).powerState, 'ON');
      // The order of the action names it, and is no client's request; the client's is the client's.
      const tasks = linesOf((await countermand(house, 'power', 'list', '--json')).stdout);
      const of = (node: string) => tasks.find(({ nodeName }) => nodeName === node);
      t.like(of('n1'), { actionUuid: n1?.uuid, planUuid: wake.uuid, requestId: '' });
      t.like(of('n2'), { actionUuid: '', planUuid: '', requestId: `${n1?.uuid}${word}` });
    });

  test(`by ${by}, an order with the uuid of a maintenance action: the action is done all the same`, async (t) => {
    const house = await openPair(t);
    const { client } = house;
    const plan = await createPlan(client, 'maint', [HOLD]);
    const { hold } = await actionsNow(client, plan.uuid);
    await powerOff(t, house, hold?.uuid ?? '');
    t.is((await countermand(house, 'plan', 'start', 'maint', '--yes')).exitCode, 0);
    t.true(JSON.parse((await countermand(house, 'node', 'show', 'n1', '--json')).stdout).maintenance);
  });
}

test('events --plan: what names the plan in its reason only is not of the plan', async (t) => {
  const house = await openPair(t);
  const { client } = house;
  const plan = await createPlan(client, 'down', [power('n1', 'power off')]);
  const reason = `action 'n2' of plan 'down' (${plan.uuid})`;
  await untilAtRest(order(client, 'n2', 'OFF', { reason }));
  await client.plans.startActionPlan({ actionPlan: plan.uuid });
  await untilPlanEnds(watchPlan(client, plan.uuid));
  const events = await countermand(house, 'events', '--plan', 'down', '--type', '*.power_set.*');
  t.regex(events.stdout, / baremetal\.node\.power_set\.end +n1 /);
  t.notRegex(events.stdout, / n2 /);
  const [task] = (await allTasks(client)).filter(({ nodeName }) => nodeName === 'n1');
  const shown = await countermand(house, 'power', 'show', task?.uuid ?? '');
  t.regex(shown.stdout, new RegExp(`\\nplan +${plan.uuid}\\naction +[0-9a-f-]{36}\\n`));
});
