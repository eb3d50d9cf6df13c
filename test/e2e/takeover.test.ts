/** Several conductors on one PostgreSQL: the leader dies, is stopped or loses its database, and another one carries on. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newDatabaseProxy } from '../counterparts/database_proxy.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { sharedPostgres } from '../counterparts/postgres.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import type { Refusal } from './client.ts';
import { connect } from './client.ts';
import { QUICK } from './house.ts';
import { enrolSimBmc } from './killing.ts';
import { nodeNow, order, ordersAt, untilAtRest, untilIn, watchTask } from './orders.ts';
import { power, startPlan, untilPlanEnds, watchPlan } from './plans.ts';
import {
  run,
  runHere,
  type Settings,
  STANDS_BY,
  startAgent,
  startConductor,
  startProcess,
  startStandBy,
} from './processes.ts';
import { checkTrail, numbersOf } from './trail.ts';

const postgres = sharedPostgres();

/** The setting of a key that all conductors of a test have. */
async function newKey(t: ExecutionContext): Promise<Settings> {
  const key = join(await newFolder(t), 'secrets.key');
  writeFileSync(key, Buffer.alloc(32, 7).toString('base64'));
  return { secrets_key: `file:${key}` };
}

/** A leader and one that stands by, each a process with an agent inside. */
async function openPair(t: ExecutionContext, settings: Settings = {}) {
  const server = await postgres();
  const database = server.urlOf(await server.newMigrated(t));
  const all = { ...QUICK, database, ...(await newKey(t)), ...settings, listen: `${ownAddress()}:0` };
  const leader = await startConductor(t, { ...all, data: await newFolder(t) }, true);
  const other = await startStandBy(t, { ...all, data: await newFolder(t) });
  const clientOf = (address: string) => {
    const client = connect(address);
    t.teardown(() => client.close());
    return client;
  };
  return { settings: all, server, leader, other, atLeader: clientOf(leader.address), atOther: clientOf(other.address) };
}

/** A command that follows has heard each of these events once, in their order. */
async function hasFollowed(
  t: ExecutionContext,
  { said }: ReturnType<typeof startProcess>,
  events: Awaited<ReturnType<typeof checkTrail>>,
): Promise<void> {
  const last = events.at(-1)?.sequence ?? 0;
  await said.until('the last event', (line) => Number(JSON.parse(line).sequence) >= last);
  const followed = said.seen.map((line) => Number(JSON.parse(line).sequence));
  t.deepEqual(
    followed.filter((sequence) => sequence <= last),
    numbersOf(events),
  );
}

test.serial(
  'the leader is killed while orders and a plan run: the other carries on, nothing is lost or doubled',
  async (t) => {
    const { leader, other, atLeader: client, atOther } = await openPair(t);
    const never = { host: { softMs: Number.POSITIVE_INFINITY } };
    const [hangs, slow, next] = await Promise.all([
      enrolSimBmc(t, { client }, 'hangs', never),
      enrolSimBmc(t, { client }, 'slow', never),
      enrolSimBmc(t, { client }, 'next'),
    ]);
    // Through the one that stands by, whose client it stays when that leads.
    const soft = await untilIn(order(atOther, 'hangs', 'SOFT_POWER_OFF'), 'CONFIRMING');
    const plan = await startPlan(client, 'rack down', [
      power('slow', 'soft power off'),
      power('next', 'power off', 'slow'),
    ]);
    await eventually('the order to have reached slow', async () => (await ordersAt(slow)).length > 0);
    await leader.kill();
    await other.leads;
    const abort = await untilAtRest(order(atOther, 'hangs', 'ABORT_SOFT_POWER_OFF'));
    t.like(abort, { state: 'SUCCEEDED' });
    t.like(await untilAtRest(watchTask(atOther, soft.uuid)), { state: 'ABORTED' });
    slow.bmc.host.setPower('power off');
    t.like(await untilPlanEnds(watchPlan(atOther, plan.uuid)), { state: 'SUCCEEDED' });
    t.is((await nodeNow(atOther, 'next')).powerState, 'OFF');
    t.deepEqual(await Promise.all([hangs, slow, next].map(ordersAt)), [['soft'], ['soft'], ['off']]);
    const elections = (await checkTrail(t, atOther)).filter(({ type }) => type === 'conductor.elected');
    t.like(
      elections.map(({ data }) => data),
      [
        { address: leader.address, epoch: 2 },
        { address: other.address, epoch: 3, previous_address: leader.address, previous_resigned: false },
      ],
    );
    const { epoch, electedAt, conductors } = await atOther.itself.getStatus({});
    t.is(epoch, 3);
    t.truthy(electedAt);
    t.is(conductors.find(({ leads }) => leads)?.address, other.address);
    t.deepEqual(conductors.map(({ address }) => address).toSorted(), [leader.address, other.address].toSorted());
  },
);

test.serial(
  'a conductor that has not the key of the leader is told so at its start, or while it stands by, not at the takeover',
  async (t) => {
    const server = await postgres();
    const name = await server.newMigrated(t);
    const database = server.urlOf(name);
    const ofLeader = await newFolder(t);
    await startConductor(t, { ...QUICK, database, listen: `${ownAddress()}:0`, data: ofLeader }, true);
    const data = await newFolder(t);
    const words = [
      'serve',
      '--database',
      database,
      '--data',
      data,
      '--listen',
      `${ownAddress()}:0`,
      '--http-listen',
      'none',
    ];
    const refused = await runHere(words);
    t.is(refused.exitCode, 5, refused.stderr);
    t.regex(refused.stderr, /sealed with the key \w{16}, and \S+secrets.key does not exist; nothing was written/);
    t.deepEqual(readdirSync(data), []);

    // One that stands by already is told so as well, when a leader has noted a key since.
    const ended = runHere([...words, '--secrets-key', `file:${join(ofLeader, 'secrets.key')}`]);
    const listed = async () => (await server.query('select uuid from conductors', name)).length === 2;
    await eventually('the second conductor to stand by', listed);
    await server.query("update sealing_key set id = 'fedcba9876543210'", name);
    const { exitCode, stderr } = await ended;
    t.is(exitCode, 5, stderr);
    t.regex(stderr, /sealed with the key fedcba9876543210/);
  },
);

test.serial(
  'a leader is stopped for longer than its lease and goes on: nothing of it is stored or believed',
  async (t) => {
    const { leader, other, atLeader: client, atOther } = await openPair(t, { leader_lease: 5 });
    const [hangs, idle] = await Promise.all([
      enrolSimBmc(t, { client }, 'hangs', { host: { softMs: Number.POSITIVE_INFINITY } }),
      enrolSimBmc(t, { client }, 'idle'),
    ]);
    const soft = await untilIn(order(client, 'hangs', 'SOFT_POWER_OFF'), 'CONFIRMING');
    leader.signal('SIGSTOP');
    // What waits in its sockets is the first thing that it finds when it goes on.
    const late = client.power.orderPowerState({ node: 'idle', target: PowerTarget.REBOOT }).then(
      () => 'accepted',
      ({ status }: Refusal) => status,
    );
    await other.leads;
    t.like(await untilAtRest(order(atOther, 'hangs', 'ABORT_SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
    t.like(await untilAtRest(order(atOther, 'idle', 'OFF')), { state: 'SUCCEEDED' });
    leader.signal('SIGCONT');
    await leader.said.until('the old leader to stand by', (line) => STANDS_BY.exec(line)?.[2] === other.address);
    t.is(await late, 'UNAVAILABLE');
    await eventually('the old leader to pass calls on', async () => {
      const node = await nodeNow(client, 'idle').catch(() => null);
      return node?.powerState === 'OFF';
    });
    t.like(await untilAtRest(watchTask(atOther, soft.uuid)), { state: 'ABORTED' });
    t.deepEqual(await Promise.all([hangs, idle].map(ordersAt)), [['soft'], ['off']]);
    await checkTrail(t, atOther);
  },
);

test.serial(
  'a leader is stopped while a plan is cancelled that then rolls back: the other does both, and who follows events misses none of it',
  async (t) => {
    const { leader, other, atLeader: client, atOther } = await openPair(t, { leader_lease: 5 });
    const [done, hangs, never] = await Promise.all([
      enrolSimBmc(t, { client }, 'done'),
      enrolSimBmc(t, { client }, 'hangs', { host: { softMs: Number.POSITIVE_INFINITY } }),
      enrolSimBmc(t, { client }, 'never'),
    ]);
    const conductors = `${leader.address},${other.address}`;
    const follower = startProcess(t, ['events', '--follow', '--from', '1', '--json', '--conductor', conductors]);
    const steps = [
      power('done', 'power off'),
      power('hangs', 'soft power off', 'done'),
      power('never', 'power off', 'hangs'),
    ];
    const { uuid: actionPlan } = await startPlan(client, 'rack down', steps);
    await eventually('the order to have reached hangs', async () => (await ordersAt(hangs)).length > 0);
    await client.plans.orderCancel({ actionPlan, rollback: true });
    leader.signal('SIGSTOP');
    await other.leads;
    t.like(await untilPlanEnds(watchPlan(atOther, actionPlan)), { state: 'CANCELLED' });
    // It was given up, and takes effect late: until that is seen, the rollback leaves the node alone.
    hangs.bmc.host.setPower('power off');
    const { rolledBackBy } = (await atOther.plans.getActionPlan({ actionPlan })).actionPlan ?? {};
    t.like(await untilPlanEnds(watchPlan(atOther, rolledBackBy ?? '')), { state: 'SUCCEEDED' });
    leader.signal('SIGCONT');
    await leader.said.until('the old leader to stand by', (line) => STANDS_BY.exec(line)?.[2] === other.address);
    // A client that has not heard the answer asks again, now through the one that led.
    const again = () => client.plans.orderCancel({ actionPlan, rollback: true });
    await eventually('the old leader to pass calls on', async () => (await again().catch(() => null)) !== null);
    t.is((await nodeNow(atOther, 'done')).powerState, 'ON');
    t.deepEqual(await Promise.all([done, hangs, never].map(ordersAt)), [['off', 'on'], ['soft', 'on'], []]);
    const events = await checkTrail(t, atOther);
    await hasFollowed(t, follower, events);
  },
);

test.serial(
  'a leader whose database falls silent leads no more; its agent finds the next one, and so does a command that follows',
  async (t) => {
    const server = await postgres();
    const name = await server.newMigrated(t);
    const proxy = await newDatabaseProxy(t, server);
    const all = { ...QUICK, ...(await newKey(t)), leader_lease: 5, listen: `${ownAddress()}:0` };
    const first = { ...all, database: server.urlOf(name, proxy), data: await newFolder(t) };
    const leader = await startConductor(t, first, false);
    const other = await startStandBy(t, { ...all, database: server.urlOf(name), data: await newFolder(t) });
    const conductors = `${leader.address},${other.address}`;
    await startAgent(t, conductors, { agent_name: 'apart', zone: 'far' });
    const client = connect(leader.address);
    t.teardown(() => client.close());
    const hangs = await newSimBmc(t, { host: { softMs: Number.POSITIVE_INFINITY } });
    await client.nodes.createNode({ name: 'hangs', driver: 'ipmi', zone: 'far', driverInfo: { ...hangs.info } });
    const soft = await untilIn(order(client, 'hangs', 'SOFT_POWER_OFF'), 'CONFIRMING');
    const follower = startProcess(t, ['events', '--follow', '--from', '1', '--json', '--conductor', conductors]);
    await follower.said.until('the first event', () => true);

    await proxy.freezeAt(/conductors/, 'asked');
    await leader.logged.until('the leader to notice', (line) => line.includes('the conductor leads no more'));
    // Otherwise it may be the next one again, by another connection.
    proxy.cut();
    await other.leads;
    await other.logged.until('the agent to attach to the other', (line) =>
      /"agent":"apart".*"msg":"agent attached"/.test(line),
    );
    const atOther = connect(other.address);
    t.teardown(() => atOther.close());
    t.like(await untilAtRest(order(atOther, 'hangs', 'ABORT_SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
    t.like(await untilAtRest(watchTask(atOther, soft.uuid)), { state: 'ABORTED' });
    t.deepEqual(await ordersAt(hangs), ['soft']);
    const events = await checkTrail(t, atOther);
    await hasFollowed(t, follower, events);
  },
);

test.serial('two conductors that advertise one address are told so, and pass nothing on to themselves', async (t) => {
  const { settings, leader } = await openPair(t);
  const data = await newFolder(t);
  const twin = await startStandBy(t, {
    ...settings,
    data,
    advertise: leader.address,
    http_listen: `${ownAddress()}:0`,
  });
  const says =
    /another one leads that advertises the same address, \S+, so that nothing can be passed on to it; give each/;
  await twin.logged.until('the mistake to be told', (line) => /"level":40/.test(line) && says.test(line));
  const client = connect(twin.address);
  t.teardown(() => client.close());
  const refused = await t.throwsAsync(client.itself.getStatus({}));
  t.is((refused as Refusal).code, 'NOT_LEADING');
  t.regex(refused?.message ?? '', says);
});

test.serial('a leader that is told to stop resigns, and the other leads without waiting for its lease', async (t) => {
  const { settings, leader, other, atLeader, atOther } = await openPair(t);
  const asked = await run(t, ['status', '--conductor', other.address]);
  // The version is that of the one that leads, and said of no other.
  t.regex(asked.stdout, new RegExp(`^conductor +${other.address}\\n`));
  const leads = `leads +${leader.address}, version \\d\\S+, epoch 2, for \\S+\\n`;
  t.regex(asked.stdout, new RegExp(`${leads} *stand by +${other.address}`));
  await other.logged.until('the other to stand by', (line) => /"another one leads".*stands by/.test(line));
  const ends = atLeader.notifications.subscribe({ fromSequence: 1n });
  const refused = (async () => {
    for await (const _ of ends);
  })().catch((refusal: Refusal) => refusal);
  await atLeader.itself.getStatus({});
  leader.signal('SIGTERM');
  t.is(await leader.ended, 0);
  await other.leads;
  // Whoever knew one conductor only is told where to go on.
  t.like(await refused, { code: 'SHUTTING_DOWN', info: { metadata: { conductors: other.address } } });
  const events = (await checkTrail(t, atOther)).filter(({ type }) => type.startsWith('conductor.'));
  t.like(
    events.map(({ type, data }) => ({ type, ...data })),
    [
      { type: 'conductor.elected', address: leader.address },
      { type: 'conductor.resigned', address: leader.address },
      { type: 'conductor.elected', address: other.address, previous_resigned: true },
    ],
  );
  t.deepEqual(
    (await atOther.itself.getStatus({})).conductors.map(({ address }) => address),
    [other.address],
  );
  await other.kill();
  const again = await startConductor(t, { ...settings, listen: other.address, data: await newFolder(t) }, true);
  const { conductors, problems } = await atOther.itself.getStatus({});
  t.like(conductors, { length: 1, 0: { address: again.address, leads: true, present: true } });
  t.deepEqual(problems, []);
});
