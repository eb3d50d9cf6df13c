/** The clients that people of OpenStack have: `baremetal`, `watcher`, `openstack` and the Python APIs, in one process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { newFolder } from './folder.ts';

const SCRIPT = fileURLToPath(new URL('./field_clients.py', import.meta.url));

/** The result of a command. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of a call of a Python API: one of the two. */
export interface CallEnd {
  readonly result?: unknown;
  readonly error?: string;
}

/** Clients of one door, for one test. */
export interface FieldClients {
  /** Runs a command: `baremetal node list`. What follows the program is split at blanks, unless it is given in parts. */
  run(words: string | readonly string[]): Promise<CommandEnd>;
  /** Calls a method of openstacksdk's bare-metal proxy. */
  sdk(name: string, args?: readonly unknown[], kwargs?: object): Promise<CallEnd>;
  /** Calls a method of ironicclient's `node`. */
  ironic(name: string, args?: readonly unknown[], kwargs?: object): Promise<CallEnd>;
}

/** How each program is told where the door is, and that no login is needed. */
const FLAGS: Readonly<Record<string, (url: string) => readonly string[]>> = {
  // Its own retries are switched off where a test is not about them: they take 10 s.
  baremetal: (url) => ['--os-auth-type', 'none', '--os-endpoint', url, '--max-retries', '0'],
  openstack: (url) => ['--os-auth-type', 'none', '--os-endpoint', url],
  // It strips a version from the end of the URL, and takes the last digit of a port such as 41051 for a part of one.
  watcher: (url) => ['--os-endpoint-override', url.endsWith('1') ? `${url}/.` : url],
};

/**
 * Starts the process.
 * @param flags flags of a program that take the place of the usual ones
 */
export async function startFieldClients(
  t: ExecutionContext,
  url: string,
  flags: typeof FLAGS = FLAGS,
): Promise<FieldClients> {
  const cwd = await newFolder(t);
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', SCRIPT], {
    stdio: 'pipe',
    cwd,
    // No configuration of this system, and no other authorities than those of a test.
    env: { HOME: cwd, COLUMNS: '200', PYTHONWARNINGS: 'ignore' },
  });
  t.teardown(() => end(child));
  const ask = asker(child);
  return {
    async run(words) {
      const [program = '', ...argv] = typeof words === 'string' ? words.split(' ') : words;
      return (await ask({
        program,
        argv: [...((flags[program] ?? FLAGS[program])?.(url) ?? []), ...argv],
      })) as CommandEnd;
    },
    sdk: async (name, args = [], kwargs = {}) => (await ask({ api: 'sdk', url, name, args, kwargs })) as CallEnd,
    ironic: async (name, args = [], kwargs = {}) => (await ask({ api: 'ironic', url, name, args, kwargs })) as CallEnd,
  };
}

function asker({ stdin, stdout, stderr }: ChildProcessWithoutNullStreams): (asked: object) => Promise<unknown> {
  const waiting = new Map<number, { resolve(came: unknown): void; reject(error: Error): void }>();
  let said = '';
  let next = 0;
  stderr.on('data', (chunk) => {
    said += chunk;
  });
  const lines = createInterface(stdout);
  lines.on('line', (line) => {
    const { id, ...came } = JSON.parse(line);
    waiting.get(id)?.resolve(came);
    waiting.delete(id);
  });
  lines.on('close', () => {
    const ended = new Error(`the clients have ended; scripts/install-counterparts.sh installs them: ${said}`);
    for (const { reject } of waiting.values()) reject(ended);
  });
  return (asked) =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, { resolve, reject });
      stdin.write(`${JSON.stringify({ id: next, ...asked })}\n`);
    });
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
}
