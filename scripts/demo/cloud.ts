/** The ninth scene: a host of an OpenStack cloud is drained before it goes down, and a rollback brings its instances back. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Client } from '../../src/cli/shared/connection.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { PowerState } from '../../src/gen/countermand/v1/power.ts';
import { makeCloud } from '../../src/sim/compute/make.ts';
import { listenToCloud } from '../../src/sim/compute/web_server.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { Stage } from './stage.ts';
import { expect } from './waiting.ts';

/** A simulated cloud that listens. */
export interface DemoCloud {
  /** The file of clouds that leads to it. */
  readonly file: string;
  /** The host that each instance is on, by the name of the instance. */
  hosts(): Readonly<Record<string, string>>;
  /** True if instances may be put on a host. */
  isEnabled(host: string): boolean;
  stop(): Promise<void>;
}

/** What the scene is played with. */
export interface CloudProps {
  readonly stage: Stage;
  /** For the data. */
  readonly conductor: Client;
  readonly cloud: DemoCloud;
}

const NODE = 'r7n1';
const HOST = 'cmp1';
const PLAN = 'drain cmp1';
const [USERNAME, PASSWORD] = ['admin', 'secret'];
/** How long a copy takes. */
const LIVE_MS = 1000;

/** Starts a cloud with two hosts and four instances: the simulator behind `countermand sim compute`. */
export async function startCloud(folder: string): Promise<DemoCloud> {
  const user = { name: USERNAME, password: PASSWORD, credentialId: 'demo', credentialSecret: PASSWORD, admin: true };
  const made = makeCloud({ clock: systemClock, chance: systemChance, user, times: { liveMs: LIVE_MS } });
  for (const host of [HOST, 'cmp2']) made.cloud.addHost(host, 10);
  const instances = ['vm1', 'vm2', 'vm3', 'vm4'].map((name, at) =>
    made.cloud.addInstance(name, at % 2 === 0 ? HOST : 'cmp2', 'active'),
  );
  const address = ownAddress();
  const server = await listenToCloud(made, made.traits, { address, port: 0 });
  const auth = { auth_url: `http://${address}:${server.port}/identity/v3`, username: USERNAME, password: PASSWORD };
  const clouds = { clouds: { default: { auth: { ...auth, project_name: 'service' }, region_name: 'RegionOne' } } };
  const file = join(folder, 'clouds.yaml');
  await writeFile(file, stringify(clouds), { mode: 0o600 });
  return {
    file,
    hosts: () => Object.fromEntries(instances.map(({ name, host }) => [name, host ?? ''])),
    isEnabled: (host) => made.cloud.hosts.get(host)?.status === 'enabled',
    stop: () => server.close(),
  };
}

/** Plays the scene. @throws an Error with one sentence that says what did not happen; the reason of the abort */
export async function drainHost({ stage, conductor, cloud }: CloudProps, signal: AbortSignal): Promise<void> {
  stage.heading('9. A host of an OpenStack cloud is drained before it goes down, and gets its instances back');
  const before = cloud.hosts();
  stage.say(`A simulated Nova has the hosts cmp1 and cmp2, and this node is one of them. ${whereIn(before)}`);
  const labelled = await stage.run(`countermand node set ${NODE} --label compute_host=${HOST}`, signal);
  expect(labelled === 0, `${NODE} was not labelled`);
  const made = await stage.run(
    `countermand audit create --name '${PLAN}' --strategy host_maintenance --nodes ${NODE} --parameter moves_at_once=2`,
    signal,
  );
  expect(made === 0, `no plan '${PLAN}' was made`);
  const done = await stage.run(`countermand plan start '${PLAN}' --yes`, signal);
  expect(done === 0, `${HOST} was not drained`);
  const drained = cloud.hosts();
  stage.say(`Where the cloud has them now: ${whereIn(drained)}`);
  expect(!Object.values(drained).includes(HOST), `an instance is still on ${HOST}`);
  expect(!cloud.isEnabled(HOST), `${HOST} still takes instances`);
  await expectPower(PowerState.OFF, conductor);

  const undone = await stage.run(`countermand plan rollback '${PLAN}' --yes`, signal);
  expect(undone === 0, `'${PLAN}' was not rolled back`);
  stage.say(`And now: ${whereIn(cloud.hosts())}`);
  expect(whereIn(cloud.hosts()) === whereIn(before), 'an instance is not back on its host');
  expect(cloud.isEnabled(HOST), `${HOST} was not enabled again`);
  await expectPower(PowerState.ON, conductor);
}

const whereIn = (hosts: Readonly<Record<string, string>>): string =>
  `${Object.entries(hosts)
    .map(([name, host]) => `${name} on ${host}`)
    .join(', ')}.`;

async function expectPower(power: PowerState, { nodes }: Client): Promise<void> {
  const { node } = await nodes.getNode({ node: NODE });
  expect(node?.powerState === power, `${NODE} is not ${power === PowerState.ON ? 'on' : 'off'}`);
}
