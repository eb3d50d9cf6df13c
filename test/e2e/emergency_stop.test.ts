/** The emergency stop from the command line: it finds what runs, also the second time, and leaves nothing behind. */
import test, { type ExecutionContext } from 'ava';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { createPlan, power, startPlan, untilActionIn, untilPlanEnds, watchPlan } from './plans.ts';
import { runHere } from './processes.ts';

const countermand = ({ address }: House, ...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: address });

async function openRack(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  for (const name of ['n1', 'n2', 'n3', 'n4'])
    await enrol(house.client, name, 'fake', { fake_address: name, fake_soft_ms: 'never' });
  return house;
}

/** Starts a plan of one soft power off and resolves with its uuid when that runs. */
async function down(house: House, node: string): Promise<string> {
  const plans = house.client.plans;
  const actions = [power(node, 'soft power off')].map((action) => ({
    ...action,
    parents: [...(action.parents ?? [])],
  }));
  const { actionPlan } = await plans.createActionPlan({ name: 'rack down', actions, start: true });
  const uuid = actionPlan?.uuid ?? '';
  await untilActionIn(watchPlan(house.client, uuid), node, 'ONGOING');
  return uuid;
}

const states = async ({ client }: House) => {
  const { actionPlans } = await client.plans.listActionPlans({});
  return Object.fromEntries(actionPlans.map(({ uuid, state }) => [uuid, state]));
};
const CANCELLED = 7;

test('a name means the plan that has not ended, however many of that name have', async (t) => {
  const house = await openRack(t);
  for (let time = 0; time < 7; time += 1) {
    const uuid = await down(house, 'n1');
    const { exitCode, stderr } = await countermand(house, 'plan', 'cancel', 'rack down');
    t.is(exitCode, 0, stderr);
    t.is((await states(house))[uuid], CANCELLED);
  }
  const ended = await countermand(house, 'plan', 'cancel', 'rack down');
  t.regex(ended.stderr, /more than one action plan is called 'rack down'; .* enough: ([\da-f]{8} CANCELLED(, |$)){5}/);
  await down(house, 'n1');
  await down(house, 'n2');
  const both = await countermand(house, 'plan', 'cancel', 'rack down');
  t.is(both.exitCode, 2);
  t.regex(both.stderr, /enough: [\da-f]{8} ONGOING, [\da-f]{8} ONGOING$/m);
  t.is((await countermand(house, 'plan', 'cancel', '--last')).exitCode, 0);
  t.is((await countermand(house, 'plan', 'cancel', 'rack down')).exitCode, 0);
});

test('a cancel finds the plans at some nodes, or the one that was started last', async (t) => {
  const house = await openRack(t);
  const [first, second, third] = [await down(house, 'n1'), await down(house, 'n2'), await down(house, 'n3')];
  await createPlan(house.client, 'not started', [power('n4', 'soft power off')]);
  t.is((await countermand(house, 'plan', 'cancel', '--last', '--reason', 'wrong rack')).exitCode, 0);
  t.is((await states(house))[third], CANCELLED);
  const again = await countermand(house, 'plan', 'cancel', '--last');
  t.is(again.exitCode, 5, 'the one that was started last has ended: no older one is cancelled in its place');
  t.deepEqual(
    [...again.stderr.matchAll(/possible: countermand plan cancel (\S+)/g)].map(([, id]) => id),
    [second.slice(0, 8), first.slice(0, 8)],
  );
  const nothing = await countermand(house, 'plan', 'cancel', '--node', 'n[3-4]');
  t.is(nothing.exitCode, 3);
  t.regex(nothing.stderr, /no plan runs or waits at n\[3-4\]; nothing was cancelled/);
  const undone = await countermand(house, 'plan', 'cancel', '--node', 'n[1-4]', '--rollback', '--yes');
  t.is(undone.exitCode, 2);
  t.regex(undone.stderr, /--rollback is about one plan, and 2 run or wait there/);
  const all = await countermand(house, 'plan', 'cancel', '--node', 'n[1-2]', 'n4');
  t.is(all.exitCode, 0, all.stderr);
  const now = await states(house);
  t.deepEqual([now[first], now[second]], [CANCELLED, CANCELLED]);
  t.is((await countermand(house, 'plan', 'cancel', '--last')).exitCode, 3);
  t.is((await countermand(house, 'plan', 'cancel', '--node', 'n9')).exitCode, 3);
  for (const words of [[], ['p', '--last'], ['--last', '--node', 'n1']]) {
    const { exitCode, stderr } = await countermand(house, 'plan', 'cancel', ...words);
    t.is(exitCode, 2);
    t.regex(stderr, /name one plan, or give --node NODES/);
  }
});

test('a refused order for many nodes leaves no plan behind; its reason is no part of the name', async (t) => {
  const house = await openRack(t);
  await startPlan(house.client, 'first', [power('n1', 'soft power off')]);
  const words = ['node', 'power', 'n[1-2]', 'soft_off', '--no-wait', '--reason', 'rack work'];
  const refused = await countermand(house, ...words);
  t.is(refused.exitCode, 5);
  t.regex(refused.stderr, /plan 'soft_off n\[1-2\]' is about nodes of plan 'first'/);
  t.regex(
    refused.stderr,
    /\n {2}possible: countermand plan cancel [\da-f-]+\n {2}nothing was made or started; .*--queue$/,
  );
  t.is((await house.client.plans.listActionPlans({})).actionPlans.length, 1);
  t.is((await countermand(house, ...words, '--queue')).exitCode, 0);
  const [queued] = (await house.client.plans.listActionPlans({})).actionPlans;
  t.like(queued, { name: 'soft_off n[1-2]', reason: 'rack work', state: 2 });
  await countermand(house, 'plan', 'cancel', 'first');
  await untilActionIn(watchPlan(house.client, queued?.uuid ?? ''), 'n1', 'ONGOING');
  const { tasks } = await house.client.power.listPowerTasks({ node: 'n1', unsettled: true });
  t.is(tasks[0]?.reason, `action 'n1' of plan 'soft_off n[1-2]' (${queued?.uuid}): rack work`);
});

test('the same order twice is one plan, made and started once', async (t) => {
  const house = await openRack(t);
  const words = ['node', 'power', 'n[1-2]', 'soft_off', '--no-wait', '--request-id', 'once', '--yes'];
  for (let time = 0; time < 2; time += 1) t.is((await countermand(house, ...words)).exitCode, 0);
  t.is((await house.client.plans.listActionPlans({})).actionPlans.length, 1);
  const mismatch = await countermand(house, 'node', 'power', 'n[3-4]', 'soft_off', '--yes=9');
  t.is(mismatch.exitCode, 5);
  t.is((await house.client.plans.listActionPlans({})).actionPlans.length, 1);
});

test('an order for a node that a plan holds is answered with the cancel of that plan', async (t) => {
  const house = await openRack(t);
  const { uuid } = await startPlan(house.client, 'p', [power('n1', 'soft power off')]);
  const watch = watchPlan(house.client, uuid);
  await untilActionIn(watch, 'n1', 'ONGOING');
  const { tasks } = await house.client.power.listPowerTasks({ node: 'n1', unsettled: true });
  t.is(tasks.length, 1);
  const held = await countermand(house, 'node', 'power', 'n1', 'on');
  t.is(held.exitCode, 5);
  const short = uuid.slice(0, 8);
  t.regex(held.stderr, new RegExp(`of plan ${short}.*; possible: cancel the plan`));
  t.regex(held.stderr, new RegExp(`\n  possible: countermand plan cancel ${short}`));
  t.is((await countermand(house, 'plan', 'cancel', short)).exitCode, 0);
  await untilPlanEnds(watch);
});
