/** Audits from the command line: real processes, hardware of the driver `fake`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { untilPlanIn, watchPlan } from './plans.ts';
import { type CommandResult, runHere } from './processes.ts';

function countermand({ address }: House, ...words: string[]): Promise<CommandResult> {
  return runHere(['audit', ...words], { COUNTERMAND_CONDUCTOR: address });
}

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('an audit from flags: made, shown, its plan run; a second one starts its plan by itself', async (t) => {
  const house = await openHouse(t, { here: true });
  for (const name of ['n1', 'n2']) await enrol(house.client, name, 'fake', { fake_address: name });
  const flags = [
    '--strategy',
    'host_maintenance',
    '--nodes',
    'n[1-2]',
    '--parameter',
    'wave_size=1',
    'reason=new fans',
  ];
  const made = await countermand(house, 'create', '--name', 'fans', ...flags);
  t.is(made.exitCode, 0, made.stderr);
  t.regex(
    made.stdout,
    /^audit 'fans' \(.{8}\) SUCCEEDED\nplan 'fans' \(.{8}\) RECOMMENDED; 5 actions, at most 10 at once\n {2}countermand plan start /,
  );
  const shown = await countermand(house, 'show', 'fans');
  t.regex(
    shown.stdout,
    /parameters +\{"reason":"new fans","wave_size":1\}|parameters +\{"wave_size":1,"reason":"new fans"\}/,
  );
  t.regex(shown.stdout, /scope +\[\{"baremetal":\[\{"nodes":\["n\[1-2\]"\]\}\]\}\]/);
  const saving = [
    '--goal',
    'cluster_maintaining',
    '--nodes',
    'n1',
    '--auto-trigger',
    '--yes',
    '--request-id',
    'auto',
    '--json',
  ];
  const triggered = await countermand(house, 'create', '--name', 'again', ...saving);
  const [{ audit, actionPlan }] = linesOf(triggered.stdout);
  t.like(audit, {
    name: 'again',
    strategy: 'host_maintenance',
    state: 'SUCCEEDED',
    autoTrigger: true,
    auditType: 'ONESHOT',
  });
  await untilPlanIn(watchPlan(house.client, actionPlan.uuid), 'SUCCEEDED');
});

const FILE = `
name: look
strategy: dummy
parameters: {para1: 0.5}
audit_type: CONTINUOUS
interval: 3600
`;

test('an audit from a file: continuous, suspended, resumed, cancelled, deleted; flags go before the file', async (t) => {
  const house = await openHouse(t, { here: true });
  const file = join(house.data, 'audit.yaml');
  await writeFile(file, FILE);
  const made = await countermand(house, 'create', file, '--interval', '7200', '--json');
  t.is(made.exitCode, 0, made.stderr);
  const [{ audit, actionPlan }] = linesOf(made.stdout);
  t.like(audit, { auditType: 'CONTINUOUS', state: 'ONGOING', interval: 7200, parameters: { para1: 0.5 } });
  t.like(actionPlan, { name: 'look', state: 'RECOMMENDED', auditUuid: audit.uuid });
  const list = await countermand(house, 'list');
  t.regex(list.stdout, /look +[\da-f]{8} +dummy +ONGOING +every 2h, next in 1h59m/);
  for (const [order, state] of Object.entries({ suspend: 'SUSPENDED', resume: 'ONGOING', cancel: 'CANCELLED' })) {
    const answer = await countermand(house, order, 'look', '--json');
    t.like(linesOf(answer.stdout)[0], { uuid: audit.uuid, state });
  }
  t.regex((await countermand(house, 'delete', 'look', '--yes')).stdout, /^audit look: deleted$/m);
  const gone = await countermand(house, 'show', 'look');
  t.is(gone.exitCode, 3);
  t.regex(gone.stderr, /there is no audit 'look'/);
});

test('the strategies are listed with their parameters', async (t) => {
  const house = await openHouse(t, { here: true });
  const { stdout } = await countermand(house, 'strategies');
  t.regex(stdout, /^saving_energy \(goal saving_energy\): powers off softly/m);
  t.regex(stdout, /^ {2}idle_label +"idle" +The label/m);
  const named = (await countermand(house, 'strategies', '-o', 'name')).stdout.split('\n');
  t.regex((await countermand(house, 'strategies', '--columns', 'goal')).stdout, /^GOAL\n/);
  const names = linesOf((await countermand(house, 'strategies', '--json')).stdout).map(({ name }) => name);
  t.deepEqual(named, names);
  t.deepEqual(names, ['manual', 'dummy', 'host_maintenance', 'saving_energy', 'evacuate']);
});

test('what is wrong with an audit file is said with its place', async (t) => {
  const house = await openHouse(t, { here: true });
  const file = join(house.data, 'audit.yaml');
  await writeFile(file, `${FILE}colour: red\n`);
  const refused = await countermand(house, 'create', file);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /audit\.yaml: colour is no key; the keys are name, audit_type, strategy, goal/);
  const nameless = await countermand(house, 'create', '--strategy', 'dummy');
  t.regex(nameless.stderr, /the audit has no name; give --name NAME, or a file that has one/);
});

test('templates: made from flags, listed, shown, deleted; an audit is made from one', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  const uuid = '6ababb38-f664-430b-a78b-91e368a8626a';
  const flags = ['--strategy', 'host_maintenance', '--nodes', 'n1', '--description', 'new fans', '--uuid', uuid];
  const made = await countermand(house, 'template', 'create', 'rack', ...flags);
  t.is(
    made.stdout,
    "audit template 'rack' (6ababb38): goal cluster_maintaining, strategy host_maintenance",
    made.stderr,
  );
  t.regex((await countermand(house, 'template', 'list')).stdout, /rack +6ababb38 +cluster_maintaining +host_maint/);
  t.regex((await countermand(house, 'template', 'show', 'rack')).stdout, /scope +\[\{"baremetal":\[\{"nodes":\["n1"\]/);
  const audit = await countermand(house, 'create', '--name', 'fans', '--template', 'rack');
  t.regex(audit.stdout, /^audit 'fans' \(.{8}\) SUCCEEDED\nplan 'fans' /, audit.stderr);
  const all = await countermand(house, 'template', 'create', 'all', '--goal', 'dummy', '--all');
  t.regex(all.stderr, /--all is not kept in a template/);
  t.regex(
    (await countermand(house, 'template', 'delete', 'rack')).stderr,
    /would delete audit template 'rack' for good/,
  );
  t.is((await countermand(house, 'template', 'delete', 'rack', '--yes')).stdout, 'audit template rack: deleted');
});
