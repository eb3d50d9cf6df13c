/** A real Nova on loopback: Debian's services, with MariaDB, RabbitMQ and a hypervisor without guests. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownAddress, takePort } from '../../../src/sim/loopback.ts';
import { openRabbit, type RabbitBroker } from '../../../test/counterparts/rabbitmq_server.ts';
import { type Beside, startBeside } from './beside.ts';
import { NovaClient } from './client.ts';
import { databaseUrl, novaConfiguration, type Places, placementConfiguration } from './configuration.ts';
import { Daemon, listens, runToEnd } from './daemon.ts';
import { startMariaDb } from './mariadb.ts';

/** How the hypervisor treats an instance: see hypervisor.py. */
export interface Traits {
  readonly live_seconds?: number;
  readonly cold_seconds?: number;
  readonly prepare_seconds?: number;
  readonly confirm_seconds?: number;
  readonly stuck?: boolean;
  readonly fails?: 'check' | 'prepare' | 'start' | 'copy' | 'shut_down' | 'finish';
  readonly refuses_abort?: boolean;
}

/** The services that run. */
export interface Nova {
  readonly client: NovaClient;
  readonly beside: Beside;
  readonly broker: RabbitBroker;
  readonly scheduler: Daemon;
  /** The nova-compute of each host. */
  readonly computes: ReadonlyMap<string, Daemon>;
  /** Says how the hypervisor treats an instance from now on; `*` all others. */
  treat(instance: string, traits: Traits): Promise<void>;
}

/** What else is called with each piece of news of the start. */
type Say = (line: string) => void;

const RUN = fileURLToPath(new URL('./run.py', import.meta.url));
/** Debian's packages are made for its own Python. */
const PYTHON = '/usr/bin/python3';

/** Starts everything, with one nova-compute for each host; what was started is ended by `after`. */
export async function startNova(
  { folder, hosts, say }: { readonly folder: string; readonly hosts: readonly string[]; readonly say: Say },
  after: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Nova> {
  const address = ownAddress();
  const ports = {
    ...{ mariadb: await takePort(address), nova: await takePort(address), placement: await takePort(address) },
  };
  const beside = await startBeside(address, `${address}:${ports.nova}`, `${address}:${ports.placement}`);
  after.defer(() => beside.stop());
  const rabbit = openRabbit(null);
  after.defer(async () => (await rabbit.catch(() => null))?.stop());
  const { broker } = await rabbit;
  say('RabbitMQ answers');
  const places: Places = { folder, address, ports: { ...ports, rabbitmq: broker.port }, beside: beside.url };
  const mariadb = await startMariaDb(places, signal);
  after.defer(() => mariadb.kill());
  say('MariaDB answers');
  await writeConfiguration(hosts, places);
  await makeTables(places, signal);
  say('the databases have their tables');
  const traits = await openTraits(join(folder, 'traits.json'));
  const starts = new Starts(places, after);
  const control = join(folder, 'control.conf');
  const placement = starts.start('placement', '/usr/bin/placement-api', [
    '--host',
    address,
    '--port',
    `${ports.placement}`,
  ]);
  const [, , scheduler] = await Promise.all([
    placement,
    starts.service('nova-conductor', 'conductor', control),
    starts.service('nova-scheduler', 'scheduler', control),
    starts.service('nova-api-os-compute', 'api', control),
  ]);
  await (await placement).until(() => listens(address, ports.placement), signal);
  const computes = new Map<string, Daemon>();
  for (const host of hosts)
    computes.set(host, await starts.service('nova-compute', host, join(folder, `${host}.conf`)));
  const client = new NovaClient(`http://${address}:${ports.nova}/v2.1`, `${beside.url}/identity/v3`, signal);
  await client.eventually('the API of Nova', () => listens(address, ports.nova));
  say('the API answers');
  const haveReported = async (): Promise<boolean> => (await client.services()).size === hosts.length;
  await client.eventually('the hosts to report', () => haveReported().catch(() => false));
  // A host takes instances only once it is mapped into the cell.
  const discover = ['--config-file', control, 'cell_v2', 'discover_hosts', '--by-service'];
  await runToEnd({ command: 'nova-manage', words: discover, folder }, signal);
  const known = async (): Promise<boolean> =>
    (await client.ask('GET', '/os-hypervisors')).hypervisors.length === hosts.length;
  await client.eventually('the hosts to be known', known);
  say(`${hosts.length} hosts are up`);
  return { client, beside, broker, scheduler, computes, treat: traits };
}

async function writeConfiguration(hosts: readonly string[], places: Places): Promise<void> {
  const { folder } = places;
  for (const name of ['locks', 'no_policies']) await mkdir(join(folder, name));
  for (const host of ['control', ...hosts]) {
    await mkdir(join(folder, host, 'instances'), { recursive: true });
    await writeFile(
      join(folder, `${host}.conf`),
      novaConfiguration(host, host === 'control' ? 'control' : 'compute', places),
    );
  }
  await writeFile(join(folder, 'placement.conf'), placementConfiguration(places));
}

async function makeTables(places: Places, signal: AbortSignal): Promise<void> {
  const { folder } = places;
  const manage = (...words: string[]) =>
    runToEnd(
      { command: 'nova-manage', words: ['--config-file', join(folder, 'control.conf'), ...words], folder },
      signal,
    );
  const placement = ['--config-file', join(folder, 'placement.conf'), 'db', 'sync'];
  await Promise.all([
    runToEnd({ command: 'placement-manage', words: placement, folder }, signal),
    (async () => {
      await manage('api_db', 'sync');
      await manage('cell_v2', 'map_cell0', '--database_connection', databaseUrl('nova_cell0', places));
      await manage('db', 'sync');
      await manage('cell_v2', 'create_cell', '--name', 'cell1');
    })(),
  ]);
}

/** Starts programs that end with the run. */
class Starts {
  readonly #places: Places;
  readonly #after: AsyncDisposableStack;

  constructor(places: Places, after: AsyncDisposableStack) {
    this.#places = places;
    this.#after = after;
  }

  async start(name: string, command: string, words: readonly string[]): Promise<Daemon> {
    const { folder } = this.#places;
    const variables = { OS_PLACEMENT_CONFIG_DIR: folder, ACCEPTANCE_TRAITS: join(folder, 'traits.json') };
    const daemon = new Daemon({ name, command, words, folder, variables });
    await daemon.start();
    this.#after.defer(() => daemon.kill());
    return daemon;
  }

  service(service: string, name: string, configuration: string): Promise<Daemon> {
    return this.start(name, PYTHON, [RUN, service, '--config-file', configuration]);
  }
}

async function openTraits(path: string): Promise<Nova['treat']> {
  const told: Record<string, Traits> = {};
  const write = async (): Promise<void> => {
    await writeFile(`${path}.new`, JSON.stringify(told));
    await rename(`${path}.new`, path);
  };
  await write();
  return (instance, traits) => {
    told[instance] = traits;
    return write();
  };
}
