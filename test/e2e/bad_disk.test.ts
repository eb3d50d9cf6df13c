/** A disk that is full, a file that is damaged, a lock that was deleted: with real processes on a real file system. */
import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { type Client, connect, Refusal } from './client.ts';
import { openHouse } from './house.ts';
import { putNewDatabase } from './new_database.ts';
import { enrol, order, untilAtRest, untilIn } from './orders.ts';
import { run, startConductor, startProcess } from './processes.ts';

/** A file system of its own, small, that ends with the process: it is mounted where only that process sees it. */
const onSmallDisk = (folder: string, size = '80m'): string[] => [
  'unshare',
  ...(process.getuid?.() === 0 ? ['-m'] : ['-Urm']),
  ...['sh', '-c', `mount -t tmpfs -o size=${size},mode=755 small "$0" && exec "$@"`, folder],
];

/** Writes a file until the disk is full. */
async function fill(path: string): Promise<void> {
  const stream = createWriteStream(path);
  const block = Buffer.alloc(2 ** 16, 'x');
  const full = once(stream, 'error');
  const write = (): void => {
    while (stream.write(block));
    stream.once('drain', write);
  };
  write();
  const [error] = await full;
  if (error.code !== 'ENOSPC') throw error;
}

/** The names of grpc.health.v1.HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

const serving = async ({ health }: Client): Promise<string> =>
  SERVING_STATUS[(await health.check({ service: 'countermand.v1.PowerService' })).status] ?? '';

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error) => (error instanceof Refusal ? `${error.status} ${error.code}` : String(error)),
  );
}

test('a full disk: new orders are refused, an abort still ends, and with room everything goes on', async (t) => {
  const data = await newFolder(t);
  const settings = { data, listen: `${ownAddress()}:0`, sync_power_state_interval: 0, recall_confirm: 0.1 };
  const conductor = await startConductor(t, settings, true, {}, onSmallDisk(data));
  const client = connect(conductor.address);
  t.teardown(() => client.close());
  /** The folder as the conductor sees it. */
  const seen = `/proc/${conductor.pid}/root${data}`;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const soft = order(client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(soft, 'CONFIRMING');
  t.is(await serving(client), 'SERVING');
  t.true(existsSync(join(seen, 'reserve')));

  await fill(join(seen, 'filler'));
  const create = (name: string) =>
    client.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name, fake_soft_ms: '5' } });
  // Room may be left in the last pages of the log, so that one or the other still gets in.
  let last = '';
  const names = Array.from({ length: 2000 }, (_, at) => `full${at}`);
  for (const name of names) {
    last = await codeOf(create(name));
    if (last !== 'accepted') break;
  }
  t.is(last, 'RESOURCE_EXHAUSTED DISK_FULL');
  await eventually('the health service to say so', async () => (await serving(client)) === 'NOT_SERVING');
  t.is(await codeOf(create('refused')), 'RESOURCE_EXHAUSTED DISK_FULL');
  t.is(await codeOf(client.plans.startActionPlan({ actionPlan: 'none' })), 'RESOURCE_EXHAUSTED DISK_FULL');
  t.like(await untilAtRest(order(client, 'n1', 'ABORT_SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
  t.like(await untilAtRest(soft), { state: 'ABORTED' });

  rmSync(join(seen, 'filler'));
  await eventually('the conductor to serve again', async () => (await serving(client)) === 'SERVING');
  t.true(statSync(join(seen, 'reserve')).size > 2 ** 20);
  t.is(await codeOf(create('after')), 'accepted');
  const { nodes } = await client.nodes.listNodes({ pageSize: 1000 });
  t.false(nodes.some(({ name }) => name === 'refused'));
  conductor.signal('SIGTERM');
  t.is(await conductor.ended, 0);
});

const serve = (data: string): string[] => [
  ...['serve', '--data', data, '--no-agent'],
  ...['--listen', `${ownAddress()}:0`, '--http-listen', 'none'],
];

/** Overwrites a page that a table has, with the database closed. */
function damage(path: string, table: string): void {
  const raw = new BetterSqlite3(path);
  raw.pragma('wal_checkpoint(TRUNCATE)');
  const size = raw.pragma('page_size', { simple: true }) as number;
  const row = raw.prepare('select rootpage from sqlite_master where name = ?').get(table) as { rootpage: number };
  raw.close();
  const bytes = readFileSync(path);
  bytes.fill(0xaa, (row.rootpage - 1) * size, row.rootpage * size);
  writeFileSync(path, bytes);
}

async function usedData(t: ExecutionContext): Promise<string> {
  const house = await openHouse(t, { here: true });
  await house.stop('conductor');
  return house.data;
}

test('a backup for which there is no room leaves nothing', async (t) => {
  const [data, small] = [await newFolder(t), await newFolder(t)];
  putNewDatabase(data);
  const words = ['database', 'backup', join(small, 'backup.db'), '--data', data];
  // What is left there is told by the shell, before the file system ends with it.
  const shell = ['sh', '-c', '"$@"; code=$?; ls -A "$0"; exit $code', small];
  const { ended, said, logged } = startProcess(t, words, {}, [...onSmallDisk(small, '200k'), ...shell]);
  t.is(await ended, 6);
  await Promise.all([said.ended, logged.ended]);
  t.deepEqual(said.seen, []);
  t.regex(logged.seen.join(), /the disk of \S+backup\.db is full; nothing was made; free some space/);
});

test('a start on a database with a damaged page ends with a code and one sentence', async (t) => {
  const data = await usedData(t);
  damage(join(data, 'countermand.db'), 'nodes');
  const { exitCode, stdout, stderr } = await run(t, serve(data));
  t.is(exitCode, 5, stderr);
  t.is(stdout, '');
  t.regex(
    stderr,
    /^error: (the database file is damaged; nothing was written|.* cannot be read as a database|.* did not pass its check: .*); .*restore a backup/,
  );
  t.is(stderr.split('\n').length, 1, stderr);
});

test('without its lock file a living conductor still keeps another out', async (t) => {
  const house = await openHouse(t, { here: true });
  rmSync(join(house.data, 'conductor.lock'));
  const { exitCode, stderr } = await run(t, serve(house.data));
  t.is(exitCode, 5);
  t.regex(stderr, new RegExp(`another conductor \\(pid ${house.conductor.pid}\\) uses the data folder`));
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
});

test('a conductor that finds another at its database stops with a code, and what it was asked was not written', async (t) => {
  const house = await openHouse(t);
  rmSync(join(house.data, 'conductor.lock'));
  // As a conductor in another container does, whose processes cannot be seen from here.
  const raw = new BetterSqlite3(join(house.data, 'countermand.db'));
  raw.exec("update database_owner set host = 'elsewhere'");
  raw.close();
  const second = startProcess(t, serve(house.data));
  await second.said.until('the second to listen', (line) => line.includes('conductor on'));
  const asked = codeOf(
    house.client.nodes.createNode({ name: 'n1', driver: 'fake', driverInfo: { fake_address: 'n1' } }),
  );
  t.is(await asked, 'UNAVAILABLE DATABASE_TAKEN');
  t.is(await house.conductor.ended, 6);
  t.regex(house.conductor.logged.seen.join('\n'), /error: another conductor .* has opened the database since/);
  second.signal('SIGTERM');
  t.is(await second.ended, 0);
});

test('files are for their owner alone, also in a folder and under an umask that are open', async (t) => {
  const data = join(await newFolder(t), 'open');
  await mkdir(data, { mode: 0o755 });
  const open = ['sh', '-c', 'umask 022 && exec "$@"', 'sh'];
  const conductor = await startConductor(t, { data, listen: `${ownAddress()}:0` }, true, {}, open);
  const modes = readdirSync(data).map((file) => [file, (statSync(join(data, file)).mode & 0o777).toString(8)]);
  t.deepEqual(
    modes,
    modes.map(([file]) => [file, '600']),
  );
  conductor.signal('SIGTERM');
  t.is(await conductor.ended, 0);
});
