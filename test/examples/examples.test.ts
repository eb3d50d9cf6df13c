/** Every example does what it says, against a real conductor. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { environmentWith, startConductorProcess } from '../../scripts/demo/conductor_process.ts';
import { withConductor } from '../../src/cli/connection.ts';
import { newFolder } from '../counterparts/folder.ts';
import { never } from '../counterparts/signals.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const NODE = process.execPath;

/** The clients: a program, and the example that it runs. */
const CLIENTS: Readonly<Record<string, readonly [program: string, path: string]>> = {
  typescript: [NODE, `${EXAMPLES}typescript/soft_off.ts`],
  proto_loader: [NODE, `${EXAMPLES}proto_loader/soft_off.js`],
  shell: ['sh', `${EXAMPLES}shell/soft_off.sh`],
};

/** A conductor for one test, with a node whose operating system never stops. */
async function newConductor(t: ExecutionContext): Promise<string> {
  const folder = await newFolder(t);
  const flags = ['--data', `${folder}/data`, '--recall-confirm', '0'];
  const conductor = await startConductorProcess(flags, environmentWith({}), never());
  t.teardown(() => conductor.stop());
  const driverInfo = { fake_address: 'r7n1', fake_soft_ms: 'never' };
  const node = { name: 'r7n1', driver: 'fake', driverInfo };
  await withConductor(conductor.address, ({ nodes }) => nodes.createNode(node), never());
  return conductor.address;
}

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(client: string, ...words: readonly string[]): Promise<Ran> {
  const [program = '', path = ''] = CLIENTS[client] ?? [];
  return new Promise((resolve) => {
    const child = execFile(program, [path, ...words], { env: environmentWith({}) }, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? 1, stdout, stderr }),
    );
  });
}

/** The states and outcomes that it printed, in order and without prefixes. */
const wordsOf = (stdout: string): string[] =>
  stdout.replaceAll(/POWER_TASK_STATE_|ABORT_OUTCOME_/g, '').match(/\b[A-Z]{5,}\b/g) ?? [];

for (const client of Object.keys(CLIENTS)) {
  test(`${client}: a soft power off is watched and aborted`, async (t) => {
    const address = await newConductor(t);
    const { exitCode, stdout, stderr } = await run(client, address, 'r7n1');
    t.is(stderr, '');
    t.is(exitCode, 0);
    t.deepEqual(wordsOf(stdout).slice(-4), ['CONFIRMING', 'RECALLED', 'ABORTING', 'ABORTED'], stdout);
  });

  test(`${client}: what the conductor refuses is told`, async (t) => {
    const address = await newConductor(t);
    const { exitCode, stderr } = await run(client, address, 'r7n2');
    t.is(exitCode, 1);
    t.regex(stderr, /there is no node 'r7n2'/);
  });

  test(`${client}: without its arguments it says how to use it`, async (t) => {
    const { exitCode, stderr } = await run(client);
    t.is(exitCode, 2);
    t.regex(stderr, /^usage: .* HOST:PORT NODE\n$/);
  });
}
