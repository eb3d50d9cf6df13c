/** The cancel of a plan in each state of a migration, and a conductor that is killed. */
import { type Checks, matches, same } from '../checks.ts';
import type { Passing } from '../nova/beside.ts';
import type { Server } from '../nova/client.ts';
import { LIVE_AT_ONCE } from '../nova/configuration.ts';
import type { Traits } from '../nova/nova.ts';
import { mustBe, type Pool } from './instances.ts';
import { first } from './moves.ts';
import type { End, Site } from './site.ts';

/** Kind, how the hypervisor is told to be, the state in which it is cancelled, what the action says, what Nova shows then. */
const CANCELS: readonly ['live' | 'cold', Traits, string, RegExp, string, string][] = [
  [
    'live',
    { prepare_seconds: 6 },
    'preparing',
    /^CANCELLED RECALLED: /,
    'ACTIVE cmp1',
    'live-migration cancelled cmp1>cmp2',
  ],
  ['live', { stuck: true }, 'running', /^CANCELLED RECALLED: /, 'ACTIVE cmp1', 'live-migration cancelled cmp1>cmp2'],
  [
    'live',
    { live_seconds: 8, refuses_abort: true },
    'running',
    /^SUCCEEDED TOO_LATE: \S+ is on cmp2; its abort was accepted, and did not end it$/,
    'ACTIVE cmp2',
    'live-migration completed cmp1>cmp2',
  ],
  ['cold', { cold_seconds: 4 }, 'migrating', /^CANCELLED RECALLED: /, 'ACTIVE cmp1', 'migration reverted cmp1>cmp2'],
  [
    'cold',
    { confirm_seconds: 5 },
    'confirming',
    /^SUCCEEDED TOO_LATE: /,
    'ACTIVE cmp2',
    'migration confirmed cmp1>cmp2',
  ],
];

function describe({ refuses_abort: refuses }: Traits): string {
  return refuses ? ', and the hypervisor refuses the abort' : '';
}

/** Starts a migration from cmp1 to cmp2, which is confirmed. @returns the uuid of its plan */
const move = (vm: Server, kind: string, site: Site): Promise<string> =>
  site.start({ type: 'migrate', parameters: { instance: vm.id, kind, destination: 'cmp2', confirm: true } });

/** Checks the cancel of live migrations that do not run yet. */
export async function checkEarlyAborts(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;

  await checks.check('cancel of a live migration in accepted, which Nova cannot abort yet', async () => {
    const vm = await pool.take();
    await nova.treat(vm.id, { live_seconds: 20 });
    nova.scheduler.signal('SIGSTOP');
    let plan = '';
    try {
      plan = await move(vm, 'live', site);
      await nova.client.untilMigration(vm.id, 'accepted');
      await site.cancel(plan);
      await nova.client.eventually('the action to be aborted', async () => {
        const [action] = await site.actions(plan);
        return action?.state === 'CANCELLING';
      });
    } finally {
      nova.scheduler.signal('SIGCONT');
    }
    matches(first(await site.end(plan)), /^CANCELLED RECALLED: /, 'the action');
    await mustBe(vm, 'ACTIVE cmp1', ['live-migration cancelled cmp1>cmp2'], nova);
  });

  await checks.check('cancel of a live migration in queued', async () => {
    const others: Server[] = [];
    for (let at = 0; at < LIVE_AT_ONCE; at += 1) others.push(await pool.take());
    for (const other of others) {
      await nova.treat(other.id, { stuck: true });
      await nova.client.order(other.id, { 'os-migrateLive': { host: 'cmp2', block_migration: 'auto' } });
      await nova.client.untilMigration(other.id, 'running');
    }
    const vm = await pool.take();
    const plan = await move(vm, 'live', site);
    await nova.client.untilMigration(vm.id, 'queued');
    await site.cancel(plan);
    matches(first(await site.end(plan)), /^CANCELLED RECALLED: /, 'the action');
    await mustBe(vm, 'ACTIVE cmp1', ['live-migration cancelled cmp1>cmp2'], nova);
    for (const other of others) {
      await nova.treat(other.id, {});
      await nova.client.untilMigration(other.id, 'completed');
    }
  });
}

/** Checks the cancel of migrations on their way, one state after the other. */
export async function checkAborts(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  for (const [kind, traits, status, says, is, row] of CANCELS)
    await checks.check(`cancel of a ${kind} migration in ${status}${describe(traits)}`, async () => {
      const vm = await pool.take();
      await nova.treat(vm.id, traits);
      const plan = await move(vm, kind, site);
      await nova.client.untilMigration(vm.id, status);
      await site.cancel(plan);
      matches(first(await site.end(plan)), says, 'the action');
      await mustBe(vm, is, [row], nova);
    });
}

/** Checks the cancel of what cannot be aborted. */
export async function checkLateAborts(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  await checks.check(
    'cancel while the nova-compute of the source is dead: FAILED, and what becomes of it later',
    async () => {
      const vm = await pool.take();
      await nova.treat(vm.id, { stuck: true });
      const plan = await move(vm, 'live', site);
      await nova.client.untilMigration(vm.id, 'running');
      site.keptDown.add('cmp1');
      await nova.computes.get('cmp1')?.kill();
      await nova.client.eventually(
        'nova-compute of cmp1 to be down',
        async () => (await nova.client.services()).get('cmp1')?.state === 'down',
      );
      await site.cancel(plan);
      const end = await site.end(plan);
      site.keptDown.delete('cmp1');
      matches(
        first(end),
        /^FAILED ACTION_STILL_RUNNING .*; its abort was accepted, and has not ended it yet; nova-compute of cmp1 is down/,
        'the action',
      );
      await nova.client.untilMigration(vm.id, 'error', 'cancelled');
      await nova.client.until(vm.id, ({ status, task }) => status === 'ACTIVE' && task === null, 'at rest');
      same((await nova.client.server(vm.id))?.host, 'cmp1', 'Nova about the instance');
      await nova.client.eventually(
        'nova-compute of cmp1 to be up',
        async () => (await nova.client.services()).get('cmp1')?.state === 'up',
      );
    },
  );

  await checks.check('cancel of a stop that was ordered: TOO_LATE', async () => {
    const vm = await pool.take();
    const plan = await site.start({ type: 'stop_instance', parameters: { instance: vm.id } });
    await nova.client.eventually('the stop to be ordered', async () =>
      (await nova.client.orders(vm.id)).includes('stop'),
    );
    await site.cancel(plan);
    const end = await site.end(plan);
    matches(first(end), /^SUCCEEDED /, 'the action');
    await mustBe(vm, 'SHUTOFF cmp1', [], nova);
  });
}

/** Kind, the moment of the SIGKILL, what the action says then, how often Nova has moved the instance. */
const KILLS: readonly ['live' | 'cold', 'before the order' | 'before its answer' | 'while it runs', RegExp, number][] =
  [
    ['live', 'before the order', /^FAILED OUTCOME_UNKNOWN /, 0],
    ['live', 'before its answer', /^SUCCEEDED .*is on cmp\d$/, 1],
    ['live', 'while it runs', /^SUCCEEDED .*is on cmp\d$/, 1],
    ['cold', 'before its answer', /^SUCCEEDED .*is on cmp\d$/, 1],
    ['cold', 'while it runs', /^SUCCEEDED .*is on cmp\d$/, 1],
  ];

/** Checks that a conductor that was killed with SIGKILL moves nothing twice. The scheduler chooses, so a second order would move it again. */
export async function checkKills(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  for (const [kind, moment, says, count] of KILLS)
    await checks.check(
      `SIGKILL of the conductor at a ${kind} migration, ${moment}: nothing is moved twice`,
      async () => {
        const vm = await pool.take();
        await nova.treat(vm.id, { live_seconds: 6, cold_seconds: 4 });
        const isOrder = ({ method, path }: Passing): boolean =>
          method === 'POST' && path === `/servers/${vm.id}/action`;
        const killed = Promise.withResolvers<void>();
        const orders: string[] = [];
        const killAt =
          (where: string) =>
          async (request: Passing): Promise<boolean> => {
            if (isOrder(request) && where !== 'before its answer') orders.push(request.body);
            if (!isOrder(request) || where !== moment || orders.length > 1) return true;
            await site.conductor.kill();
            killed.resolve();
            return false;
          };
        nova.beside.hooks.before = killAt('before the order');
        nova.beside.hooks.after = killAt('before its answer');
        const parameters = { instance: vm.id, kind, confirm: true };
        const plan = await site.start({ type: 'migrate', parameters });
        if (moment === 'while it runs') {
          await nova.client.untilMigration(vm.id, kind === 'live' ? 'running' : 'migrating');
          await site.conductor.kill();
        } else await killed.promise;
        await site.restart();
        const end: End = await site.end(plan);
        nova.beside.hooks.before = nova.beside.hooks.after = async () => true;
        matches(first(end), says, 'the action');
        same((await nova.client.migrations(vm.id)).length, count, 'moves that Nova counts');
        const moves = orders.filter((body) => /migrate/i.test(body));
        same(moves.length, 1, 'orders that the conductors have sent');
      },
    );
}
