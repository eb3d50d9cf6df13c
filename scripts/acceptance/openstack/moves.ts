/** The actions about instances, each to its end and taken back by a rollback. */
import { type Checks, matches, same } from '../checks.ts';
import type { Traits } from '../nova/nova.ts';
import { mustBe, type Pool } from './instances.ts';
import type { End, Site } from './site.ts';

/** State and sentence of the only action of a plan. */
export function first({ actions }: End): string {
  const [action] = actions;
  return `${action?.state} ${action?.errorCode ? `${action.errorCode} ` : ''}${action?.statusMessage || action?.errorMessage}`;
}

/** Checks each way to move an instance. */
export async function checkMoves(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  const migrate = (instance: string, parameters: object) =>
    site.run({ type: 'migrate', parameters: { instance, ...parameters } });

  await checks.check('live migration to a named host, and back by a rollback', async () => {
    const vm = await pool.take();
    const end = await migrate(vm.id, { kind: 'live', destination: 'cmp2' });
    matches(first(end), /^SUCCEEDED .*is on cmp2$/, 'the action');
    await mustBe(vm, 'ACTIVE cmp2', ['live-migration completed cmp1>cmp2'], nova);
    same((await site.rollBack(end.uuid)).state, 'SUCCEEDED', 'the rollback');
    await mustBe(vm, 'ACTIVE cmp1', ['live-migration completed cmp1>cmp2', 'live-migration completed cmp2>cmp1'], nova);
  });

  await checks.check('live migration to where the scheduler chooses', async () => {
    const vm = await pool.take();
    const end = await migrate(vm.id, { kind: 'live' });
    const to = (await nova.client.server(vm.id))?.host ?? '';
    matches(first(end), new RegExp(`^SUCCEEDED .*is on ${to}$`), 'the action');
    if (to === 'cmp1') throw new Error('it has not moved');
    await mustBe(vm, `ACTIVE ${to}`, [`live-migration completed cmp1>${to}`], nova);
  });

  await checks.check('cold migration that waits to be confirmed; its rollback reverts it', async () => {
    const vm = await pool.take();
    const end = await migrate(vm.id, { kind: 'cold', destination: 'cmp2' });
    matches(first(end), /^SUCCEEDED .*is on cmp2, and waits to be confirmed or reverted$/, 'the action');
    await mustBe(vm, 'VERIFY_RESIZE cmp2', ['migration finished cmp1>cmp2'], nova);
    same((await site.rollBack(end.uuid)).state, 'SUCCEEDED', 'the rollback');
    await mustBe(vm, 'ACTIVE cmp1', ['migration reverted cmp1>cmp2'], nova);
  });

  await checks.check('cold migration that is confirmed; its rollback migrates it back', async () => {
    const vm = await pool.take();
    await nova.client.order(vm.id, { 'os-stop': null });
    await nova.client.until(vm.id, ({ status }) => status === 'SHUTOFF', 'SHUTOFF');
    const end = await migrate(vm.id, { kind: 'cold', destination: 'cmp2', confirm: true });
    matches(first(end), /^SUCCEEDED .*is on cmp2$/, 'the action');
    await mustBe(vm, 'SHUTOFF cmp2', ['migration confirmed cmp1>cmp2'], nova);
    same((await site.rollBack(end.uuid)).state, 'SUCCEEDED', 'the rollback');
    await mustBe(vm, 'SHUTOFF cmp1', ['migration confirmed cmp1>cmp2', 'migration confirmed cmp2>cmp1'], nova);
  });
}

/** Checks what is moved how, what is left alone, and power orders. */
export async function checkKinds(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  const migrate = (instance: string, parameters: object) =>
    site.run({ type: 'migrate', parameters: { instance, ...parameters } });

  await checks.check('auto: what runs is moved live, what is shut off cold', async () => {
    const [runs, off] = [await pool.take(), await pool.take()];
    await nova.client.order(off.id, { 'os-stop': null });
    await nova.client.until(off.id, ({ status }) => status === 'SHUTOFF', 'SHUTOFF');
    same((await migrate(runs.id, { destination: 'cmp2' })).state, 'SUCCEEDED', 'the plan');
    same((await migrate(off.id, { destination: 'cmp2', confirm: true })).state, 'SUCCEEDED', 'the plan');
    await mustBe(runs, 'ACTIVE cmp2', ['live-migration completed cmp1>cmp2'], nova);
    await mustBe(off, 'SHUTOFF cmp2', ['migration confirmed cmp1>cmp2'], nova);
  });

  await checks.check('an instance that is paused is moved live, and stays paused', async () => {
    const vm = await pool.take();
    await nova.client.order(vm.id, { pause: null });
    await nova.client.until(vm.id, ({ status }) => status === 'PAUSED', 'PAUSED');
    same((await migrate(vm.id, { destination: 'cmp2' })).state, 'SUCCEEDED', 'the plan');
    await mustBe(vm, 'PAUSED cmp2', ['live-migration completed cmp1>cmp2'], nova);
  });

  await checks.check('an instance that is where it should be, or gone, is left alone', async () => {
    const vm = await pool.take();
    matches(first(await migrate(vm.id, { destination: 'cmp1' })), /^S\w+ .*is on cmp1 already$/, 'the action');
    await mustBe(vm, 'ACTIVE cmp1', [], nova);
    await nova.client.remove([vm.id]);
    matches(first(await migrate(vm.id, {})), /^S\w+ instance \S+ is gone$/, 'the action');
  });

  await checks.check('stop and start, each undone by a rollback', async () => {
    const vm = await pool.take();
    const stop = await site.run({ type: 'stop_instance', parameters: { instance: vm.id } });
    matches(first(stop), /^SUCCEEDED .*is SHUTOFF$/, 'the stop');
    await mustBe(vm, 'SHUTOFF cmp1', [], nova);
    same((await site.rollBack(stop.uuid)).state, 'SUCCEEDED', 'the rollback of the stop');
    await mustBe(vm, 'ACTIVE cmp1', [], nova);
    await nova.client.order(vm.id, { 'os-stop': null });
    await nova.client.until(vm.id, ({ status }) => status === 'SHUTOFF', 'SHUTOFF');
    const start = await site.run({ type: 'start_instance', parameters: { instance: vm.id } });
    matches(first(start), /^SUCCEEDED .*is ACTIVE$/, 'the start');
    same((await site.rollBack(start.uuid)).state, 'SUCCEEDED', 'the rollback of the start');
    await mustBe(vm, 'SHUTOFF cmp1', [], nova);
  });
}

/** Kind, what fails, the sentence of the action, what Nova shows then. */
const FAILURES: readonly ['live' | 'cold', Traits | 'disabled', RegExp, string, string][] = [
  [
    'live',
    'disabled',
    /^FAILED MIGRATION_FAILED .*is still on cmp1: migration \d+ failed: No valid host was found/,
    'ACTIVE cmp1',
    'error',
  ],
  [
    'live',
    { fails: 'check' },
    /^FAILED MIGRATION_FAILED .*is still on cmp1: migration \d+ failed: .+/,
    'ACTIVE cmp1',
    'error',
  ],
  [
    'live',
    { fails: 'prepare' },
    /^FAILED MIGRATION_FAILED .*is still on cmp1: migration \d+ failed/,
    'ACTIVE cmp1',
    'failed',
  ],
  [
    'live',
    { fails: 'copy' },
    /^FAILED MIGRATION_FAILED .*is still on cmp1: migration \d+ failed/,
    'ACTIVE cmp1',
    'failed',
  ],
  [
    'live',
    { fails: 'start' },
    /^FAILED MIGRATION_FAILED .*is in ERROR on cmp1; its guest may run/,
    'ERROR cmp1',
    'error',
  ],
  [
    'cold',
    'disabled',
    /^FAILED MIGRATION_FAILED .*is still on cmp1: migration \d+ failed: No valid host was found/,
    'ACTIVE cmp1',
    'error',
  ],
  ['cold', { fails: 'shut_down' }, /^FAILED MIGRATION_FAILED .*is in ERROR on cmp1: .+/, 'ERROR cmp1', 'error'],
  ['cold', { fails: 'finish' }, /^FAILED MIGRATION_FAILED .*is in ERROR on cmp2: .+/, 'ERROR cmp2', 'error'],
];

/** Checks that an accepted order that fails is told with the reason that Nova gives. */
export async function checkFailures(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  for (const [kind, failing, says, is, status] of FAILURES) {
    const what = failing === 'disabled' ? 'a destination that is disabled' : `a failure in step ${failing.fails}`;
    await checks.check(`${kind} migration with ${what}: FAILED, and why`, async () => {
      const vm = await pool.take();
      if (failing === 'disabled')
        await nova.client.setService('cmp2', { status: 'disabled', disabled_reason: 'burnt' });
      else await nova.treat(vm.id, failing);
      const end = await site.run({ type: 'migrate', parameters: { instance: vm.id, kind, destination: 'cmp2' } });
      if (failing === 'disabled') await nova.client.setService('cmp2', { status: 'enabled' });
      matches(first(end), says, 'the action');
      const type = kind === 'live' ? 'live-migration' : 'migration';
      const rows = (await nova.client.migrations(vm.id)).map((row) => `${row.type} ${row.status}`);
      same(rows, [`${type} ${status}`], 'Nova about the migration');
      await nova.client.eventually(
        'nothing to be done with it',
        async () => (await nova.client.server(vm.id))?.task === null,
      );
      const server = await nova.client.server(vm.id);
      same(`${server?.status} ${server?.host}`, is, 'Nova about the instance');
    });
  }
}

/** Checks what is done with a nova-compute. */
export async function checkServices(site: Site, checks: Checks): Promise<void> {
  const { client } = site.nova;
  const change = (parameters: Record<string, unknown>) =>
    site.run({ type: 'change_compute_service_state', node: 'n2', parameters });
  const mustShow = async (expected: string): Promise<void> => {
    const { status, reason } = (await client.services()).get('cmp2') ?? {};
    same(`${status} ${reason}`, expected, 'Nova about nova-compute of cmp2');
  };

  await checks.check('a service is disabled with a reason, and enabled again by a rollback', async () => {
    const end = await change({ state: 'disabled', disabled_reason: 'rack work' });
    same(end.state, 'SUCCEEDED', 'the plan');
    await mustShow('disabled rack work');
    same((await site.rollBack(end.uuid)).state, 'SUCCEEDED', 'the rollback');
    await mustShow('enabled null');
  });

  await checks.check('a service that an operator has disabled stays so, with its reason', async () => {
    await client.setService('cmp2', { status: 'disabled', disabled_reason: 'smells' });
    const end = await change({ state: 'disabled', disabled_reason: 'rack work' });
    matches(first(end), /^S\w+ .*is disabled \(smells\) already$/, 'the action');
    await mustShow('disabled smells');
    await site.rollBack(end.uuid).catch(() => null);
    await mustShow('disabled smells');
  });

  await checks.check('the reason from before comes back by a rollback', async () => {
    await client.setService('cmp2', { status: 'disabled', disabled_reason: 'smells' });
    const end = await change({ state: 'enabled' });
    same(end.state, 'SUCCEEDED', 'the plan');
    await mustShow('enabled null');
    same((await site.rollBack(end.uuid)).state, 'SUCCEEDED', 'the rollback');
    await mustShow('disabled smells');
    await client.setService('cmp2', { status: 'enabled' });
  });

  await checks.check('a service that an operator has touched since is left alone by a rollback', async () => {
    const end = await change({ state: 'disabled', disabled_reason: 'rack work' });
    await client.setService('cmp2', { status: 'disabled', disabled_reason: 'burnt' });
    matches(first(await site.rollBack(end.uuid)), /it is left alone$/, 'the rollback');
    await mustShow('disabled burnt');
    await client.setService('cmp2', { status: 'enabled' });
  });
}
