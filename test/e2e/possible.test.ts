/** What is named as possible, over gRPC and on the command line, is accepted. */
import test from 'ava';
import { type House, openHouse } from './house.ts';
import { enrol, enrolSim, order, untilAtRest, untilIn } from './orders.ts';
import { createPlan, power, startPlan, untilActionIn, watchPlan } from './plans.ts';
import { type CommandResult, runHere } from './processes.ts';

function countermand({ address }: House, ...words: string[]): Promise<CommandResult> {
  return runHere(words, { COUNTERMAND_CONDUCTOR: address });
}

/** The explanation of a node as JSON. */
async function why(house: House, node: string) {
  return JSON.parse((await countermand(house, 'node', 'why', node, '--json')).stdout);
}

test('without an agent, nothing is possible but what takes an order back', async (t) => {
  const house = await openHouse(t, { here: true, apart: true });
  for (const fake_address of ['n1', 'n2'])
    await enrol(house.client, fake_address, 'fake', { fake_address, fake_soft_ms: 'never' });
  t.is((await why(house, 'n1')).possible.length, 6);
  await untilIn(order(house.client, 'n2', 'SOFT_POWER_OFF'), 'CONFIRMING');
  await house.stop('agent');

  t.deepEqual((await why(house, 'n1')).possible, []);
  t.regex((await countermand(house, 'node', 'why', 'n1')).stdout, /\nnothing can be ordered now$/);
  const refused = await countermand(house, 'node', 'power', 'n1', 'on');
  t.regex(refused.stderr, /no agent .* is attached/);

  const held = await why(house, 'n2');
  t.like(held.possible, { length: 1, 0: { target: 'ABORT_SOFT_POWER_OFF' } });
  t.deepEqual(held.holder.possible, ['node power n2 abort_soft_off']);
});

test('an NMI over IPMI cannot be aborted, and only the waiting for it can be ended', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1');
  await sim.configure({ holds: true });
  const nmi = order(house.client, 'n1', 'INJECT_NMI');
  const { uuid, possible } = await untilIn(nmi, 'SENDING');
  t.is(possible, undefined, 'while it may be on its way there is nothing');
  await sim.configure({ holds: false });
  t.false(nmi.seen.some((task) => task.possible?.some((words) => words.includes('abort'))));
  const refused = await countermand(house, 'node', 'power', 'n1', 'abort_inject_nmi', '--task', uuid);
  t.regex(refused.stderr, /cannot do abort inject nmi/);
  await untilAtRest(nmi);
});

test('a plan about nodes of one that runs is said to start with --queue, and its rollback with what it needs', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  for (const fake_address of ['n1', 'n2'])
    await enrol(client, fake_address, 'fake', { fake_address, fake_soft_ms: fake_address === 'n1' ? 'never' : '0' });
  const runs = await startPlan(client, 'runs', [power('n1', 'soft power off')]);
  await untilActionIn(watchPlan(client, runs.uuid), 'n1', 'ONGOING');
  const waits = await createPlan(client, 'waits', [power('n1', 'power off')]);
  const possibleFor = async (plan: string): Promise<string[]> => {
    const shown = await countermand(house, 'plan', 'show', plan, '--json');
    return JSON.parse(shown.stdout.split('\n')[0] ?? '').actionPlan.possible;
  };
  t.true((await possibleFor('waits')).includes(`plan start ${waits.uuid} --queue`));
  const refused = await countermand(house, 'plan', 'start', 'waits', '--yes');
  t.regex(refused.stderr, /--queue/);

  const done = await startPlan(client, 'done', [power('n2', 'power off')]);
  await watchPlan(client, done.uuid).until('its end', ({ state }) => state === 'SUCCEEDED');
  t.true((await possibleFor('done')).includes(`plan rollback ${done.uuid}`));
  await untilAtRest(order(client, 'n2', 'ON'));
  t.true((await possibleFor('done')).includes(`plan rollback ${done.uuid} --accept-drift`));
  await client.plans.startActionPlan({ actionPlan: waits.uuid, queue: true });
  const taken = await startPlan(client, 'taken', [
    { name: 'nap', actionType: 'sleep', inputParameters: { duration: 600 } },
    power('n2', 'power off', 'nap'),
  ]);
  t.deepEqual(await possibleFor('done'), [`plan delete ${done.uuid}`]);
  const overlapping = await countermand(house, 'plan', 'rollback', 'done', '--dry-run');
  t.regex(overlapping.stdout, /is ONGOING on some of its nodes/);
  t.truthy(taken.uuid);
});
