/**
 * A conductor that goes without a part of itself from one moment to the next. It is a process of its own (`fork`), and is put together here from the
 * arguments that its parts take. Each message names the part to go without from now on, or none; the answer is the processor time that the process
 * has used so far.
 */
import { pino } from 'pino';
import { runAgent } from '../../src/agent/agent.ts';
import { configurationOf, readValues } from '../../src/cli/daemon/configuration.ts';
import { openLogStream } from '../../src/cli/daemon/log_stream.ts';
import { systemChance as chance } from '../../src/core/chance.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { createDrivers } from '../../src/drivers/list.ts';
import { Access } from '../../src/server/access/access.ts';
import { parseAccess } from '../../src/server/access/access_file.ts';
import { createAuthenticator } from '../../src/server/access/authenticator.ts';
import { Budgets } from '../../src/server/access/budgets.ts';
import { anonymous } from '../../src/server/access/identity.ts';
import { OpenStreams } from '../../src/server/access/open_streams.ts';
import { EVERYTHING } from '../../src/server/access/rights.ts';
import { authorize } from '../../src/server/api/authorize.ts';
import { refuseWhenFull } from '../../src/server/api/calls.ts';
import { countCalls } from '../../src/server/api/counted.ts';
import { Front } from '../../src/server/api/front.ts';
import { listen } from '../../src/server/api/grpc.ts';
import { type Guard, inTurn } from '../../src/server/api/guards.ts';
import { holdCallers, holdMakers, USUAL_LIMITS } from '../../src/server/api/identity_limits.ts';
import { checkRequests } from '../../src/server/api/requests.ts';
import { type Called, createServices } from '../../src/server/api/services.ts';
import { traceCalls } from '../../src/server/api/traced.ts';
import { keepTrail } from '../../src/server/api/trail.ts';
import { View } from '../../src/server/api/view.ts';
import { openStore, startConductor } from '../../src/server/conductor.ts';
import { countChanges } from '../../src/server/metrics/changes.ts';
import { timed } from '../../src/server/metrics/database.ts';
import { MetricRegistry } from '../../src/server/metrics/registry.ts';
import { openDatabaseFile } from '../../src/server/store/sqlite/database.ts';
import type { Started, WithoutPart } from './blocks.ts';

let without: WithoutPart | null = null;
const [folder = ''] = process.argv.slice(2);
const openFilesLimit = 4096;

/** Counts nothing while the conductor goes without. */
class SwitchedRegistry extends MetricRegistry {
  override add(...counted: Parameters<MetricRegistry['add']>): void {
    if (without !== 'observing') super.add(...counted);
  }
  override move(...counted: Parameters<MetricRegistry['move']>): void {
    if (without !== 'observing') super.move(...counted);
  }
  override observe(...counted: Parameters<MetricRegistry['observe']>): void {
    if (without !== 'observing') super.observe(...counted);
  }
}

const log = pino({ base: null }, openLogStream(process.stderr, clock));
const registry = new SwitchedRegistry();
const { database: plain } = await openDatabaseFile(folder);
const database = timed(plain, registry, clock);
const writeTimed = database.write;
database.write = (work) => (without === 'observing' ? plain : { write: writeTimed }).write(work);
// Log and metrics are those who follow each change.
const { feed } = plain;
const each = feed.each.bind(feed);
feed.each = (topics, tell, signal) => each(topics, (change) => without !== 'observing' && tell(change), signal);

const bindings = [
  { identities: ['token:enrols'], role: 'admin' },
  { identities: ['token:orders'], role: 'operator', labels: { fleet: 'bench' } },
];
const access = new Access(parseAccess({ bindings }, 'bench'));
const store = openStore({ database, clock, chance, publisherId: 'countermand-conductor.bench' });
const configuration = configurationOf(readValues({}, {}));
const limits = { ...configuration, syncPowerStateIntervalMs: 0 };
const conductor = await startConductor({ store, limits, access, agentLeaseMs: configuration.agentLeaseMs, log });
void countChanges(database, registry, conductor.shutdown);

const methods = { tokens: true, certificates: false, jwt: null, htpasswd: null };
const identify = createAuthenticator(methods, clock, log)(conductor.tokens);
const services = createServices(
  conductor,
  async (credentials) => (without === 'rights' ? anonymous(credentials) : identify(credentials)),
  access,
  registry,
);

const before = [countCalls(registry, clock), checkRequests()];
const view = new View(EVERYTHING, 'anonymous', database.read);
const record = {
  actor: { identity: 'anonymous', onBehalfOf: null, peer: '', trace: null },
  note: async () => {},
  done: () => {},
};
/** What a call passes, less what belongs to a part. */
const holdWithout: Readonly<Record<WithoutPart, Guard<Called>>> = {
  observing: services.hold,
  rights: inTurn<Called>([
    ...before,
    traceCalls(store),
    keepTrail(store, log),
    () => ({ context: { view } }),
    refuseWhenFull(conductor.disk),
  ]),
  trail: inTurn<Called>([
    ...before,
    holdCallers(new Budgets(USUAL_LIMITS, clock), access),
    traceCalls(store),
    () => ({ context: { record } }),
    holdMakers(USUAL_LIMITS),
    authorize({ access, streams: new OpenStreams(access), store }),
    refuseWhenFull(conductor.disk),
  ]),
};
const hold: Guard<Called> = (call) => (without === null ? services.hold : holdWithout[without])(call);
const elsewhere = { error: fail('NOT_LEADING', 'it is being started'), grpc: null, http: null };
const front = new Front({ log, clock, chance, registry }, elsewhere);
front.lead({ conductor, services: { ...services, hold }, objection: () => null });
const place = { address: '127.0.0.1:0', openFilesLimit, tls: null, amongOthers: false };
const { port } = await listen(front, { ...place, drainTimeoutMs: 1000, streamReadTimeoutMs: 300_000 });

const tokenOf = async (name: string): Promise<string> =>
  (await conductor.tokens.create({ name, days: 1, agentZones: [], role: null, createdBy: 'bench' })).secret;
const started: Started = {
  address: `127.0.0.1:${port}`,
  enrols: await tokenOf('enrols'),
  orders: await tokenOf('orders'),
};
const drivers = createDrivers({
  clock,
  chance,
  searchPath: '',
  ipmiKeepSessionMs: 0,
  bmcCaFolder: null,
  openFilesLimit,
});
const agent = {
  drivers: drivers.filter(({ name }) => name === 'fake'),
  ...{ name: 'inside', zones: ['default'], embedded: true, minCommandIntervalMs: null },
  secrets: { folder: null, environment: {}, vault: null },
  ...{ clock, chance, log },
  attached: () => process.send?.(started),
};
process.on('message', (part: WithoutPart | 'nothing') => {
  const { user, system } = process.cpuUsage();
  without = part === 'nothing' ? null : part;
  process.send?.(user + system);
});
const attach = (outgoing: Parameters<typeof conductor.attachments.attach>[0], signal: AbortSignal) =>
  conductor.attachments.attach(outgoing, signal, { embedded: true, identity: null });
await runAgent({ ...agent, attach }, openCancellation([]).signal);
