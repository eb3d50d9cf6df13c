/**
 * The clients that people of OpenStack have: `baremetal`, `watcher`, `openstack` and the Python APIs, in one process. All tests of
 * a process share it, as it takes a second to start; it does one thing after the other.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { makeFolder } from './folder.ts';

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

/** Clients of one door. */
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

type Ask = (asked: object) => Promise<unknown>;

/** The process, once it was asked for. */
let started: Promise<{ readonly ask: Ask; end(): Promise<void> }> | null = null;
test.after.always(async () => (await started)?.end());

/**
 * The clients, for a door at `url`.
 * @param flags flags of a program that take the place of the usual ones
 */
export async function fieldClients(url: string, flags: typeof FLAGS = FLAGS): Promise<FieldClients> {
  started ??= start();
  const { ask } = await started;
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

async function start() {
  const cwd = await makeFolder();
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', SCRIPT], {
    stdio: 'pipe',
    cwd,
    // No configuration of this system, and no other authorities than those of a test.
    env: { HOME: cwd, COLUMNS: '200', PYTHONWARNINGS: 'ignore' },
  });
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    await rm(cwd, { recursive: true });
  };
  return { ask: asker(child), end };
}

function asker({ stdin, stdout, stderr }: ChildProcessWithoutNullStreams): Ask {
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
