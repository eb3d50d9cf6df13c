/** What is wrong with a cloud, a user or a host: a clear error, and nothing is moved. */

import { asCountermandError } from '../../../src/core/errors.ts';
import { type Checks, matches, same } from '../checks.ts';
import { mustBe, type Pool } from './instances.ts';
import { first } from './moves.ts';
import type { Site } from './site.ts';

/** What is wrong, the node that has it, what the audit of its maintenance says. */
const BAD: readonly [string, string, RegExp][] = [
  ['a wrong password', 'bad-wrong_password', /COMPUTE_LOGIN_REFUSED/],
  ['a member without the rights of an admin', 'bad-member', /COMPUTE_FORBIDDEN/],
  ['a Keystone that does not exist', 'bad-nowhere', /COMPUTE_SILENT/],
  ['a compute service that is another service', 'bad-wrong_url', /COMPUTE_/],
  ['a region that the catalog does not have', 'bad-wrong_region', /COMPUTE_.*RegionTwo/],
  ['a host that does not exist', 'bad-host', /no nova-compute on host no-such-host/],
];

/** Checks what people get wrong. */
export async function checkBadInput(site: Site, pool: Pool, checks: Checks): Promise<void> {
  const { nova } = site;
  const refusalOf = async (node: string): Promise<string> => {
    const thrown = await site.audit('host_maintenance', node).then(() => null, asCountermandError);
    return thrown === null ? 'a plan was made' : `${thrown.code} ${thrown.message}`;
  };
  const nothingMoved = async (before: number): Promise<void> =>
    same(await countMoves(site), before, 'moves that Nova counts');

  for (const [what, node, says] of BAD)
    await checks.check(`${what}: no plan is made, and it says why`, async () => {
      const before = await countMoves(site);
      matches(await refusalOf(node), says, 'the audit');
      await nothingMoved(before);
    });

  await checks.check('a service that speaks too old a version is refused', async () => {
    const before = await countMoves(site);
    nova.beside.version = '2.60';
    try {
      matches(await refusalOf('bad-old'), /COMPUTE_TOO_OLD/, 'the audit');
    } finally {
      nova.beside.version = null;
    }
    await nothingMoved(before);
  });

  await checks.check('an application credential does as well as a password', async () => {
    const vm = await pool.take();
    const parameters = { instance: vm.id, destination: 'cmp2' };
    const end = await site.run({ type: 'migrate', node: 'bad-credential', parameters });
    matches(first(end), /^SUCCEEDED /, 'the action');
    await mustBe(vm, 'ACTIVE cmp2', ['live-migration completed cmp1>cmp2'], nova);
  });

  await checks.check('a destination that does not exist: refused by Nova, and nothing is moved', async () => {
    const vm = await pool.take();
    for (const kind of ['live', 'cold']) {
      const parameters = { instance: vm.id, kind, destination: 'no-such-host' };
      const end = await site.run({ type: 'migrate', parameters });
      matches(first(end), /^FAILED COMPUTE_REFUSED .*no-?such-?host/, 'the action');
    }
    await mustBe(vm, 'ACTIVE cmp1', [], nova);
  });

  await checks.check('a token that is not accepted any more in the middle of a migration is renewed', async () => {
    const vm = await pool.take();
    await nova.treat(vm.id, { live_seconds: 8 });
    const plan = await site.start({ type: 'migrate', parameters: { instance: vm.id, destination: 'cmp2' } });
    await nova.client.untilMigration(vm.id, 'running');
    const before = nova.beside.logins.get('countermand') ?? 0;
    nova.beside.forget('countermand');
    matches(first(await site.end(plan)), /^SUCCEEDED /, 'the action');
    const after = nova.beside.logins.get('countermand') ?? 0;
    if (after <= before) throw new Error('no new token was asked for');
    await mustBe(vm, 'ACTIVE cmp2', ['live-migration completed cmp1>cmp2'], nova);
  });
}

async function countMoves({ nova }: Site): Promise<number> {
  const { migrations } = await nova.client.ask('GET', '/os-migrations');
  return migrations.length;
}
