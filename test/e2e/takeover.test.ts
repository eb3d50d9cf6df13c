/** Several conductors on one PostgreSQL: the leader dies, is stopped or loses its database, and another one carries on. */
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
import { type Settings, startConductor, startStandBy } from './processes.ts';
import { checkTrail } from './trail.ts';

const postgres = sharedPostgres();

/** A leader and one that stands by, each a process with an agent inside. */
async function openPair(t: ExecutionContext, settings: Settings = {}) {
  const server = await postgres();
  const database = server.urlOf(await server.newMigrated(t));
  const all = { ...QUICK, database, ...settings, listen: `${ownAddress()}:0` };
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
