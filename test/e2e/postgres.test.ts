/** A conductor on a real PostgreSQL: orders, an abort, a plan and its rollback, and SIGKILL in the middle. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { sharedPostgres } from '../counterparts/postgres.ts';
import { openHouse } from './house.ts';
import { enrolSimBmc, Listener } from './killing.ts';
import { nodeNow, order, ordersAt, untilAtRest, untilIn, watchTask } from './orders.ts';
import { actionStates, checkPlanTrail, power, rollBack, startPlan, untilPlanEnds, watchPlan } from './plans.ts';
import { LISTENING, startConductorHere } from './processes.ts';
import { refused } from './refusals.ts';
import { checkTrail } from './trail.ts';

const postgres = sharedPostgres();

test.serial(
  'a conductor on PostgreSQL is killed while an order and a plan are under way, and carries on',
  async (t) => {
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
  },
);

test.serial(
  'the server is killed and started again: the conductor stands by meanwhile, and then leads again and goes on',
  async (t) => {
    const server = await postgres();
    const house = await openHouse(t, { settings: { database: server.urlOf(await server.newMigrated(t)) } });
    const [hangs, idle] = await Promise.all([
      enrolSimBmc(t, house, 'hangs', { host: { softMs: Number.POSITIVE_INFINITY } }),
      enrolSimBmc(t, house, 'idle'),
    ]);
    const soft = await untilIn(order(house.client, 'hangs', 'SOFT_POWER_OFF'), 'CONFIRMING');
    await server.kill();
    const { logged, said } = house.conductor;
    await logged.until('the conductor to stand by', (line) => line.includes('"msg":"the conductor stands by"'));
    await refused(t, house.client.power.orderPowerState({ node: 'idle', target: PowerTarget.OFF }), {
      status: 'UNAVAILABLE',
      code: 'NOT_LEADING',
      says: /^the conductor at .* stands by: the database test\d+ on .* does not answer \(.*; nothing was done; try again$/,
    });
    hangs.bmc.host.setPower('power off');
    await server.start();
    await said.until(
      'the conductor to lead again',
      () => said.seen.filter((line) => LISTENING.test(line)).length === 2,
    );
    t.like(await untilAtRest(watchTask(house.client, soft.uuid)), { state: 'SUCCEEDED' });
    t.like(await untilAtRest(order(house.client, 'idle', 'OFF')), { state: 'SUCCEEDED' });
    t.deepEqual(await Promise.all([hangs, idle].map(ordersAt)), [['soft'], ['off']]);
    await checkTrail(t, house.client);
  },
);

test('a password that was changed on the server and in its file is used without a restart', async (t) => {
  const server = await postgres();
  const [name, file] = [await server.newDatabase(t), join(await newFolder(t), 'password')];
  await server.query("create role changes login password 'before'");
  await server.query(`alter database ${name} owner to changes`);
  writeFileSync(file, 'before\n');
  const where = { database: server.urlOf(name, { user: 'changes' }), database_password_file: file };
  const settings = { ...where, data: await newFolder(t), listen: `${ownAddress()}:0` };
  const { logged, said } = await startConductorHere(t, settings, false);
  await server.query("alter role changes password 'after'");
  await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  await logged.until('the conductor to be refused', (line) => /refuses the password of user changes/.test(line));
  rmSync(file);
  await logged.until('the file to be missed', (line) => /database_password_file cannot be read: ENOENT/.test(line));
  writeFileSync(file, 'after\n');
  await said.until('the conductor to lead again', () => said.seen.filter((line) => LISTENING.test(line)).length === 2);
  t.regex(logged.seen.find((line) => line.includes('refuses the password')) ?? '', /"level":40/);
});

test('a term that cannot begin because the database has no room ends alone: the process rests, and leads when there is', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  // A sequence remembers what was undone.
  await server.query(
    `create sequence tries;
     create function refuse() returns trigger language plpgsql as $$ declare n bigint := nextval('tries'); begin
       if n = 1 then raise exception 'no' using errcode = '53100'; end if;
       if n = 2 then raise exception 'no' using errcode = '53200'; end if;
       return new;
     end $$;
     create trigger refuses before insert on events for each row execute function refuse()`,
    name,
  );
  const settings = { database: server.urlOf(name), data: await newFolder(t), listen: `${ownAddress()}:0` };
  const { logged } = await startConductorHere(t, settings, false);
  const ends = logged.seen.filter((line) => line.includes('the conductor leads no more'));
  t.is(ends.length, 2, ends.join('\n'));
  t.regex(ends[0] ?? '', /the disk of the database .* is full/);
  t.regex(ends[1] ?? '', /cannot be read or written/);
});
