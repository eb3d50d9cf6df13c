/** Every example does what it says, against a real conductor. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { environmentWith, startConductorProcess } from '../../scripts/demo/conductor_process.ts';
import { withConductor } from '../../src/cli/shared/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { never } from '../counterparts/signals.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const NODE = process.execPath;

/** The examples by client: a program, and the file that it runs. */
const SOFT_OFF: Readonly<Record<string, Example>> = {
  typescript: [NODE, `${EXAMPLES}typescript/soft_off.ts`],
  proto_loader: [NODE, `${EXAMPLES}proto_loader/soft_off.js`],
  shell: ['sh', `${EXAMPLES}shell/soft_off.sh`],
};
const PLAN: Readonly<Record<string, Example>> = {
  typescript: [NODE, `${EXAMPLES}typescript/plan.ts`],
  proto_loader: [NODE, `${EXAMPLES}proto_loader/plan.js`],
  shell: ['sh', `${EXAMPLES}shell/plan.sh`],
};
type Example = readonly [program: string, path: string];

/** The conductor of all these tests. Each has a node of its own. */
let address = '';
let stop = async (): Promise<void> => {};

test.before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-'));
  stop = () => rm(folder, { recursive: true, force: true });
  const flags = ['--data', `${folder}/data`, '--recall-confirm', '0'];
  const conductor = await startConductorProcess(flags, environmentWith({}), never());
  address = conductor.address;
  stop = async () => {
    await conductor.stop();
    await rm(folder, { recursive: true, force: true });
  };
});

test.after.always(() => stop());

/** A node whose operating system never stops. */
async function newNode(name: string): Promise<string> {
  const driverInfo = { fake_address: name, fake_soft_ms: 'never' };
  await withConductor(
    { address, tls: null, token: null },
    ({ nodes }) => nodes.createNode({ name, driver: 'fake', driverInfo }),
    { clock: systemClock, signal: never() },
  );
  return name;
}

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run([program, path]: Example, ...words: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, [path, ...words], { env: environmentWith({}) }, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? 1, stdout, stderr }),
    );
  });
}

/** What it printed, with states and outcomes without their prefixes. */
const plain = (stdout: string): string =>
  stdout.replaceAll(/POWER_TASK_STATE_|ABORT_OUTCOME_|ACTION_PLAN_STATE_|ACTION_STATE_/g, '');

/** The states and outcomes that it printed, in order. */
const wordsOf = (stdout: string): string[] => plain(stdout).match(/\b[A-Z]{5,}\b/g) ?? [];

/** The last two states that the lines of one kind told. */
function lastOf(stdout: string, line: RegExp): string[] {
  const states = plain(stdout)
    .split('\n')
    .flatMap((text) => line.exec(text)?.[1] ?? []);
  return states.filter((state, at) => state !== states[at - 1]).slice(-2);
}

for (const [client, example] of Object.entries(SOFT_OFF)) {
  test(`${client}: a soft power off is watched and aborted`, async (t) => {
    const { exitCode, stdout, stderr } = await run(example, address, await newNode(`soft-${client}`));
    t.is(stderr, '');
    t.is(exitCode, 0);
    t.deepEqual(wordsOf(stdout).slice(-4), ['CONFIRMING', 'RECALLED', 'ABORTING', 'ABORTED'], stdout);
  });
}

for (const [client, example] of Object.entries(PLAN)) {
  test(`${client}: a plan is made, started, watched and cancelled`, async (t) => {
    const { exitCode, stdout, stderr } = await run(example, address, await newNode(`plan-${client}`));
    t.is(stderr, '');
    t.is(exitCode, 0);
    t.deepEqual(lastOf(stdout, /^cancel: (\w+)/), ['CANCELLING', 'CANCELLED'], stdout);
    t.deepEqual(lastOf(stdout, /^action settle: (\w+)/), ['PENDING', 'CANCELLED'], stdout);
    t.deepEqual(lastOf(stdout, /^action down: (\w+)/), ['CANCELLING', 'CANCELLED'], stdout);
  });
}

for (const [what, examples] of Object.entries({ 'a soft power off': SOFT_OFF, 'a plan': PLAN })) {
  for (const [client, example] of Object.entries(examples)) {
    test(`${client}, ${what}: what the conductor refuses is told`, async (t) => {
      const { exitCode, stderr } = await run(example, address, 'r7n2');
      t.is(exitCode, 1);
      t.regex(stderr, /there is no node 'r7n2'/);
    });

    test(`${client}, ${what}: without its arguments it says how to use it`, async (t) => {
      const { exitCode, stderr } = await run(example);
      t.is(exitCode, 2);
      t.regex(stderr, /^usage: .* HOST:PORT NODE\n$/);
    });
  }
}
