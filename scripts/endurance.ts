/**
 * `npm run endurance -- --minutes M --kill-every S`: two conductors on one PostgreSQL, of which the leader is killed with SIGKILL every
 * S seconds, and PostgreSQL three times in the M minutes, while plans over real BMC simulators and over the driver `fake` run, are cancelled and
 * rolled back. A line every minute says how far it is. In the end, what the BMCs have received is compared with what is stored:
 * nothing may be lost, done twice or stuck. Exit code 0 if so, 1 if not, 2 for a wrong command line.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { driverInfoOf } from '../bench/fleet.ts';
import { Conductor, startConductors } from '../bench/postgres/conductors.ts';
import { type Done, Lane } from '../bench/postgres/lane.ts';
import { audit, type Verdict } from '../bench/postgres/ledger.ts';
import { Persistence } from '../bench/postgres/persist.ts';
import { type Client, withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation, sleep } from '../src/core/signals.ts';
import { portionsOf } from '../src/server/store/portions.ts';
import { type IpmiSim, startIpmiSim } from '../src/sim/ipmi_sim.ts';
import { type RunningPostgres, startPostgres } from '../test/counterparts/postgres_server.ts';

const USAGE = `usage: npm run endurance -- [--minutes M] [--kill-every S] [--lanes N] [--real N] [--fake N]
  --minutes M      how long new plans are started (10)
  --kill-every S   seconds between two kills of the leader (10)
  --lanes N        plans that run side by side, each over nodes of its own (2)
  --real N         nodes of a plan with an ipmi_sim each (10)
  --fake N         nodes of a plan with the driver fake, by an agent of their own (990)
`;
const KILLS_OF_DATABASE = 3;
const DATABASE_AWAY_MS = 3000;
const LOOK_MS = 500;
const ENROL_AT_ONCE = 50;
/** After the last start, all that was begun must be at rest within this time. */
const REST_LIMIT_MS = 300_000;
const MINUTE_MS = 60_000;
const ZONE = 'apart';
const FLAGS = ['--confirm-above', '1000000', '--recall-confirm', '0.5'];
const FAKE = { fake_soft_ms: '500', fake_powering_ms: '100' };

type Request = Readonly<Record<'minutes' | 'kill-every' | 'lanes' | 'real' | 'fake', number>>;

/** Reads the command line. @returns null if it is wrong */
function readRequest(args: readonly string[]): Request | null {
  const number = (fallback: string) => ({ type: 'string' as const, default: fallback });
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: number('10'),
        'kill-every': number('10'),
        lanes: number('2'),
        real: number('10'),
        fake: number('990'),
      },
    });
    const read = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)])) as Request;
    const wrong = Object.values(read).some((value) => !(value >= 0)) || read.minutes === 0 || read['kill-every'] === 0;
    return wrong || read.lanes === 0 || read.real + read.fake === 0 ? null : read;
  } catch {
    return null;
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What is killed, and how often it was. */
class Killer {
  kills = 0;
  databaseKills = 0;
  readonly #conductors: readonly Conductor[];
  readonly #server: RunningPostgres;
  readonly #signal: AbortSignal;

  constructor(conductors: readonly Conductor[], server: RunningPostgres, signal: AbortSignal) {
    this.#conductors = conductors;
    this.#server = server;
    this.#signal = signal;
  }

  /** Kills whoever leads, again and again, until the abort. */
  async killLeaders(everyMs: number): Promise<void> {
    for (;;) {
      await sleep(everyMs, systemClock, this.#signal);
      // None leads while the database is away.
      while (!(await this.#killLeader())) await sleep(LOOK_MS, systemClock, this.#signal);
    }
  }

  async #killLeader(): Promise<boolean> {
    const leader = this.#conductors.find(({ leads }) => leads);
    if (leader === undefined) return false;
    await leader.kill();
    this.kills += 1;
    return true;
  }

  /** Kills PostgreSQL three times, and starts it again. */
  async killDatabase(everyMs: number): Promise<void> {
    const startedAt = systemClock.monotonic();
    while (this.databaseKills < KILLS_OF_DATABASE) {
      const at = startedAt + (this.databaseKills + 1) * everyMs;
      await sleep(Math.max(0, at - systemClock.monotonic()), systemClock, this.#signal);
      await this.#server.kill();
      this.databaseKills += 1;
      try {
        await sleep(DATABASE_AWAY_MS, systemClock, this.#signal);
      } finally {
        await this.#server.start();
      }
    }
  }

  /** Starts whatever has ended, until the abort. A conductor that starts while the database is away ends, too. */
  async startAgain(): Promise<void> {
    for (;;) {
      for (const conductor of this.#conductors) if (!conductor.runs) conductor.start();
      await sleep(LOOK_MS, systemClock, this.#signal);
    }
  }
}

async function enrol(
  name: string,
  driver: string,
  zone: string,
  driverInfo: Record<string, string>,
  { nodes }: Client,
) {
  await nodes.createNode({ name, driver, zone, driverInfo });
  for (let reason = 'nothing was asked'; reason !== ''; )
    for await (const answer of nodes.refreshNodes({ nodes: [name] })) reason = answer.reason;
}

/** Runs it all. @returns what was found */
async function endure(request: Request, signal: AbortSignal): Promise<Verdict> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-endurance-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const server = await startPostgres({ durable: true });
  after.defer(() => server.stop());
  await server.query('create database endurance');
  const database = server.urlOf('endurance');
  const conductors = await startConductors(2, { database, folder, flags: FLAGS }, signal);
  for (const conductor of conductors) after.defer(() => conductor.kill());
  const address = conductors.map((conductor) => conductor.address).join(',');
  const agent = new Conductor(address, ['agent', '--conductor', address, '--zone', ZONE, '--agent-name', ZONE]);
  agent.start();
  after.defer(() => agent.kill());
  await agent.untilAttached(signal);

  return await withConductor(
    { address, tls: null, token: null },
    async (client) => {
      const bmcs = new Map<string, IpmiSim>();
      const lanes: string[][] = [];
      for (let lane = 0; lane < request.lanes; lane += 1) {
        const names: string[] = [];
        for (let at = 0; at < request.real; at += 1) {
          const name = `real-${lane}-${at}`;
          const bmc = await startIpmiSim({ directory: join(folder, name), softOffDelayS: 1 }, systemClock, signal);
          after.defer(() => bmc.stop());
          bmcs.set(name, bmc);
          await enrol(name, 'ipmi', '', { ...driverInfoOf(bmc) }, client);
          names.push(name);
        }
        const fakes = Array.from({ length: request.fake }, (_, at) => `fake-${lane}-${at}`);
        for (const part of portionsOf(fakes, ENROL_AT_ONCE))
          await Promise.all(part.map((name) => enrol(name, 'fake', ZONE, { fake_address: name, ...FAKE }, client)));
        names.push(...fakes);
        lanes.push(names);
      }
      say(
        `${conductors.length} conductors, ${bmcs.size} x ipmi_sim and ${request.lanes * request.fake} x fake in ${lanes.length} lanes`,
      );
      return work(request, { client, server, conductors, lanes, bmcs }, signal);
    },
    { clock: systemClock, signal },
  );
}

interface Site {
  readonly client: Client;
  readonly server: RunningPostgres;
  readonly conductors: readonly Conductor[];
  readonly lanes: readonly (readonly string[])[];
  readonly bmcs: ReadonlyMap<string, IpmiSim>;
}

async function work({ minutes, 'kill-every': killEveryS }: Request, site: Site, signal: AbortSignal): Promise<Verdict> {
  const { client, server, conductors, bmcs } = site;
  const lengthMs = minutes * MINUTE_MS;
  const startedAt = systemClock.monotonic();
  const passedMs = (): number => systemClock.monotonic() - startedAt;
  const killing = openCancellation([signal]);
  const limit = { clock: systemClock, afterMs: lengthMs + REST_LIMIT_MS, what: 'the work of the lanes' };
  const working = openCancellation([signal], limit);
  const persistence = new Persistence(working.signal);
  const done: Done = { plans: [], orders: [], ends: new Map(), refusals: [] };
  const killer = new Killer(conductors, server, killing.signal);
  const line = (): void => {
    const ends = [...done.ends].map(([state, count]) => `${count} ${state}`).join(', ');
    const kills = `${killer.kills} kills of the leader, ${killer.databaseKills} of PostgreSQL`;
    const refused = `${persistence.refused} calls refused for the moment, after ${persistence.longestRefusalMs.toFixed(0)} ms at most`;
    say(`${(passedMs() / MINUTE_MS).toFixed(1)} min: ${kills}; ${done.plans.length} plans (${ends}); ${refused}`);
  };
  const tell = async (): Promise<void> => {
    for (;;) {
      await sleep(MINUTE_MS, systemClock, working.signal);
      line();
    }
  };
  const quietly = (promise: Promise<void>): Promise<void> =>
    promise.catch((error) => {
      if (!killing.signal.aborted) working.abort(fail('INTERNAL', `the killing has failed: ${error}`));
    });
  const supervised = quietly(killer.startAgain());
  const killers = [
    quietly(killer.killLeaders(killEveryS * 1000)),
    quietly(killer.killDatabase(lengthMs / (KILLS_OF_DATABASE + 1))),
  ];
  const telling = tell().catch(() => {});
  const lanes = site.lanes.map((names) => new Lane(names, client, { persistence, done }, working.signal));
  const ended = await Promise.allSettled(lanes.map((lane) => lane.run(() => passedMs() < lengthMs)));
  killing.abort(fail('CALL_ENDED', 'the time is over'));
  await Promise.all(killers);
  await supervised;
  for (const conductor of conductors) if (!conductor.runs) conductor.start();
  line();
  working.abort(fail('CALL_ENDED', 'the time is over'));
  working.end();
  await telling;
  for (const refusal of done.refusals) say(`refused: ${refusal}`);
  const verdict = await new Persistence(signal).until(() => audit(client, done, bmcs));
  const hung = ended.flatMap((lane) => (lane.status === 'rejected' ? [`a lane has not ended: ${lane.reason}`] : []));
  return { ...verdict, stuck: [...verdict.stuck, ...hung] };
}

const request = readRequest(process.argv.slice(2));
if (request === null) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const cancellation = openCancellation([]);
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => cancellation.abort(fail('CALL_ENDED', 'stopped')));
const { tasks, failed, received, ...faults } = await endure(request, cancellation.signal);
for (const [kind, all] of Object.entries(faults)) for (const one of all) say(`${kind}: ${one}`);
const failures = [...failed].map(([code, count]) => `${count} with ${code}`).join(', ') || 'none';
say(`${tasks} orders stored, of which failed: ${failures}; ${received} received by the real BMCs`);
say(
  Object.entries(faults)
    .map(([kind, all]) => `${all.length} ${kind}`)
    .join(', '),
);
process.exitCode = Object.values(faults).some((all) => all.length > 0) ? 1 : 0;
