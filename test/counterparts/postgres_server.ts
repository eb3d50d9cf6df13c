/**
 * A real PostgreSQL for one process: Debian's, in a temporary folder, on the process's own loopback address. It refuses to run
 * as root, so there it runs as the user that the package has made, or else as `nobody`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { appendFile, chmod, chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { TlsIdentity } from '../../src/sim/web.ts';
import { eventually } from './eventually.ts';
import { makeFolder } from './folder.ts';

const run = promisify(execFile);

const PROGRAMS = '/usr/lib/postgresql';
const PORT = 5432;
/** The superuser, who needs no password. Any other user needs one. */
const USER = 'countermand';

const SETTINGS = `
listen_addresses = '${ownAddress()}'
port = ${PORT}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 16MB
max_wal_size = 256MB
log_min_messages = log
log_checkpoints = off
`;
/** Nothing of a test outlives it, so nothing need be on the disk when a commit is answered. */
const FORGETFUL = `
fsync = off
full_page_writes = off
autovacuum = off
`;
const WHO_MAY = `
host all ${USER} all trust
host all all all scram-sha-256
host replication ${USER} all trust
`;

/** A URL of the server without a password. */
type UrlOf = (
  database: string,
  parts?: { readonly user?: string; readonly host?: string; readonly port?: number },
) => string;

/** A server that runs. It dies with this process. */
export interface RunningPostgres {
  readonly host: string;
  readonly port: number;
  /** Runs statements as the superuser. */
  query(text: string, database?: string): Promise<Record<string, unknown>[]>;
  readonly urlOf: UrlOf;
  /** Starts a replica of the server, and resolves when it answers. */
  startReplica(): Promise<{ readonly port: number; stop(): Promise<void> }>;
  /** Switches TLS on, with this identity. */
  useTls(identity: TlsIdentity): Promise<void>;
  /** Ends the server with SIGKILL, as a crash does; resolves when its processes have gone. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** The programs of the newest version that is installed, or of the one in the folder that POSTGRES_PROGRAMS names. */
function programsToRun(): string {
  const { POSTGRES_PROGRAMS: named } = process.env;
  if (named) return named;
  const newest = readdirSync(PROGRAMS)
    .filter((name) => /^\d+$/.test(name))
    .sort((one, other) => Number(other) - Number(one))[0];
  if (newest === undefined)
    throw new Error(`there is no PostgreSQL in ${PROGRAMS}: sh scripts/install-counterparts.sh`);
  return join(PROGRAMS, newest, 'bin');
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
  /** What stands before a command that this user is to run. */
  readonly as: readonly string[];
}

/** Who runs the server. */
async function ownerOfServer(): Promise<Owner> {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (own.uid !== 0) return { ...own, as: [] };
  const known = await idsOf('postgres').catch(() => idsOf('nobody'));
  return { ...known, as: [`--reuid=${known.uid}`, `--regid=${known.gid}`, '--clear-groups'] };
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** Starts the server that has its files in `folder`; resolves when it answers. It dies with this process. */
async function startServer(
  programs: string,
  folder: string,
  { as }: Owner,
  ...options: string[]
): Promise<ChildProcess> {
  const postgres = [join(programs, 'postgres'), '-D', folder, ...options];
  const server = spawn('setpriv', [...as, '--pdeathsig', 'KILL', ...postgres], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
  });
  const said: string[] = [];
  for await (const line of createInterface(server.stderr)) {
    said.push(line);
    if (/is ready to accept (read-only )?connections/.test(line)) {
      server.stderr.resume();
      return server;
    }
  }
  throw new Error(`PostgreSQL has not started: ${said.join('\n')}`);
}

/** Where a server has its programs and its files, and who runs it. */
interface Place {
  readonly programs: string;
  readonly folder: string;
  readonly files: string;
  readonly owner: Owner;
}

async function makePlace(durable: boolean): Promise<Place> {
  const owner = await ownerOfServer();
  const folder = await makeFolder();
  await chown(folder, owner.uid, owner.gid);
  const place = { programs: programsToRun(), folder, files: join(folder, 'data'), owner };
  const like = ['-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'];
  await runAsOwner(place, 'initdb', '-D', place.files, ...like, '--no-sync', '--no-instructions');
  await appendFile(join(place.files, 'postgresql.conf'), durable ? SETTINGS : `${SETTINGS}${FORGETFUL}`);
  await writeFile(join(place.files, 'pg_hba.conf'), WHO_MAY);
  return place;
}

async function runAsOwner({ programs, folder, owner }: Place, program: string, ...args: string[]): Promise<void> {
  await run('setpriv', [...owner.as, join(programs, program), ...args], { cwd: folder });
}

const HOST = ownAddress();

/** Where statements run that name no database. */
const HOME = 'postgres';

async function connect(database: string): Promise<pg.Client> {
  const client = new pg.Client({ host: HOST, port: PORT, user: USER, database });
  // A server that ends breaks connections that rest; whoever waits for an answer hears of it.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Connections to HOME that no statement uses. To make one costs the server far more than most statements do. */
const resting: pg.Client[] = [];

async function endResting(): Promise<void> {
  await Promise.allSettled(resting.splice(0).map((client) => client.end()));
}

/** A connection to a database of a test is not kept: it would be among the sessions that tests count and end. */
async function query(text: string, database = HOME): Promise<Record<string, unknown>[]> {
  const client = (database === HOME ? resting.pop() : undefined) ?? (await connect(database));
  try {
    const rows = (await client.query(text)).rows ?? [];
    if (database === HOME) resting.push(client);
    else await client.end();
    return rows;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

const urlOf: UrlOf = (database, { user = USER, host = HOST, port = PORT } = {}) =>
  `postgres://${user}@${host}:${port}/${database}`;

async function end(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const gone = once(process, 'close');
  process.kill(signal);
  await gone;
}

/** As `startServer`, after a server was killed: what is left of it ends by itself. */
async function startAgain({ programs, files, owner }: Place): Promise<ChildProcess> {
  let child: ChildProcess | null = null;
  await eventually('the server to start again', async () => {
    try {
      child = await startServer(programs, files, owner);
    } catch (error) {
      if (!/shared memory block|lock file/.test((error as Error).message)) throw error;
    }
    return child !== null;
  });
  return child as unknown as ChildProcess;
}

/**
 * A replica from a copy of the server's folder, as pg_basebackup makes it, which the npm packages of PostgreSQL do not contain.
 * No other statement may create or drop a database meanwhile.
 */
async function startReplica({
  programs,
  folder,
  files,
  owner,
}: Place): Promise<{ port: number; stop: () => Promise<void> }> {
  const copy = join(folder, 'replica');
  const label = await backUp(() => run('setpriv', [...owner.as, 'cp', '-a', files, copy], { cwd: folder }));
  await rm(join(copy, 'postmaster.pid'));
  for (const [name, text] of Object.entries({ backup_label: label, 'standby.signal': '' })) {
    await writeFile(join(copy, name), text);
    await chown(join(copy, name), owner.uid, owner.gid);
  }
  const primary = `primary_conninfo=host=${HOST} port=${PORT} user=${USER}`;
  const replica = await startServer(programs, copy, owner, ...['-p', String(PORT + 1), '-c', 'ssl=off', '-c', primary]);
  return { port: PORT + 1, stop: () => end(replica, 'SIGQUIT') };
}

/** Copies the server's folder while the server knows of it. Resolves with what must stand in backup_label of the copy. */
async function backUp(copy: () => Promise<unknown>): Promise<string> {
  const client = await connect(HOME);
  try {
    const { rows } = await client.query("select current_setting('server_version_num')::int >= 150000 as renamed");
    const { renamed } = rows[0];
    await client.query(
      renamed ? "select pg_backup_start('copy', true)" : "select pg_start_backup('copy', true, false)",
    );
    await copy();
    const stop = renamed ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
    return (await client.query(`select labelfile from ${stop}`)).rows[0].labelfile;
  } finally {
    await client.end();
  }
}

async function useTls({ key, cert }: TlsIdentity, { files, owner }: Place): Promise<void> {
  for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': cert })) {
    await writeFile(join(files, name), text);
    await chmod(join(files, name), 0o600);
    await chown(join(files, name), owner.uid, owner.gid);
  }
  await query('alter system set ssl = on');
  await query('select pg_reload_conf()');
}

/** Starts the server of this process, of which there can be one. `durable`: a commit is on the disk before it is answered. */
export async function startPostgres({ durable }: { readonly durable: boolean }): Promise<RunningPostgres> {
  const place = await makePlace(durable);
  let child = await startServer(place.programs, place.files, place.owner);
  return {
    ...{ host: HOST, port: PORT, query, urlOf },
    startReplica: () => startReplica(place),
    useTls: (identity) => useTls(identity, place),
    kill: () => end(child, 'SIGKILL'),
    async start() {
      await endResting();
      child = await startAgain(place);
    },
    async stop() {
      await endResting();
      await end(child, 'SIGQUIT');
      await rm(place.folder, { recursive: true, force: true });
    },
  };
}
