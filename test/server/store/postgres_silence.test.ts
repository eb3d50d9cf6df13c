/** Statements that PostgreSQL does not answer: its host has vanished, or it stands still. */
import { kill } from 'node:process';
import test, { type ExecutionContext } from 'ava';
import type { Transaction } from '../../../src/server/store/database.ts';
import { readPostgresUrl } from '../../../src/server/store/postgres/address.ts';
import { openElections } from '../../../src/server/store/postgres/stand_by.ts';
import { eventTypes, insert, names } from '../../contract/writes.ts';
import { newDatabaseProxy } from '../../counterparts/database_proxy.ts';
import { eventually } from '../../counterparts/eventually.ts';
import { sharedPostgres } from '../../counterparts/postgres.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { nodeRow } from '../rows.ts';
import { casesOf, codeOf, counted, pause } from './postgres_cases.ts';

const postgres = sharedPostgres();
const { openNew } = casesOf(postgres);

/** Turns the clock to the moment up to which an answer is waited for, and past it. */
async function waitInVain(
  t: ExecutionContext,
  clock: VirtualClock,
  waits: Promise<unknown>,
  limitMs = 30_000,
): Promise<void> {
  const settled = waits.then(
    () => 'settled',
    () => 'settled',
  );
  await clock.turn(limitMs - 1);
  t.is(await Promise.race([settled, pause()]), 'a pause');
  await clock.turn(1);
}

/** When a host vanishes, and how often a write is then run: what is counted stands behind the first statement. */
const VANISHES = [
  { at: /BEGIN/, moment: 'asked', runs: 1 },
  { at: /BEGIN/, moment: 'answered', runs: 1 },
  { at: /insert into "nodes"/, moment: 'asked', runs: 1 },
  { at: /insert into "nodes"/, moment: 'answered', runs: 1 },
  { at: /COMMIT/, moment: 'asked', runs: 2 },
  { at: /COMMIT/, moment: 'answered', runs: 1 },
] as const;
for (const { at, moment, runs } of VANISHES)
  test(`the host vanishes without a word when ${at.source} is ${moment}: after 30 s the write goes on elsewhere`, async (t) => {
    const clock = new VirtualClock();
    const { database, proxy } = await openNew(t, { clock });
    const { seen, work } = counted('once');
    const frozen = proxy.freezeAt(at, moment);
    const write = database.write(work);
    await frozen;
    await waitInVain(t, clock, write);
    await write;
    t.is(seen.runs, runs);
    t.deepEqual(await names(database), ['once']);
    t.deepEqual(await eventTypes(database), ['once']);
  });

test('the host vanishes while a conductor opens a session: it waits for 10 s', async (t) => {
  const server = await postgres();
  const proxy = await newDatabaseProxy(t, server);
  const url = server.urlOf(await server.newMigrated(t), { host: proxy.host, port: proxy.port });
  const clock = new VirtualClock();
  const frozen = proxy.freezeAt(/server_version_num/, 'asked');
  const opening = openElections(readPostgresUrl(url, null), { clock, leaseMs: 3000 });
  const refused = t.throwsAsync(opening, {
    code: 'DATABASE_UNUSABLE',
    message: /does not answer \(.*no answer for 10 s/,
  });
  await frozen;
  await waitInVain(t, clock, opening, 10_000);
  await refused;
  t.is(clock.timers, 0);
});

test('the host vanishes while the database is closed: closing ends all the same', async (t) => {
  const clock = new VirtualClock();
  const { database, proxy } = await openNew(t, { clock });
  const frozen = proxy.freezeAt(/ended_cleanly = true/, 'asked');
  const closing = database.close();
  await frozen;
  await waitInVain(t, clock, closing);
  await t.notThrowsAsync(closing);
});

test('the host vanishes while rows are read: the read fails after 30 s, and the next one has another connection', async (t) => {
  const clock = new VirtualClock();
  const { database, proxy } = await openNew(t, { clock });
  await names(database);
  const frozen = proxy.freezeAt(/from "nodes"/, 'asked');
  const read = names(database);
  await frozen;
  const next = t
    .throwsAsync(read, { code: 'DATABASE_UNUSABLE', message: /no answer for 30 s/ })
    .then(() => names(database));
  await waitInVain(t, clock, next);
  t.deepEqual(await next, []);
});

test('statements that are answered one after the other may take longer in all than one may be silent', async (t) => {
  const clock = new VirtualClock();
  const { database } = await openNew(t, { clock });
  const { seen, work } = counted('once', async ({ sql }) => {
    const one = sql.raw('select 1');
    for (let at = 0; at < 3; at += 1) {
      await sql.raw('select 1');
      await clock.turn(20_000);
    }
    await one;
  });
  await database.write(work);
  t.is(seen.runs, 1);
});

/** Halts the process that serves the session of a transaction. Resolves with how to let it go on. */
async function halt(t: ExecutionContext, { sql }: Transaction): Promise<() => void> {
  const [{ pid }] = (await sql.raw('select pg_backend_pid() as pid')).rows;
  const goOn = (): void => {
    try {
      kill(pid, 'SIGCONT');
    } catch {
      // It has ended.
    }
  };
  t.teardown(goOn);
  kill(pid, 'SIGSTOP');
  return goOn;
}

// While a session stands still, the server makes and drops no database.
test.serial(
  'our session stands still and cannot be ended: refusals, as no one else has the database; then all goes on',
  async (t) => {
    const clock = new VirtualClock();
    const { database } = await openNew(t, { clock });
    const halted = Promise.withResolvers<() => void>();
    const write = database.write(
      insert(nodeRow({ name: 'never' }), async (transaction) => {
        halted.resolve(await halt(t, transaction));
        await transaction.sql.raw('select 1');
      }),
    );
    const goOn = await halted.promise;
    await waitInVain(t, clock, write);
    const error = await t.throwsAsync(write, { code: 'DATABASE_UNUSABLE' });
    t.regex(error?.message ?? '', /has not ended the former session of this conductor; nothing was written; try again/);
    goOn();
    await database.write(insert(nodeRow({ name: 'after' })));
    t.deepEqual(await names(database), ['after']);
  },
);

test.serial(
  'our session stands still at a commit: the write waits until it is known whether that was done',
  async (t) => {
    const clock = new VirtualClock();
    const { server, name, database } = await openNew(t, { clock });
    const halted = Promise.withResolvers<() => void>();
    let runs = 0;
    const write = database.write(
      insert(nodeRow({ name: 'once' }), async (transaction) => {
        runs += 1;
        if (runs === 1) halted.resolve(await halt(t, transaction));
      }),
    );
    const goOn = await halted.promise;
    await waitInVain(t, clock, write);
    for (const sessions of [2, 1])
      await eventually(`${sessions} sessions of the conductor`, async () => {
        const found = await server.query(`select 1 from pg_stat_activity where datname = '${name}'`);
        return found.length === sessions;
      });
    t.is(await codeOf(database.write(insert(nodeRow({ name: 'never' })))), 'DATABASE_UNUSABLE');
    const settled = write.then(() => 'written');
    t.is(await Promise.race([settled, pause()]), 'a pause', 'nothing true can be said of it yet');
    goOn();
    await clock.turn(500);
    await write;
    t.deepEqual(await names(database), ['once']);
  },
);

test.serial(
  'a replica that every commit waits for has gone: the write waits for it too, whatever the server itself has',
  async (t) => {
    const clock = new VirtualClock();
    const { server, name, database } = await openNew(t, { clock });
    const waitFor = async (replicas: string): Promise<void> => {
      await server.query(`alter system set synchronous_standby_names = '${replicas}'`);
      await server.query('select pg_reload_conf()');
    };
    const waiting = () =>
      server.query(`select pid from pg_stat_activity where datname = '${name}' and wait_event = 'SyncRep'`);
    t.teardown(() => waitFor(''));
    await waitFor('gone');
    // The server takes the setting up a moment later: until then, commits wait for no replica.
    const probes: Promise<unknown>[] = [];
    await eventually('any commit to wait', async () => {
      probes.push(server.query("select pg_logical_emit_message(true, '', '')"));
      return (await server.query("select 1 from pg_stat_activity where wait_event = 'SyncRep'")).length > 0;
    });
    const frozen = eventually('the commit to wait', async () => (await waiting()).length === 1);
    const settled = database.write(insert(nodeRow({ name: 'once' }))).then(() => 'written');
    await frozen;
    const [{ pid } = {}] = await waiting();
    await waitInVain(t, clock, settled);
    await eventually('another session to wait', async () => {
      if ((await Promise.race([settled, pause()])) === 'written') return true;
      return (await waiting()).some((other) => other.pid !== pid);
    });
    t.is(await Promise.race([settled, pause()]), 'a pause', 'the replica does not have it yet');
    await waitFor('');
    await Promise.all(probes);
    t.is(await settled, 'written');
    t.deepEqual(await names(database), ['once']);
  },
);

test('a read that takes too long: its connection is not lent again, and the server ends the statement itself', async (t) => {
  const clock = new VirtualClock();
  const { server, name, database } = await openNew(t, { clock });
  const { rows } = await database.read.raw(
    "select pg_backend_pid() as pid, current_setting('statement_timeout') as most",
  );
  t.is(rows[0].most, '30s');
  const read = database.read.raw('select pg_sleep(1000)');
  const refused = codeOf(read);
  await waitInVain(t, clock, refused);
  t.is(await refused, 'DATABASE_UNUSABLE');
  const next = await database.read.raw('select pg_backend_pid() as pid');
  t.not(next.rows[0].pid, rows[0].pid);
  await server.query(`select pg_cancel_backend(${rows[0].pid})`, name);
});
