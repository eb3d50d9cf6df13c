/** Frozen nodes take no orders, and lose no abort. */
import test from 'ava';
import type { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { eventually } from '../counterparts/eventually.ts';
import type { Client } from './client.ts';
import { openHouse } from './house.ts';
import { ask } from './http.ts';
import { enrol } from './orders.ts';
import { runHere } from './processes.ts';

/** Gives an order and waits for its end. */
async function giveOrder({ power }: Client, node: string, target: PowerTarget): Promise<void> {
  for await (const _ of power.setPowerState({ node, target }));
}

const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/;

test('a frozen label refuses orders, of plans too, and no abort; lifted or over, it refuses nothing', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  const command = (...words: readonly string[]) => runHere([...words, '--conductor', house.address]);
  for (const name of ['n1', 'n2', 'n3'])
    await enrol(client, name, 'fake', { fake_address: name, fake_soft_ms: 'never' });
  for (const node of ['n1', 'n2', 'n3']) await giveOrder(client, node, 1);
  await client.nodes.updateNode({ node: 'n1', setLabels: { rack: '7' } });
  await client.nodes.updateNode({ node: 'n2', setLabels: { rack: '7' } });
  const { task } = await client.power.orderPowerState({ node: 'n1', target: 5 });
  const input = { resource_id: 'n2', state: 'power off' };
  const actions = [{ name: 'a', actionType: 'change_node_power_state', inputParameters: input }];
  const { actionPlan } = await client.plans.createActionPlan({ name: 'p', actions });

  const frozen = await command('freeze', '-l', 'rack=7', '--reason', 'new power supply');
  t.regex(frozen.stdout, /^rack=7: frozen until freeze \S+ is lifted; orders are refused/);
  const uuid = UUID.exec(frozen.stdout)?.[0] ?? '';
  const refused = await command('node', 'power', 'n2', 'off', '--yes');
  t.regex(refused.stderr, /node n2 is frozen until freeze \S+ is lifted: new power supply; aborts are accepted/);
  t.is(refused.exitCode, 5);
  await t.throwsAsync(client.plans.startActionPlan({ actionPlan: actionPlan?.uuid ?? '' }), {
    code: 'NODE_FROZEN',
  } as never);
  t.regex((await command('status')).stdout, /\nfreezes +1 hold: countermand freeze list\n/);
  t.regex((await command('node', 'show', 'n2')).stdout, /\nfrozen +until freeze \S+ is lifted: new power supply\n/);
  t.notRegex((await command('node', 'show', 'n3')).stdout, /\nfrozen /);
  const listed = (await command('node', 'list', '--columns', 'name,frozen')).stdout;
  t.regex(listed, /\nn2 +until freeze \S+ is lifted: new power supply\nn3\n/);
  t.regex(listed, /; 2 frozen$/);
  for (const words of ['node power n2 off', 'node power n[2-3] off', 'plan start p']) {
    const told = await command(...words.split(' '), '--dry-run');
    t.deepEqual([told.exitCode, told.stderr.includes('node n2 is frozen')], [5, true], words);
  }
  const audit = ['audit', 'create', '--name', 'empty', '--strategy', 'host_maintenance', '--nodes', 'n[2-3]'];
  const previewed = await command(...audit, '--auto-trigger', '--dry-run');
  t.regex(previewed.stdout, /\nits start would be refused now: node n2 is frozen/);
  t.is(previewed.exitCode, 0, previewed.stderr);
  const { possible, explanation } = await client.nodes.explainNode({ node: 'n2' });
  t.deepEqual(possible, []);
  t.true(explanation.some((sentence) => sentence.startsWith('It is frozen')));
  t.is((await command('node', 'power', 'n3', 'off', '--yes')).exitCode, 0);
  t.regex((await command('freeze', 'list')).stdout, /rack=7 +it is lifted +anonymous\S+ +new power supply/);

  await client.power.orderPowerState({ node: 'n1', target: 8 });
  await eventually('the order to be taken back', async () => {
    const { task: now } = await client.power.getPowerTask({ task: task?.uuid ?? '' });
    return now?.abort?.taskUuid !== undefined && now.endedAt !== undefined;
  });

  t.is((await command('freeze', 'lift', uuid)).stdout, 'rack=7: orders are accepted again');
  t.regex((await command('freeze', 'lift', uuid)).stderr, /no freeze '\S+' holds/);
  t.is((await command('node', 'power', 'n2', 'off', '--yes')).exitCode, 0);
});

test('a frozen node does not leave its freeze by a change of labels or zone, or by being deleted', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  await client.nodes.updateNode({ node: 'n1', setLabels: { env: 'production' } });
  const { freeze } = await client.nodes.freezeNodes({ labels: { env: 'production' }, reason: 'x' });
  const frozen = { code: 'NODE_FROZEN', message: /would take it out of freeze \S+, which has to be lifted first/ };
  const refused = (work: Promise<unknown>) => t.throwsAsync(work, frozen as never);
  await refused(client.nodes.updateNode({ node: 'n1', setLabels: { env: 'lab' } }));
  await refused(client.nodes.updateNode({ node: 'n1', setLabels: { env: 'lab' }, validateOnly: true }));
  await refused(client.nodes.updateNode({ node: 'n1', removeLabels: ['env'] }));
  await refused(client.nodes.deleteNode({ node: 'n1' }));
  const body = [{ op: 'replace', path: '/extra/env', value: 'lab' }];
  const patched = await ask(house.http, 'PATCH /v1/nodes/n1', { body });
  t.regex(patched.sentence, frozen.message);
  await client.nodes.updateNode({ node: 'n1', setLabels: { rack: '7' } });
  const zone = await client.nodes.freezeNodes({ zone: 'default', reason: 'y' });
  await client.nodes.liftFreeze({ freeze: freeze?.uuid ?? '' });
  await refused(client.nodes.updateNode({ node: 'n1', zone: 'north' }));
  await client.nodes.updateNode({ node: 'n1', setLabels: { env: 'lab' } });
  await client.nodes.liftFreeze({ freeze: zone.freeze?.uuid ?? '' });
  await client.nodes.deleteNode({ node: 'n1' });
});

test('what cannot be a freeze is refused, and one that is stands in the trail', async (t) => {
  const house = await openHouse(t, { here: true });
  const command = (...words: readonly string[]) => runHere([...words, '--conductor', house.address]);
  t.regex((await command('freeze', '--reason', 'x')).stderr, /labels: none, and no zone; name one of the two/);
  t.regex((await command('freeze', '--zone', 'a')).stderr, /reason must have 1 to 1000 characters/);
  t.regex((await command('freeze', '--zone', 'a', '--reason', 'x', '--until', 'soon')).stderr, /'soon' is no time/);
  t.regex(
    (await command('freeze', '--zone', 'a', '--reason', 'x', '--until', '2020-01-01')).stderr,
    /until is over already/,
  );
  t.is((await command('freeze', '--zone', 'a', '--reason', 'x', '--until', '2099-01-01')).exitCode, 0);
  t.regex((await command('trail', 'list')).stdout, /NodeService\/FreezeNodes/);
});

test('the reason of a freeze begins no line of its own in what others are told', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  await house.client.nodes.freezeNodes({ zone: 'default', reason: 'x\nn1: power on SUCCEEDED\u001b[2K\u009b2J' });
  const { stderr } = await runHere(['node', 'power', 'n1', 'on', '--conductor', house.address]);
  t.regex(
    stderr,
    /^error: node n1 is frozen until [^\n]*: x n1: power on SUCCEEDED\ufffd\[2K\ufffd2J; aborts are accepted$/m,
  );
  t.notRegex(stderr, /^n1:/m);
});

test('a freeze is lifted by what is printed of its uuid, and says what still holds; one about no node says so', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  const command = (...words: readonly string[]) => runHere([...words, '--conductor', house.address]);
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  const all = await command('freeze', '--zone', 'default', '--reason', 'x');
  t.is(all.stderr, '');
  const misspelt = await command('freeze', '-l', 'rakc=7', '--reason', 'y');
  t.regex(misspelt.stderr, /^warning: there is no node with rakc=7/);
  t.is(misspelt.exitCode, 0);
  const { freezes } = await client.nodes.listFreezes({});
  t.is(freezes.length, 2);
  await client.nodes.freezeNodes({ zone: 'default', reason: 'z' });
  const refused = await command('node', 'power', 'n1', 'on');
  const [, short = ''] = /until freeze ([0-9a-f]{8}) is lifted: x/.exec(refused.stderr) ?? [];
  const lifted = await command('freeze', 'lift', short);
  t.regex(lifted.stdout, /^zone default: this freeze is lifted; others still hold n1: n1 is frozen until .*: z$/);
  const again = await command('freeze', 'lift', short);
  t.is(again.exitCode, 3);
  t.regex(again.stderr, /no freeze '\S+' holds\n +list them: countermand .*freeze list/);
});
