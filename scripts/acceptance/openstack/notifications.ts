/** Notifications that Nova sends over RabbitMQ: what others change makes plans stale, what a plan does itself does not. */
import { type Checks, matches, same } from '../checks.ts';
import { mustBe, type Pool } from './instances.ts';
import { first } from './moves.ts';
import type { Site } from './site.ts';

/** Checks what makes plans stale. */
export async function checkNotifications(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  const superseded = (plan: string, what: string): Promise<void> =>
    nova.client.eventually(
      `the plan to be superseded by ${what}`,
      async () => (await site.look(plan))?.state === 'SUPERSEDED',
    );

  await checks.check(
    'an instance that another client moves supersedes the plans about its hosts, and no others',
    async () => {
      const vm = await pool.take();
      const [source, dest, other] = [await prepare('n1', site), await prepare('n2', site), await prepare('n3', site)];
      await nova.client.order(vm.id, { 'os-migrateLive': { host: 'cmp2', block_migration: 'auto' } });
      await superseded(source, 'the move');
      await superseded(dest, 'the move');
      same(await site.look(other), null, 'the plan about a host that has no part in it');
    },
  );

  await checks.check('an operator who disables a host supersedes the plans about it', async () => {
    const plan = await prepare('n2', site);
    await nova.client.setService('cmp2', { status: 'disabled', disabled_reason: 'burnt' });
    await superseded(plan, 'the operator');
    await nova.client.setService('cmp2', { status: 'enabled' });
  });

  await checks.check('what happens while no conductor runs supersedes plans when one does', async () => {
    const vm = await pool.take();
    const plan = await prepare('n1', site);
    await site.conductor.kill();
    await nova.client.order(vm.id, { 'os-stop': null });
    await nova.client.until(vm.id, ({ status }) => status === 'SHUTOFF', 'SHUTOFF');
    await site.restart();
    await superseded(plan, 'the stop');
  });

  await checks.check('the moves of a plan make neither it nor one that waits for it stale, but others', async () => {
    const [one, other] = [await pool.take(), await pool.take()];
    await nova.treat(one.id, { live_seconds: 6 });
    const prepared = await prepare('n1', site);
    const moves = [one, other].map(({ id }) => ({
      type: 'migrate',
      parameters: { instance: id, destination: 'cmp2' },
    }));
    const plan = await site.start(...moves);
    const waits = await site.queue({ type: 'stop_instance', parameters: { instance: one.id } });
    const end = await site.end(plan);
    same(end.state, 'SUCCEEDED', `the plan (${end.message})`);
    for (const vm of [one, other]) same((await nova.client.migrations(vm.id)).length, 1, 'moves that Nova counts');
    matches(first(await site.end(waits)), /^SUCCEEDED /, 'the plan that waited');
    await superseded(prepared, 'the moves');
    await mustBe(one, 'SHUTOFF cmp2', ['live-migration completed cmp1>cmp2'], nova);
  });

  await checks.check(
    'a host that goes down by silence, of which Nova does not tell, supersedes the plans about it',
    async () => {
      const plan = await prepare('n2', site);
      site.keptDown.add('cmp2');
      await nova.computes.get('cmp2')?.kill();
      await superseded(plan, 'the silence');
      const back = await prepare('n2', site);
      site.keptDown.delete('cmp2');
      await superseded(back, 'the first report');
    },
  );
}

/** A plan about a node that is not started. */
const prepare = (node: string, site: Site): Promise<string> => site.make({ type: 'check_compute_host', node });
