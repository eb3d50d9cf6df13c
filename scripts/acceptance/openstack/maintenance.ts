/** The whole maintenance of hosts and its rollback, and the evacuation of a dead host. */
import { asCountermandError } from '../../../src/core/errors.ts';
import { type Checks, matches, same } from '../checks.ts';
import type { Server } from '../nova/client.ts';
import type { End, Site } from './site.ts';

/** Takes a line about what goes on. */
type Say = (line: string) => void;

/** All that a rollback has to bring back, as Nova, the BMCs and the conductor show it. */
async function everything({
  nova,
  bmcs,
  nodes,
}: Pick<Site, 'nova' | 'bmcs'> & { nodes: Record<string, string> }): Promise<object> {
  const servers = (await nova.client.servers()).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const services = [...(await nova.client.services()).values()].toSorted((one, other) =>
    one.host < other.host ? -1 : 1,
  );
  const power = await Promise.all([...bmcs].map(async ([host, bmc]) => `${host} ${await bmc.power()}`));
  return {
    instances: servers.map(
      ({ name, status, host, task }) => `${name} ${status} ${host}${task === null ? '' : `, ${task}`}`,
    ),
    services: services.map(
      ({ host, status, state, reason, forcedDown }) =>
        `${host} ${status} ${state} ${reason}${forcedDown ? ', forced down' : ''}`,
    ),
    power,
    nodes,
  };
}

const look = async (site: Site): Promise<object> =>
  everything({ nova: site.nova, bmcs: site.bmcs, nodes: await site.nodes() });

/** What is there before the maintenance. */
interface Filled {
  readonly servers: readonly Server[];
  /** Hosts whose nodes go down. */
  readonly drained: readonly string[];
  /** The host that takes their instances meanwhile. */
  readonly refuge: string;
  readonly before: object;
}

/** What the strategy is told: host after host. */
const PARAMETERS = { wave_size: 1, moves_at_once: 2, reason: 'acceptance' };
const HALF_WAY_LIMIT_MS = 900_000;

/** Checks the maintenance of all hosts but the last one, which takes the instances meanwhile. */
export async function checkMaintenance(site: Site, count: number, say: Say, checks: Checks): Promise<void> {
  let made: Filled | null = null;
  await checks.check(`maintenance: ${count} instances are there, and one of them is shut off`, async () => {
    made = await fill(site, count);
  });
  // Nothing else can be shown without them.
  if (made === null) return;
  const filled: Filled = made;
  const range = `n[1-${filled.drained.length}]`;
  await checks.check(
    `maintenance of ${filled.drained.length} hosts, cancelled half way and rolled back: all is as it was`,
    async () => {
      const plan = await site.audit('host_maintenance', range, PARAMETERS);
      await site.launch(plan);
      await untilHalfWay(filled, count, site, say);
      await site.cancel(plan, true);
      const end = await ended(site, plan, say);
      same(end.state, 'CANCELLED', `the plan (${failures(end)})`);
      const back = await ended(site, end.rolledBackBy, say);
      same(back.state, 'SUCCEEDED', `the rollback (${failures(back)})`);
      await settled(site);
      same(await look(site), filled.before, 'everything');
      await onceThereAndBack(filled.servers, site);
    },
  );

  await checks.check(
    `maintenance of ${filled.drained.length} hosts to its end and rolled back: all is as it was`,
    async () => {
      const plan = await site.audit('host_maintenance', range, PARAMETERS);
      await site.launch(plan);
      const end = await ended(site, plan, say);
      same(end.state, 'SUCCEEDED', `the plan (${failures(end)})`);
      await mustBeDown(filled, count, site);
      const back = await ended(site, await site.orderRollback(plan), say);
      same(back.state, 'SUCCEEDED', `the rollback (${failures(back)})`);
      await settled(site);
      same(await look(site), filled.before, 'everything');
    },
  );
  await site.nova.client.remove(filled.servers.map(({ id }) => id));
}

async function untilHalfWay({ drained, refuge }: Filled, count: number, { nova, bmcs }: Site, say: Say): Promise<void> {
  const isHalfWay = async (): Promise<boolean> => {
    const moved = (await nova.client.serversOn(refuge)).length;
    say(`${moved} of ${count} instances are on ${refuge}`);
    return moved >= count / 2 && (await bmcs.get(drained[0] as string)?.power()) === 'power off';
  };
  await nova.client.eventually(
    'half of the instances to be moved, and the first host to be down',
    isHalfWay,
    HALF_WAY_LIMIT_MS,
  );
}

async function mustBeDown({ drained, refuge }: Filled, count: number, { nova, bmcs, nodes }: Site): Promise<void> {
  same((await nova.client.serversOn(refuge)).length, count, `instances on ${refuge}`);
  for (const host of drained) same(await bmcs.get(host)?.power(), 'power off', `the BMC of ${host}`);
  const known = await nodes();
  for (const at of drained.keys()) same(known[`n${at + 1}`], 'off, maintenance', `node n${at + 1}`);
}

/** Fills the hosts evenly. One instance is shut off. */
async function fill(site: Site, count: number): Promise<Filled> {
  const { client } = site.nova;
  const [drained, refuge] = [site.hosts.slice(0, -1), site.hosts.at(-1) as string];
  const servers: Server[] = [];
  for (const [at, host] of drained.entries()) {
    const share = Math.floor(count / drained.length) + (at < count % drained.length ? 1 : 0);
    servers.push(...(await client.create(share, host, `${host}-`)));
  }
  const { id } = servers.at(-1) as Server;
  await client.order(id, { 'os-stop': null });
  await client.until(id, ({ status }) => status === 'SHUTOFF', 'SHUTOFF');
  await settled(site);
  return { servers, drained, refuge, before: await look(site) };
}

async function ended(site: Site, plan: string, say: Say): Promise<End> {
  for (;;) {
    const end = await site.look(plan);
    if (end !== null) return end;
    const all = await site.actions(plan);
    const done = all.filter(({ state }) => !['PENDING', 'ONGOING', 'CANCELLING'].includes(state)).length;
    say(`${done} of ${all.length} actions are at rest`);
    await site.pause();
  }
}

const failures = ({ message, actions }: End): string =>
  [
    message,
    ...actions.filter(({ state }) => state === 'FAILED').map(({ name, errorMessage }) => `${name}: ${errorMessage}`),
  ].join('; ');

/** Resolves when each host has reported anew: one whose nova-compute has just ended counts as up for a while. */
async function settled({ nova, hosts }: Site): Promise<void> {
  const first = await nova.client.services();
  await nova.client.eventually('the hosts to report', async () => {
    const now = await nova.client.services();
    const hasReported = (host: string): boolean => now.get(host)?.updatedAt !== first.get(host)?.updatedAt;
    return hosts.every((host) => now.get(host)?.state === 'up' && hasReported(host));
  });
}

/** @throws an Error if an instance was moved more often than away and back */
async function onceThereAndBack(servers: readonly Server[], { nova }: Site): Promise<void> {
  for (const { id, name } of servers) {
    const rows = await nova.client.migrations(id);
    const ended = rows.filter(({ status }) => ['completed', 'confirmed'].includes(status));
    if (ended.length % 2 !== 0 || ended.length > 2)
      throw new Error(`${name} was moved ${ended.length} times: ${JSON.stringify(rows)}`);
  }
}

/** Checks the maintenance of a host that an operator had disabled before. */
export async function checkDisabledHost(site: Site, checks: Checks): Promise<void> {
  const { client } = site.nova;
  await checks.check(
    'maintenance of a host that was disabled before: the rollback names what it takes not back',
    async () => {
      const servers = await client.create(2, 'cmp2', 'home');
      await client.setService('cmp2', { status: 'disabled', disabled_reason: 'smells' });
      const plan = await site.audit('host_maintenance', 'n2', PARAMETERS);
      await site.launch(plan);
      const end = await site.end(plan);
      same(end.state, 'SUCCEEDED', `the plan (${failures(end)})`);
      const back = await site.rollBack(plan);
      same(back.state, 'FAILED', 'the rollback');
      matches(
        failures(back),
        /host cmp2 is disabled \(smells\) and takes no instances; \S+ stays on cmp\d/,
        'the rollback',
      );
      await settled(site);
      same((await site.nodes()).n2, 'on', 'node n2');
      const { status, reason } = (await client.services()).get('cmp2') ?? {};
      same({ status, reason }, { status: 'disabled', reason: 'smells' }, 'Nova about nova-compute of cmp2');
      await client.setService('cmp2', { status: 'enabled' });
      const home = servers.map(({ id }) => ({
        ...{ type: 'migrate', node: 'n2', parameters: { instance: id, destination: 'cmp2' } },
      }));
      const moved = await site.run(...home);
      same(moved.state, 'SUCCEEDED', `the way home (${failures(moved)})`);
      same((await client.serversOn('cmp2')).length, servers.length, 'instances on cmp2');
      await client.remove(servers.map(({ id }) => id));
    },
  );
}

/** Checks that a host is evacuated only when it was seen off. */
export async function checkEvacuation(site: Site, checks: Checks): Promise<void> {
  const { nova } = site;
  await checks.check(
    'evacuation: refused while the host lives; only when its node is seen off its instances are built anew',
    async () => {
      const servers = await nova.client.create(2, 'cmp2', 'lost');
      const alive = await site.audit('evacuate', 'n2').then(
        () => 'a plan was made',
        (thrown) => asCountermandError(thrown).message,
      );
      matches(alive, /nova-compute of cmp2 \(node n2\) is up/, 'the audit of a host that lives');
      // Its nova-compute dies, and its guests run on: what a broken network looks like.
      site.keptDown.add('cmp2');
      await nova.computes.get('cmp2')?.kill();
      await nova.client.eventually(
        'cmp2 to be down',
        async () => (await nova.client.services()).get('cmp2')?.state === 'down',
      );
      const [vm] = servers as [Server, Server];
      const early = await site.run({ type: 'evacuate_instance', node: 'n2', parameters: { instance: vm.id } });
      matches(
        early.actions[0]?.statusMessage || early.actions[0]?.errorMessage || '',
        /node n2 is not known to be off/,
        'an evacuation while the node is on',
      );
      same((await nova.client.migrations(vm.id)).length, 0, 'moves that Nova counts');
      const plan = await site.audit('evacuate', 'n2');
      await site.launch(plan);
      const end = await site.end(plan);
      same(end.state, 'SUCCEEDED', `the plan (${failures(end)})`);
      same(await site.bmcs.get('cmp2')?.power(), 'power off', 'the BMC of cmp2');
      for (const server of servers) {
        const is = await nova.client.server(server.id);
        same([is?.status, is?.host === 'cmp2'], ['ACTIVE', false], `Nova about ${server.name}`);
        same(
          (await nova.client.migrations(server.id)).map(({ type, status }) => `${type} ${status}`),
          ['evacuation done'],
          'its moves',
        );
      }
      same((await nova.client.services()).get('cmp2')?.forcedDown, true, 'cmp2 forced down');
      const refused = await site.rollBack(plan).then(
        () => '',
        (thrown) => asCountermandError(thrown).message,
      );
      matches(refused, /an evacuation cannot be undone/, 'the rollback');
      site.keptDown.delete('cmp2');
      const back = await site.rollBack(plan, true);
      same(back.state, 'SUCCEEDED', `the rollback of the rest (${failures(back)})`);
      await settled(site);
      const { status, forcedDown } = (await nova.client.services()).get('cmp2') ?? {};
      same({ status, forcedDown }, { status: 'enabled', forcedDown: false }, 'Nova about nova-compute of cmp2');
      await nova.client.remove(servers.map(({ id }) => id));
    },
  );
}
