/**
 * A real RabbitMQ for one process: Debian's, unpacked (scripts/install-rabbitmq.sh), with its files in a temporary folder, on the
 * process's own loopback address. It and the epmd that Erlang wants die with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { TlsIdentity } from '../../src/sim/web.ts';
import { makeFolder } from './folder.ts';

const PROGRAMS = new URL('../../node_modules/.cache/countermand-rabbitmq', import.meta.url).pathname;
const HOST = ownAddress();

/** A broker that runs. Its user is `guest`, with that password. */
export interface RabbitBroker {
  readonly host: string;
  readonly port: number;
  /** Speaks TLS, with the identity that it was started with, if there was one. */
  readonly tlsPort: number;
  /** Ends it with SIGKILL; resolves when it has gone. */
  kill(): Promise<void>;
  /** Starts it again, with what it had on the disk. */
  start(): Promise<void>;
}

function onlyIn(folder: string, begins: string): string {
  const found = readdirSync(folder).find((name) => name.startsWith(begins));
  if (found === undefined) throw new Error(`there is no ${begins} in ${folder}: sh scripts/install-rabbitmq.sh`);
  return join(folder, found);
}

/** Ports that are free on every loopback address: epmd listens on 127.0.0.1 as well. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The folders of an application of Erlang and of those that it needs, among these. */
function applicationsFor(wanted: string, folders: readonly string[], found = new Set<string>()): Set<string> {
  const folder = folders.find((path) => basename(path).startsWith(`${wanted}-`));
  if (folder === undefined || found.has(folder)) return found;
  found.add(folder);
  const said = readFileSync(join(folder, 'ebin', `${wanted}.app`), 'utf8');
  const [, needs = ''] = /\{\s*applications,\s*\[([^\]]*)\]/.exec(said) ?? [];
  for (const name of needs.split(',')) applicationsFor(name.trim(), folders, found);
  return found;
}

/**
 * Links to what RabbitMQ runs on: `plugins` has what itself needs, without the plugins that it is delivered with, and `modules` has
 * every module. It loads all of them when it starts, each time looking through all folders for one of a thousand: to have
 * them in one folder, and to load them together, takes a third of the time.
 */
function link(folder: string, erlang: string, delivered: string): { plugins: string; modules: string } {
  const [plugins, modules] = [join(folder, 'applications'), join(folder, 'modules')];
  for (const made of [plugins, modules]) mkdirSync(made);
  const all = readdirSync(delivered).map((name) => join(delivered, name));
  const needed = applicationsFor('rabbit', all);
  for (const path of needed) symlinkSync(path, join(plugins, basename(path)));
  for (const place of [join(erlang, 'lib'), ...needed])
    for (const path of readdirSync(place, { recursive: true, encoding: 'utf8' }))
      if (path.endsWith('.beam')) symlinkSync(join(place, path), join(modules, basename(path)));
  return { plugins, modules };
}

/** Loads all modules of a folder, in Erlang. */
const loadAll = (modules: string): string =>
  `code:ensure_modules_loaded([list_to_atom(filename:rootname(F)) || F <- filelib:wildcard("*.beam", "${modules}")])`;

interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly erlexec: string;
  readonly boot: readonly string[];
}

async function makePlace(ports: readonly number[], identity: RabbitIdentity | null): Promise<Place> {
  const [port, tlsPort, epmdPort, distributionPort] = ports;
  const folder = await makeFolder();
  const erlang = join(PROGRAMS, 'erlang');
  const programs = join(onlyIn(erlang, 'erts-'), 'bin');
  const home = onlyIn(join(PROGRAMS, 'rabbitmq', 'lib'), 'rabbitmq_server-');
  const { plugins, modules } = link(folder, erlang, join(home, 'plugins'));
  const file = (name: string) => join(folder, name);
  const speaksTls = identity !== null;
  const { key, cert, ca } = identity ?? { key: '', cert: '', ca: '' };
  for (const [name, text] of Object.entries({ 'key.pem': key, 'cert.pem': cert, 'ca.pem': ca, plugins: '[].\n' }))
    await writeFile(file(name), text);
  const tls = [
    `listeners.ssl.1 = ${HOST}:${tlsPort}`,
    ...Object.entries({ keyfile: 'key.pem', certfile: 'cert.pem', cacertfile: 'ca.pem' }).map(
      ([option, name]) => `ssl_options.${option} = ${file(name)}`,
    ),
    'ssl_options.verify = verify_none',
  ];
  await writeFile(
    file('rabbit.conf'),
    [
      `listeners.tcp.1 = ${HOST}:${port}`,
      ...(speaksTls ? tls : []),
      'loopback_users = none',
      'vm_memory_high_watermark.absolute = 1GB',
      'disk_free_limit.absolute = 1MB',
      '',
    ].join('\n'),
  );
  await mkdir(file('home'));
  const inFolder = { BASE: '', LOG_BASE: 'log', MNESIA_BASE: 'mnesia', GENERATED_CONFIG_DIR: 'generated' };
  const inFiles = { ENABLED_PLUGINS_FILE: 'plugins', CONFIG_FILE: 'rabbit.conf', FEATURE_FLAGS_FILE: 'flags' };
  const environment = {
    ...{ PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', HOME: file('home'), SYS_PREFIX: folder },
    ...{ ROOTDIR: erlang, BINDIR: programs, EMU: 'beam', PROGNAME: 'erl', ERL_LIBS: plugins },
    ...{ ERL_EPMD_PORT: String(epmdPort), ERL_EPMD_ADDRESS: HOST, ERL_CRASH_DUMP_BYTES: '0' },
    ...{ RABBITMQ_HOME: home, RABBITMQ_PLUGINS_DIR: plugins, RABBITMQ_LOGS: '-' },
    ...{ RABBITMQ_NODENAME: 'rabbit@localhost', RABBITMQ_DIST_PORT: String(distributionPort) },
    ...{ RABBITMQ_CONF_ENV_FILE: '/dev/null', RABBITMQ_PID_FILE: file('pid') },
    ...Object.fromEntries(
      Object.entries({ ...inFolder, ...inFiles }).map(([name, path]) => [`RABBITMQ_${name}`, join(folder, path)]),
    ),
  };
  const quiet = ['+S', '1:1', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none', '-start_epmd', 'false'];
  const loopback = ['-kernel', 'inet_dist_use_interface', `{${HOST.replaceAll('.', ',')}}`];
  const load = ['-pa', modules, '-eval', loadAll(modules)];
  const start = ['-s', 'rabbit', 'boot', '-boot', join(erlang, 'bin', 'start_sasl'), '+W', 'w'];
  const boot = ['-noinput', ...load, ...start, ...quiet];
  const rest = ['-syslog', 'logger', '[]', '-syslog', 'syslog_error_logger', 'false'];
  return { folder, environment, erlexec: join(programs, 'erlexec'), boot: [...boot, ...loopback, ...rest] };
}

/** Starts a program that dies with this process. */
function run(place: Place, program: string, ...words: readonly string[]): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], {
    ...{ cwd: place.folder, env: place.environment, stdio: ['ignore', 'pipe', 'ignore'] },
  });
}

async function startBroker(place: Place): Promise<ChildProcess> {
  const broker = run(place, place.erlexec, ...place.boot);
  const said: string[] = [];
  for await (const line of createInterface(broker.stdout as NodeJS.ReadableStream)) {
    said.push(line);
    if (line.includes('Server startup complete')) {
      broker.stdout?.resume();
      return broker;
    }
  }
  throw new Error(`RabbitMQ has not started: ${said.slice(-30).join('\n')}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
}

/** Who a broker is when it speaks TLS, and the authority that vouches for it. */
export type RabbitIdentity = TlsIdentity & { readonly ca: string };

/** A broker, and how it is ended with its files. */
export interface OpenRabbit {
  readonly broker: RabbitBroker;
  stop(): Promise<void>;
}

/** Starts the broker of this process, of which there can be one. @param identity null: it does not speak TLS */
export async function openRabbit(identity: RabbitIdentity | null): Promise<OpenRabbit> {
  const ports = await freePorts(4);
  const place = await makePlace(ports, identity);
  const epmd = run(
    place,
    join(place.environment.BINDIR as string, 'epmd'),
    '-port',
    String(ports[2]),
    '-address',
    HOST,
  );
  epmd.stdout?.resume();
  let child = await startBroker(place);
  const broker: RabbitBroker = {
    ...{ host: HOST, port: ports[0] as number, tlsPort: ports[1] as number },
    kill: () => end(child),
    async start() {
      child = await startBroker(place);
    },
  };
  return {
    broker,
    async stop() {
      await end(child);
      await end(epmd);
      await rm(place.folder, { recursive: true, force: true });
    },
  };
}
