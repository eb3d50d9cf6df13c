/**
 * A real Ironic as the peer of the HTTP door: API and conductor in one process, as its own command `ironic` runs them, without
 * authentication and without a message queue. Its database is an SQLite file, its hardware the driver `fake-hardware`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation, sleep } from '../src/core/signals.ts';

/** An Ironic that answers. */
export interface Ironic {
  /** Where it is asked: `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** Of its only process. */
  readonly pid: number;
  /** Ends it; the folder keeps its database. */
  stop(): Promise<void>;
}

/** How an Ironic is configured. */
export interface IronicOptions {
  /** Its files; one that was used before has the nodes that it had. */
  readonly folder: string;
  /** Each commit waits until the disk has it, which is SQLite's default and what our conductor does. */
  readonly waitsForDisk: boolean;
}

/** Debian's modules are those of Debian's Python. */
const PYTHON = '/usr/bin/python3';
const MODULES = '/usr/lib/python3/dist-packages/ironic/cmd';
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;
const LOOK_MS = 200;

/**
 * Starts one on a free port of loopback, and resolves when it has a conductor that takes orders. It dies with this process.
 * @throws COMMAND_MISSING; an Error with the end of its log if it does not start
 */
export async function startIronic({ folder, waitsForDisk }: IronicOptions, signal: AbortSignal): Promise<Ironic> {
  await access(MODULES).catch((error: unknown) => {
    throw fail('COMMAND_MISSING', 'Ironic is not installed; scripts/install-bench-ironic.sh installs it', error);
  });
  const port = await freePort();
  const configuration = join(folder, 'ironic.conf');
  await writeFile(configuration, confOf(folder, port, waitsForDisk));
  const database = join(folder, 'ironic.sqlite');
  const isNew = await access(database).then(
    () => false,
    () => true,
  );
  if (isNew) await once(await launch('dbsync', ['create_schema'], configuration, folder), 'close');
  const child = await launch('singleprocess', [], configuration, folder);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = systemClock.after(STOP_LIMIT_MS, () => child.kill('SIGKILL'));
    await ended;
    timer.cancel();
  };
  const base = `http://127.0.0.1:${port}`;
  const cancellation = openCancellation([signal], {
    clock: systemClock,
    afterMs: START_LIMIT_MS,
    what: 'the start of Ironic',
  });
  try {
    while (!(await takesOrders(base))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('Ironic ended at its start');
      await sleep(LOOK_MS, systemClock, cancellation.signal);
    }
    return { base, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    const log = await readFile(join(folder, 'ironic.log'), 'utf8').catch(() => '');
    throw new Error(`Ironic did not start: ${log.slice(-1000).trim()}`, { cause: error });
  } finally {
    cancellation.end();
  }
}

/** A port of loopback on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** It lists a driver as soon as its conductor has registered it. */
async function takesOrders(base: string): Promise<boolean> {
  try {
    const { drivers } = (await (await fetch(`${base}/v1/drivers`)).json()) as { drivers: readonly unknown[] };
    return drivers.length > 0;
  } catch {
    return false;
  }
}

/** Runs one of its commands, which Debian's modules have without a file of their own. */
async function launch(
  command: 'dbsync' | 'singleprocess',
  words: readonly string[],
  configuration: string,
  folder: string,
): Promise<ChildProcess> {
  const log = await open(join(folder, 'ironic.log'), 'a');
  const program = `from ironic.cmd.${command} import main; main()`;
  const all = ['--pdeathsig', 'KILL', PYTHON, '-c', program, '--config-file', configuration, ...words];
  const child = spawn('setpriv', all, { cwd: folder, stdio: ['ignore', log.fd, log.fd] });
  await once(child, 'spawn').finally(() => log.close());
  return child;
}

const FAKE = ['boot', 'deploy', 'inspect', 'management', 'power', 'raid', 'rescue', 'vendor'];
const NONE = { bios: 'no-bios', console: 'no-console', network: 'noop', storage: 'noop' };

/** Nothing is measured that its users could turn off: one API worker, no keystone, no queue, no log below a warning. */
const confOf = (folder: string, port: number, waitsForDisk: boolean): string => `[DEFAULT]
auth_strategy = noauth
rpc_transport = none
enabled_hardware_types = fake-hardware
${FAKE.map((kind) => `enabled_${kind}_interfaces = fake`).join('\n')}
${Object.entries(NONE)
  .map(([kind, name]) => `enabled_${kind}_interfaces = ${name}`)
  .join('\n')}
default_deploy_interface = fake
state_path = ${folder}
host = localhost
my_ip = 127.0.0.1
default_log_levels = ironic=WARNING
[api]
host_ip = 127.0.0.1
port = ${port}
api_workers = 1
[database]
connection = sqlite:///${join(folder, 'ironic.sqlite')}
sqlite_synchronous = ${waitsForDisk}
[oslo_concurrency]
lock_path = ${folder}
`;
