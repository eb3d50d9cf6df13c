/** A conductor on a real PostgreSQL: orders, an abort, a plan and its rollback, and SIGKILL in the middle. */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { sharedPostgres } from '../counterparts/postgres.ts';
import { openHouse } from './house.ts';
import { enrolSimBmc, Listener } from './killing.ts';
import { nodeNow, order, ordersAt, untilAtRest, untilIn, watchTask } from './orders.ts';
import { actionStates, checkPlanTrail, power, rollBack, startPlan, untilPlanEnds, watchPlan } from './plans.ts';
import { checkTrail } from './trail.ts';

const postgres = sharedPostgres();

test('a conductor on PostgreSQL is killed while an order and a plan are under way, and carries on', async (t) => {
  const server = await postgres();
  const database = await server.newMigrated(t);
  const house = await openHouse(t, { settings: { database: server.urlOf(database) } });
  const never = { host: { softMs: Number.POSITIVE_INFINITY } };
  const [hangs, slow, next] = await Promise.all([
    enrolSimBmc(t, house, 'hangs', never),
    enrolSimBmc(t, house, 'slow', never),
    enrolSimBmc(t, house, 'next'),
  ]);
  const listener = new Listener(house);
  const soft = await untilIn(order(house.client, 'hangs', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const plan = await startPlan(house.client, 'rack down', [
    power('slow', 'soft power off'),
    power('next', 'power off', 'slow'),
  ]);
  await eventually('the order to have reached slow', async () => (await ordersAt(slow)).length > 0);

  await house.kill('conductor');
  await house.start('conductor');
  listener.resume();

  const abort = await untilAtRest(order(house.client, 'hangs', 'ABORT_SOFT_POWER_OFF'));
  t.like(abort, { state: 'SUCCEEDED' });
  t.like(await untilAtRest(watchTask(house.client, soft.uuid)), { state: 'ABORTED' });
  slow.bmc.host.setPower('power off');
  t.like(await untilPlanEnds(watchPlan(house.client, plan.uuid)), { state: 'SUCCEEDED' });
  t.is((await nodeNow(house.client, 'next')).powerState, 'OFF');
  t.like(await untilPlanEnds(rollBack(house.client, plan.uuid)), { state: 'SUCCEEDED' });
  t.is((await nodeNow(house.client, 'next')).powerState, 'ON');
  t.deepEqual(await Promise.all([hangs, slow, next].map(ordersAt)), [['soft'], ['soft', 'on'], ['off', 'on']]);
  t.deepEqual(await actionStates(house.client, plan.uuid), { slow: 'SUCCEEDED', next: 'SUCCEEDED' });
  await checkTrail(t, house.client);
  await listener.check(t, await checkPlanTrail(t, house.client));
});
