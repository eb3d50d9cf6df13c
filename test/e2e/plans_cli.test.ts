/** Action plans from the command line: real processes, hardware of the driver `fake`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PowerState } from '../../src/gen/countermand/v1/power.ts';
import { type House, openHouse } from './house.ts';
import { enrol, order, untilAtRest, untilIn, watchNode, watchTask } from './orders.ts';
import { actionStates } from './plans.ts';
import { type CommandResult, type Daemon, runHere, type Settings, startProcess } from './processes.ts';

/** A house with nodes; the system of each takes this time to stop. */
async function openRack(
  t: ExecutionContext,
  softMs: Readonly<Record<string, string>>,
  settings: Settings = {},
): Promise<House> {
  const house = await openHouse(t, { here: true, settings: { recall_confirm: 0.1, ...settings } });
  for (const [name, fake_soft_ms] of Object.entries(softMs))
    await enrol(house.client, name, 'fake', { fake_address: name, fake_soft_ms });
  return house;
}

const at = ({ address }: House) => ({ COUNTERMAND_CONDUCTOR: address });

/** Runs a command to its end. */
function countermand(house: House, ...words: string[]): Promise<CommandResult> {
  return runHere(words, at(house));
}

/** Starts a command and resolves when it says that the plan has begun; with the plan's uuid. */
async function begin(t: ExecutionContext, house: House, ...words: string[]): Promise<Daemon & { uuid: string }> {
  const command = startProcess(t, words, at(house));
  const line = await command.said.until('the plan to begin', (said) => / ONGOING; \d+ action/.test(said));
  return { ...command, uuid: /\(([\da-f]{8})\)/.exec(line)?.[1] ?? '' };
}

async function writePlan(house: House, text: string): Promise<string> {
  const path = join(house.data, 'plan.yaml');
  await writeFile(path, text);
  return path;
}

const linesOf = (text: string) => text.split('\n').map((line) => JSON.parse(line));

const RACK = `
name: rack 7 down
max_parallel: 2
actions:
  - {name: drain, action_type: set_node_maintenance, input_parameters: {resource_id: n1, maintenance: true}}
  - {name: n1, action_type: change_node_power_state, input_parameters: {resource_id: n1, state: soft power off}, parents: [drain]}
  - {name: second, action_type: change_node_power_state, input_parameters: {resource_id: n2, state: soft power off}, parents: [drain]}
  - {name: rest, action_type: nop, parents: [n1, second]}
`;

test('a plan from a file: made, listed, shown, started, watched to its end, deleted', async (t) => {
  const house = await openRack(t, { n1: '0', n2: '0' });
  const file = await writePlan(house, RACK);
  const made = await countermand(house, 'plan', 'create', file, '--request-id', 'r1');
  t.is(made.exitCode, 0, made.stderr);
  t.regex(
    made.stdout,
    /^plan 'rack 7 down' \(.{8}\) RECOMMENDED; 4 actions, at most 2 at once\n {2}countermand plan start /,
  );
  const again = await countermand(house, 'plan', 'create', file, '--request-id', 'r1', '--json');
  t.like(JSON.parse(again.stdout), { actionPlan: { state: 'RECOMMENDED', onFailure: 'STOP', size: 4 } });
  const listed = await countermand(house, 'plan', 'list', '--state', 'RECOMMENDED', 'ONGOING');
  t.regex(listed.stdout, /^NAME .*\nrack 7 down .* RECOMMENDED +4 PENDING/);
  t.deepEqual(listed.stdout.split('\n').slice(2), ['1 action plan: 1 RECOMMENDED']);
  const shown = await countermand(house, 'plan', 'show', 'r1');
  t.regex(shown.stdout, /\nsecond +n2 soft power off +PENDING +drain\nrest +nop +PENDING +n1, second$/);

  const started = await countermand(house, 'plan', 'start', 'rack 7 down', '--yes');
  t.is(started.exitCode, 0, started.stderr);
  t.regex(started.stdout, /(^|\n)plan 'rack 7 down' SUCCEEDED after [\dhms]+; 4 of 4 done$/);
  t.is((await countermand(house, 'plan', 'list', '--state', 'ONGOING')).stdout, 'no action plans');
  const watched = linesOf((await countermand(house, 'plan', 'watch', 'r1', '--json')).stdout);
  t.like(watched.at(-1), { actionPlan: { state: 'SUCCEEDED' }, actions: { length: 4 } });
  t.is((await countermand(house, 'plan', 'cancel', 'r1')).exitCode, 5);
  t.like(await countermand(house, 'plan', 'delete', 'r1', '--yes'), { exitCode: 0, stdout: 'plan r1: deleted' });
  t.is((await countermand(house, 'plan', 'list')).stdout, 'no action plans');

  const events = await countermand(house, 'events', '--plan', 'r1', '--type', 'action.*', '*.power_set.*');
  t.regex(events.stdout, / action\.update +rack 7 down\/second {2}ONGOING -> SUCCEEDED\n/);
  t.regex(events.stdout, / baremetal\.node\.power_set\.end +n1 {2}soft power off: /);
  const ofNode = await countermand(house, 'events', '--node', 'n2', '--json');
  const names = linesOf(ofNode.stdout).map(({ payload }) =>
    Object.values(payload).find((data) => typeof data === 'object'),
  );
  t.true(names.length > 3);
  for (const data of names) t.true(['n2', 'second'].includes((data as { name: string }).name));
});

test('a plan is cancelled from a second terminal while the first one watches', async (t) => {
  const house = await openRack(t, { n1: 'never', n2: '0', n3: '0' });
  const first = await begin(t, house, 'node', 'power', 'n[1-3]', 'soft_off', '--max-parallel', '1', '--reason', 'work');
  const { heldBy = '' } = await watchNode(house.client, 'n1').until(
    'an order for n1',
    (node) => node.heldBy !== undefined,
  );
  await untilIn(watchTask(house.client, heldBy), 'CONFIRMING');

  const cancelled = await countermand(house, 'plan', 'cancel', 'soft_off n[1-3]', '--reason', 'wrong rack');
  t.is(cancelled.exitCode, 0, cancelled.stderr);
  t.regex(
    cancelled.stdout,
    /\nplan 'soft_off n\[1-3\]' CANCELLED after [\dhms]+; 0 of 3 done, 1 cancelled, 2 never begun$/,
  );
  t.is(await first.ended, 8);
  const said = first.said.seen.join('\n');
  t.regex(said, /\na cancel would (abort 1 × soft power off|never begin 3)/);
  t.regex(said, /\nn1: soft power off CANCELLED after [\dhms]+; RECALLED: /);
  t.regex(said, /\nn3: soft power off CANCELLED; the plan was cancelled\n/);
  t.regex(first.logged.seen.join('\n'), /^error: plan 'soft_off n\[1-3\]' CANCELLED; cancelled: wrong rack/);
  t.deepEqual(await actionStates(house.client, first.uuid), { n1: 'CANCELLED', n2: 'CANCELLED', n3: 'CANCELLED' });
  t.is((await countermand(house, 'plan', 'cancel', first.uuid, '--no-wait')).exitCode, 0);
});

test('Ctrl-C stops the watching and says how to cancel; the plan goes on', async (t) => {
  const house = await openRack(t, { n1: 'never', n2: 'never' });
  const watching = await begin(t, house, 'node', 'power', 'n1,n2', 'soft_off');
  watching.signal('SIGINT');
  t.is(await watching.ended, 130);
  t.deepEqual(watching.logged.seen, [
    'stopped watching; the plan goes on',
    `  watch it: countermand plan watch ${watching.uuid}`,
    `  cancel it: countermand plan cancel ${watching.uuid}`,
  ]);
  const overlapping = await countermand(house, 'node', 'power', 'n[1-2]', 'soft_off');
  t.is(overlapping.exitCode, 5);
  t.regex(
    overlapping.stderr,
    /which is ONGOING; .*\n {2}possible: countermand plan cancel .*\n {2}nothing was made or started; .* --queue$/,
  );
  const queued = await countermand(house, 'node', 'power', 'n[1-2]', 'on', '--queue', '--no-wait', '--request-id', 'q');
  t.regex(queued.stdout, /PENDING; 2 actions/);
  const cancelled = linesOf((await countermand(house, '--json', 'plan', 'cancel', watching.uuid)).stdout);
  t.is(cancelled.at(-1).actionPlan.state, 'CANCELLED');
  t.is((await countermand(house, 'node', 'power', 'n[1-2]', 'on', '--queue', '--request-id', 'q')).exitCode, 0);
});

test('an action that fails: the exit code, and who says why', async (t) => {
  const house = await openRack(t, { n1: 'never', n2: '0' });
  const words = ['node', 'power', 'n[1-2]', 'soft_off', '--timeout', '5', '--on-failure', 'continue', '--canary', '0'];
  const failed = await countermand(house, ...words);
  t.is(failed.exitCode, 7);
  t.regex(failed.stderr, /^error: plan 'soft_off n\[1-2\]' FAILED; action 'n1' failed: /);
  t.regex(failed.stdout, /FAILED after [\dhms]+; 1 of 2 done, 1 failed$/);
});

test('a plan is rolled back: previewed, ordered, watched, and refused a second time', async (t) => {
  const house = await openRack(t, { n1: '0', n2: '0' });
  const file = await writePlan(house, RACK);
  t.is((await countermand(house, 'plan', 'create', file, '--request-id', 'r1', '--start', '--yes')).exitCode, 0);
  const preview = await countermand(house, 'plan', 'rollback', 'r1', '--dry-run');
  t.is(preview.exitCode, 0, preview.stderr);
  t.regex(
    preview.stdout,
    /\nACTION +NODE +WHAT WOULD BE DONE\ndrain +n1 +.*\nn1 +n1 +power on\nsecond +n2 +power on\n/,
  );
  t.regex(preview.stdout, /\npossible: countermand plan rollback [\da-f-]{8}\nnothing was written$/);
  const asJson = JSON.parse((await countermand(house, 'plan', 'rollback', 'r1', '--dry-run', '--json')).stdout);
  t.is((await countermand(house, 'plan', 'rollback', 'r1', '--preview')).stdout, preview.stdout, 'its earlier name');
  t.like(asJson, { actionPlan: { state: 'SUCCEEDED' }, undos: { 1: { kind: 'ACTION', what: 'power on' } } });

  const back = await countermand(house, 'plan', 'rollback', 'r1', '--yes', '--request-id', 'back');
  t.is(back.exitCode, 0, back.stderr);
  t.regex(back.stdout, /^plan 'rollback of rack 7 down' \(.{8}\) ONGOING; 3 actions, /);
  t.regex(back.stdout, /\nplan 'rollback of rack 7 down' SUCCEEDED after [\dhms]+; 3 of 3 done$/);
  const again = await countermand(house, 'plan', 'rollback', 'r1', '--yes', '--request-id', 'back', '--no-wait');
  t.is(again.exitCode, 0, 'the same order is the same rollback');
  const refused = await countermand(house, 'plan', 'rollback', 'r1', '--yes');
  t.is(refused.exitCode, 5);
  t.regex(refused.stderr, /cannot be rolled back: it was rolled back by plan /);
  const previewed = await countermand(house, 'plan', 'rollback', 'r1', '--dry-run');
  t.regex(previewed.stdout, /\nIt would be refused: /);
  t.is(previewed.exitCode, 5);
  t.regex((await countermand(house, 'plan', 'show', 'r1')).stdout, /\nrolled back by +[\da-f-]{36}\n/);
  t.regex((await countermand(house, 'plan', 'show', 'back')).stdout, /\nrollback of +[\da-f-]{36}\n/);
  t.is((await countermand(house, 'plan', 'rollback', 'r1', '--dry-run', '--no-wait')).exitCode, 2);
});

test('what another order has changed since is undone only if that is said', async (t) => {
  const house = await openRack(t, { n1: '0', n2: '0' });
  t.is((await countermand(house, 'node', 'power', 'n[1-2]', 'soft_off', '--request-id', 'r1')).exitCode, 0);
  t.is((await countermand(house, 'node', 'power', 'n1', 'on')).exitCode, 0);
  const preview = await countermand(house, 'plan', 'rollback', 'r1', '--dry-run');
  t.regex(preview.stdout, / DRIFT\n.* n1 is power on, .*\nn2 +n2 +power on\n/);
  t.regex(preview.stdout, /\nIt would be refused as it is \(changed since: 'n1'\); possible: .* --accept-drift\n/);
  const refused = await countermand(house, 'plan', 'rollback', 'r1', '--yes');
  t.is(refused.exitCode, 5);
  t.regex(
    refused.stderr,
    /accept_drift undoes it all the same\)\n {2}possible: countermand plan rollback .* --accept-drift$/,
  );
  t.is((await countermand(house, 'plan', 'rollback', 'r1', '--accept-drift', '--yes')).exitCode, 0);
});

test('a cancel goes on to roll back, and ends as the rollback does', async (t) => {
  const house = await openRack(t, { n1: '0', n2: 'never' });
  const first = await begin(t, house, 'node', 'power', 'n[1-2]', 'soft_off', '--max-parallel', '1');
  await first.said.until('n1 to be done', (said) => said.startsWith('n1: soft power off SUCCEEDED'));
  const { heldBy = '' } = await watchNode(house.client, 'n2').until('its order', (node) => node.heldBy !== undefined);
  await untilIn(watchTask(house.client, heldBy), 'CONFIRMING');
  const cancelled = await countermand(
    house,
    'plan',
    'cancel',
    first.uuid,
    '--rollback',
    '--yes',
    '--reason',
    'wrong rack',
  );
  t.is(cancelled.exitCode, 0, cancelled.stderr);
  t.regex(cancelled.stdout, /\nplan 'soft_off n\[1-2\]' is being rolled back; cancelled: wrong rack; /);
  // It may be over before it can be watched: then its end is all that is told.
  t.regex(cancelled.stdout, /\nplan 'rollback of soft_off n\[1-2\]' (\(.{8}\) ONGOING; 2 actions, |SUCCEEDED after )/);
  t.is(await first.ended, 8, 'who watched is told that the plan was cancelled');
  t.regex(first.said.seen.join('\n'), /\nplan 'rollback of soft_off n\[1-2\]' SUCCEEDED /);
  for (const name of ['n1', 'n2'])
    t.is((await house.client.nodes.getNode({ node: name })).node?.powerState, PowerState.ON);
});

test('a plan that undoes itself when an action fails', async (t) => {
  // What was given up may still take effect for that time; the rollback waits for that.
  const house = await openRack(t, { n1: '0', n2: 'never' }, { soft_power_off_timeout: 5 });
  const words = ['node', 'power', 'n[1-2]', 'soft_off', '--max-parallel', '1', '--on-failure', 'rollback'];
  const failed = await countermand(house, ...words);
  t.is(failed.exitCode, 7);
  t.regex(failed.stderr, /^error: plan 'soft_off n\[1-2\]' FAILED; action 'n2' failed: /);
  t.regex(failed.stdout, /\nplan 'soft_off n\[1-2\]' is being rolled back; /);
  t.regex(failed.stdout, /\nplan 'rollback of soft_off n\[1-2\]' SUCCEEDED after [\dhms]+; 2 of 2 done$/);
});

test('aborts of many nodes are given side by side', async (t) => {
  const house = await openRack(t, { n1: 'never', n2: 'never', n3: '0' });
  const orders = ['n1', 'n2'].map((node) => order(house.client, node, 'SOFT_POWER_OFF'));
  await Promise.all(orders.map((watch) => untilIn(watch, 'CONFIRMING')));
  const aborted = await countermand(house, 'node', 'power', 'n[1-3]', 'abort_soft_off', '--reason', 'wrong rack');
  t.is(aborted.exitCode, 0, aborted.stderr);
  t.deepEqual(
    aborted.stdout
      .split('\n')
      .map((line) => line.replace(/ after [\dhms]+; .*/, ''))
      .sort(),
    ['n1', 'n2', 'n3'].map(
      (node, index) => `${node}: abort soft power off ${index < 2 ? 'RECALLED' : 'NOTHING_TO_ABORT'}`,
    ),
  );
  for (const watch of orders) t.like(await untilAtRest(watch), { state: 'ABORTED', abort: { outcome: 'RECALLED' } });
  const missing = await countermand(house, 'node', 'power', 'n3,n4,n5', 'abort_soft_off', '--json');
  t.is(missing.exitCode, 3);
  t.regex(JSON.parse(missing.stderr).error.message, /^2 of 3 nodes were not aborted: n4, n5; there is no node 'n4'/);
});

test('bad plans are refused with the place, and nothing is made', async (t) => {
  const house = await openRack(t, { n1: '0' });
  const refusals: readonly (readonly [text: string, exitCode: number, says: RegExp])[] = [
    ['name: [', 2, /plan\.yaml is not valid YAML/],
    [
      'name: p\nactions: [{name: a, action_type: nop, parents: b}]',
      2,
      /plan\.yaml: actions\[0\]\.parents: must be a list/,
    ],
    [
      'name: p\nactions: [{name: a, action_type: nop, parents: [b]}]',
      2,
      /actions\[0\] 'a', parents\[0\]: there is no action 'b'/,
    ],
    ['name: p\nactions: [{name: a, action_type: nap}]', 2, /there is no action type 'nap'; there are nop, sleep/],
    ['name: p\nactions: []', 2, /actions: the plan has none; give at least one/],
    [RACK, 3, /'second'\.input_parameters\.resource_id: there is no node 'n2'/],
  ];
  for (const [text, exitCode, says] of refusals) {
    const refused = await countermand(
      house,
      'plan',
      'create',
      await writePlan(house, text),
      '--start',
      '--yes',
      '--json',
    );
    t.is(refused.exitCode, exitCode, refused.stderr);
    t.is(refused.stdout, '');
    t.regex(JSON.parse(refused.stderr).error.message, says);
  }
  const unknown = await countermand(house, 'node', 'power', 'n[1-2]', 'off', '--yes');
  t.is(unknown.exitCode, 3);
  t.is((await countermand(house, 'plan', 'list')).stdout, 'no action plans');
  t.is((await countermand(house, 'events', '--type', 'action_plan.*')).stdout, '');
  t.is((await countermand(house, 'events', '--plan', 'p')).exitCode, 3);
});
