/** Stale plans on the command line and over the wire: real processes, hardware of the driver `fake`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { type CommandResult, runHere } from './processes.ts';

const PLAN =
  'actions: [{name: a, action_type: set_node_maintenance, input_parameters: {resource_id: n1, maintenance: true}}]';

function countermand({ address }: House, ...words: string[]): Promise<CommandResult> {
  return runHere(words, { COUNTERMAND_CONDUCTOR: address });
}

async function makePlan(t: ExecutionContext, house: House, name: string): Promise<void> {
  const path = join(house.data, `${name}.yaml`);
  await writeFile(path, `name: ${name}\n${PLAN}\n`);
  const made = await countermand(house, 'plan', 'create', path);
  t.is(made.exitCode, 0, made.stderr);
}

test('a node changes after a plan was made: the plan says so, cannot be started, and the history has it', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  await makePlan(t, house, 'p1');
  const { actionPlan: made } = await house.client.plans.getActionPlan({ actionPlan: 'p1' });
  await countermand(house, 'node', 'set', 'n1', '--label', 'rack=7');
  const start = await countermand(house, 'plan', 'start', 'p1', '--force', '--yes');
  t.is(start.exitCode, 5);
  t.regex(
    start.stderr,
    /plan 'p1' .* is SUPERSEDED; it cannot be started: node n1 changed at .*: labels none -> rack=7/,
  );
  const shown = await countermand(house, 'plan', 'show', 'p1');
  t.regex(shown.stdout, /SUPERSEDED.*labels none -> rack=7/s);
  const listed = await countermand(house, 'node', 'changes', '--from', String((made?.modelRevision ?? 0n) + 1n));
  t.regex(
    listed.stdout,
    /^REVISION +WHEN +NODE +WHAT +WAS +IS +WHY\n2 +\S+ +n1 +labels +none +rack=7 +ordered by an operator$/,
  );
  const all = await countermand(house, 'node', 'changes', '--json');
  const changes = all.stdout.trim().split('\n');
  t.deepEqual(
    changes.map((line) => JSON.parse(line).what),
    ['labels', 'node'],
  );
  t.is((await countermand(house, 'node', 'changes', '--from', 'x')).exitCode, 2);
});

test('something outside has changed what runs on a node: it is reported, and the plan is stale', async (t) => {
  const house = await openHouse(t, { here: true });
  for (const name of ['n1', 'n2']) await enrol(house.client, name, 'fake', { fake_address: name });
  await makePlan(t, house, 'p1');
  const stateNow = async () => (await house.client.plans.getActionPlan({ actionPlan: 'p1' })).actionPlan?.state;
  const report = (...words: string[]) => countermand(house, 'node', 'report', ...words);

  t.is(
    (await report('instance.update', 'n2')).stdout,
    'recorded as revision 3 of the cluster model; plans about these nodes that have not started are superseded',
  );
  t.is(await stateNow(), ActionPlanState.RECOMMENDED);
  const unknown = await report('instance.create', 'n1');
  t.is(unknown.exitCode, 2);
  t.regex(
    unknown.stderr,
    /there is no event 'instance.create'; there are instance.update, instance.delete.end, service.update/,
  );
  t.is((await report('instance.update', 'n[1-3]')).exitCode, 3);
  t.is(await stateNow(), ActionPlanState.RECOMMENDED);

  const told = await report(
    'instance.delete.end',
    'n[1-2]',
    '--reason',
    'moved away',
    '--payload',
    'instance=web1',
    '--json',
  );
  t.is(told.stdout, '{"modelRevision":"5","changed":true}');
  t.is(await stateNow(), ActionPlanState.SUPERSEDED);
  const listed = await countermand(house, 'node', 'changes', '--from', '4', '--json');
  const [last] = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.like(last, { what: 'instance.delete.end', newValue: '{"instance":"web1"}' });
  t.regex(last.cause, /moved away/);
});

test('a plan that is too old is superseded by its start; force starts it, and that is recorded', async (t) => {
  const settings = { action_plan_expiry: 0.000001, check_periodic_interval: 3600 };
  const house = await openHouse(t, { here: true, settings });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  for (const name of ['old', 'forced']) await makePlan(t, house, name);
  const start = await countermand(house, 'plan', 'start', 'old', '--yes');
  t.is(start.exitCode, 5);
  t.regex(
    start.stderr,
    /plan 'old' .* is SUPERSEDED; it cannot be started: at .* it was older than action_plan_expiry/,
  );
  const forced = await countermand(house, 'plan', 'start', 'forced', '--force', '--yes');
  t.is(forced.exitCode, 0, forced.stderr);
  const { actionPlan } = await house.client.plans.getActionPlan({ actionPlan: 'forced' });
  t.like(actionPlan, { state: ActionPlanState.SUCCEEDED, forced: true });
});

test('the history of the model comes a page at a time, the newest first', async (t) => {
  const house = await openHouse(t, { here: true });
  const { nodes } = house.client;
  for (const name of ['n1', 'n2', 'n3']) await enrol(house.client, name, 'fake', { fake_address: name });
  const first = await nodes.listModelChanges({ pageSize: 2 });
  t.deepEqual(
    first.changes.map(({ revision, nodeName }) => `${revision} ${nodeName}`),
    ['3 n3', '2 n2'],
  );
  t.is(first.revision, 3n);
  const second = await nodes.listModelChanges({ pageSize: 2, pageToken: first.nextPageToken });
  t.deepEqual(
    second.changes.map(({ nodeName }) => nodeName),
    ['n1'],
  );
  t.is(second.nextPageToken, '');
  await t.throwsAsync(nodes.listModelChanges({ fromRevision: -1n }), {
    message: /from_revision is -1; it is 0 or more/,
  });
  await t.throwsAsync(nodes.listModelChanges({ fromRevision: 2n, pageToken: first.nextPageToken }), {
    message: /page_token does not belong/,
  });
});
