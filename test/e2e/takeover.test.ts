/** Several conductors on one PostgreSQL: the leader dies, is stopped or loses its database, and another one carries on. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { sharedPostgres } from '../counterparts/postgres.ts';
import { connect } from './client.ts';
import { QUICK } from './house.ts';
import { enrolSimBmc } from './killing.ts';
import { nodeNow, order, ordersAt, untilAtRest, untilIn, watchTask } from './orders.ts';
import { power, startPlan, untilPlanEnds, watchPlan } from './plans.ts';
import { runHere, type Settings, startConductor, startStandBy } from './processes.ts';
import { checkTrail } from './trail.ts';

const postgres = sharedPostgres();

/** A leader and one that stands by, each a process with an agent inside. */
async function openPair(t: ExecutionContext, settings: Settings = {}) {
  const server = await postgres();
  const database = server.urlOf(await server.newMigrated(t));
  const key = join(await newFolder(t), 'secrets.key');
  writeFileSync(key, Buffer.alloc(32, 7).toString('base64'));
  const all = { ...QUICK, database, secrets_key: `file:${key}`, ...settings, listen: `${ownAddress()}:0` };
  const leader = await startConductor(t, { ...all, data: await newFolder(t) }, true);
  const other = await startStandBy(t, { ...all, data: await newFolder(t) });
  const clientOf = (address: string) => {
    const client = connect(address);
    t.teardown(() => client.close());
    return client;
  };
  return { server, leader, other, atLeader: clientOf(leader.address), atOther: clientOf(other.address) };
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
    await checkTrail(t, atOther);
  },
);

test.serial(
  'a conductor that has not the key of the leader is refused at its start, not at the takeover',
  async (t) => {
    const server = await postgres();
    const database = server.urlOf(await server.newMigrated(t));
    await startConductor(t, { ...QUICK, database, listen: `${ownAddress()}:0`, data: await newFolder(t) }, true);
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
  },
);
