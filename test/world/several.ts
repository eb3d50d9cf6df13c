/** Conductors that stand on one PostgreSQL: each host has a process that leads or stands by, again and again, as the daemon does. */
import { CountermandError, fail } from '../../src/core/errors.ts';
import { type Cancellation, onAbort, openCancellation, sleep } from '../../src/core/signals.ts';
import { openStore, startConductor } from '../../src/server/conductor.ts';
import { announceElected, announceResigned } from '../../src/server/events/leadership.ts';
import { isStorageError } from '../../src/server/store/failures.ts';
import { StandBy, type Won } from '../../src/server/store/postgres/stand_by.ts';
import { AGENT_LEASE_MS, type Conducting, type RunningConductor, type Surroundings } from './conductors.ts';
import { ModelCandidate, PostgresModel, Way } from './postgres_model.ts';
import { type ClockSkew, Crash, isDiskFailure, SimulatedProcess } from './process.ts';

/** How long a conductor whose database has failed leaves the lead to others, as in the daemon. */
const REST_MS = 1000;
/** Within this, one of those that can leads. */
const ELECTION_MS = 60_000;

/** How the conductors of a world are made that stand on one database. */
export interface SeveralSettings {
  readonly leaseMs: number;
  /** The clocks of the hosts; as many hosts as there are clocks. */
  readonly clocks: readonly ClockSkew[];
  /** Each has an agent inside while it leads, as the daemon has. */
  readonly agentsInside?: boolean;
}

/** A host, and the process that runs there now. */
export interface ConductorHost {
  readonly name: string;
  readonly skew: ClockSkew;
  readonly way: Way;
  process: SimulatedProcess;
  /** Its process is told to stop by this. */
  stop: Cancellation;
  /** The session by which it was elected last. */
  session: object | null;
  /** While it leads, and until it has noticed that it does not. */
  term: RunningConductor | null;
  done: Promise<void>;
  pid: number;
}

/** The conductors of a world of several. */
export class Several implements Conducting {
  readonly hosts: readonly ConductorHost[];
  readonly #around: Surroundings;
  readonly #server: PostgresModel;
  readonly #leaseMs: number;
  readonly #agentsInside: boolean;
  #last: RunningConductor | null = null;
  #electing = 0;
  #dieAtTouch = Number.POSITIVE_INFINITY;
  #pids = 0;
  #atPeace = false;

  constructor(settings: SeveralSettings, around: Surroundings) {
    this.#around = around;
    this.#leaseMs = settings.leaseMs;
    this.#agentsInside = settings.agentsInside ?? false;
    this.#server = new PostgresModel(around.shared, around.clock);
    this.hosts = settings.clocks.map((skew, at) => {
      const process = new SimulatedProcess();
      process.kill();
      const stop = openCancellation([]);
      return {
        name: `host-${at}`,
        skew,
        way: new Way(),
        process,
        stop,
        session: null,
        term: null,
        done: Promise.resolve(),
        pid: 0,
      };
    });
  }

  get last(): RunningConductor | null {
    return this.#last;
  }

  /** The host of the one that leads, if it can do anything. */
  get leader(): ConductorHost | null {
    const { holder } = this.#server;
    const host = this.hosts.find(({ term }) => term !== null && term === this.#last);
    const leads = host !== undefined && holder !== null && holder === host.session;
    return leads && host.process.alive && !host.process.paused && !host.way.isCut ? host : null;
  }

  get serves(): boolean {
    return this.leader !== null;
  }

  /** How often one was elected. */
  get elections(): number {
    return this.#server.owner?.generation ?? 0;
  }

  /** What the stand-bys have done that they must not. */
  get wrong(): readonly string[] {
    return this.#server.endedTooEarly;
  }

  living(): RunningConductor[] {
    return this.hosts.flatMap(({ term, process }) => (term !== null && process.alive ? [term] : []));
  }

  get busy(): boolean {
    if (this.#electing > 0) return true;
    return this.hosts.some(({ term, process, way }) => {
      if (!process.alive || process.paused) return false;
      return process.waking || (!way.isCut && (term?.conductor.busy() ?? false));
    });
  }

  /** Starts what has died, and waits until one leads. It may be told at which touch of the database it dies. */
  async start(dieAtTouch: number): Promise<void> {
    this.#dieAtTouch = dieAtTouch;
    for (const host of this.hosts) if (!host.process.alive) this.#startOn(host);
    const before = this.#last;
    await this.#around.clock.turnUntil(() => this.leader !== null || this.#hasDied(before), ELECTION_MS);
    if (this.leader === null) throw new Crash();
  }

  #hasDied(before: RunningConductor | null): boolean {
    return this.#last !== before && !this.#last?.process.alive;
  }

  /** The session of the leader is ended, which it may not know, and another one leads. */
  async takeOver(dieAtTouch: number): Promise<void> {
    this.endSession();
    await this.start(dieAtTouch);
  }

  /** The server ends the session that has the lock. */
  endSession(): void {
    if (this.#server.holder) this.#server.end(this.#server.holder);
  }

  /** The leader is told to stop, and resigns; its host is free for another process. */
  resign(): void {
    const { leader } = this;
    if (leader === null || this.#atPeace) return;
    const { process, stop, done } = leader;
    stop.abort(fail('SHUTTING_DOWN', 'the conductor stops'));
    void done.then(() => process.kill());
  }

  /** Lets a process sleep for a while. */
  pause(host: ConductorHost, ms: number): void {
    const { process } = host;
    const { clock, chance } = this.#around;
    if (!process.alive || process.paused || this.#atPeace) return;
    process.pause();
    for (const inside of this.#around.inside(host.term)) inside.pause();
    const timersFirst = chance.happens(0.5);
    clock.after(ms, () => void this.#resume(process, host, timersFirst));
  }

  async #resume(process: SimulatedProcess, host: ConductorHost, timersFirst: boolean): Promise<void> {
    const inside = this.#around.inside(host.term);
    await Promise.all([process, ...inside].map((each) => each.resume(timersFirst)));
  }

  /** Cuts a host off the database for a while, and from nothing else. */
  cutOff({ way }: ConductorHost, ms: number): void {
    way.cut();
    this.#around.clock.after(ms, () => way.mend());
  }

  /** Everything that sleeps goes on, and every way is mended; with `alone`, only the leader is left. */
  async mend(): Promise<void> {
    for (const host of this.hosts) {
      host.way.mend();
      await this.#resume(host.process, host, true);
    }
  }

  /** Those that stand by leave. From now on, the leader neither sleeps nor resigns. */
  async sendOthersAway(): Promise<void> {
    this.#atPeace = true;
    // One that was told to resign still leads until it has done so.
    const isResigning = ({ process, stop }: ConductorHost): boolean => process.alive && stop.signal.aborted;
    await this.#around.clock.turnUntil(() => !this.hosts.some(isResigning), ELECTION_MS);
    await this.start(Number.POSITIVE_INFINITY);
    for (const host of this.hosts) if (host !== this.leader) await this.#stopOn(host);
  }

  async stop(): Promise<void> {
    await this.mend();
    for (const host of this.hosts) await this.#stopOn(host);
    this.#last = null;
  }

  /** Stops a process in order: if it leads, it resigns. */
  async #stopOn(host: ConductorHost): Promise<void> {
    if (!host.process.alive) return;
    let isDone = false;
    void host.done.then(() => {
      isDone = true;
    });
    host.stop.abort(fail('SHUTTING_DOWN', 'the conductor stops'));
    await this.#around.clock.turnUntil(() => isDone, ELECTION_MS);
    host.process.kill();
  }

  #startOn(host: ConductorHost): void {
    host.process = new SimulatedProcess(host.skew);
    host.stop = openCancellation([]);
    this.#pids += 1;
    host.pid = this.#pids;
    host.term = null;
    host.done = this.#run(host).catch((error) => {
      if (host.process.alive && !(error instanceof Crash)) this.#around.fault(`${host.name} has ended: ${error.stack}`);
    });
  }

  async #run(host: ConductorHost): Promise<void> {
    const { process, stop, name: address, skew, way, pid } = host;
    const clock = process.clock(this.#around.clock);
    const uuid = this.#around.chance.uuid();
    const startOf = (other: number): string | null => (host.pid === other && host.process.alive ? String(other) : null);
    const self = { host: address, pid, startedAt: String(pid), startOf };
    const name = { uuid, address, httpAddress: null };
    const { everyWriteTwice } = this.#around;
    const committed = (changes: readonly Parameters<Surroundings['committed']>[0][]): void => {
      for (const change of changes) this.#around.committed(change);
    };
    const conductor = { process, way, self, name, leaseMs: this.#leaseMs, everyWriteTwice, committed };
    const standBy = new StandBy({
      ...{ clock, self, leaseMs: this.#leaseMs },
      open: async () =>
        new ModelCandidate(this.#server, conductor, (session) => {
          host.session = session;
          // A host that has lost its power says nothing: its session stays until it is ended.
          process.whenDead(() => void (this.#around.chance.happens(0.3) || this.#server.end(session)));
        }),
      listener: { seen: () => {}, ended: () => {} },
    });
    while (!stop.signal.aborted && process.alive) {
      const won = await standBy.won(stop.signal).catch((error) => {
        if (stop.signal.aborted) return null;
        throw error;
      });
      if (won === null) break;
      const lost = await this.#lead(won, host, { ...name, epoch: won.epoch }, skew);
      if (isStorageError(lost)) await sleep(REST_MS, clock, stop.signal).catch(() => {});
    }
    await standBy.close();
  }

  async #lead(
    won: Won,
    host: ConductorHost,
    leader: Parameters<typeof announceElected>[0],
    { aheadMs }: ClockSkew,
  ): Promise<CountermandError | null> {
    const { process, stop } = host;
    const { chance, limits, dead, losing, access, sinks, retention, cloudsFor } = this.#around;
    const { database, tenure, epoch, mayActMs } = won;
    const clock = process.clock(this.#around.clock);
    process.dieAtTouch(this.#dieAtTouch);
    this.#dieAtTouch = Number.POSITIVE_INFINITY;
    let lost: CountermandError | null = null;
    try {
      const store = openStore({ database, clock, chance, publisherId: 'countermand-conductor.test' });
      const log = {
        info: () => {},
        warn: () => {},
        error: (fields: object, text: string) => this.#fault(process, fields, text),
      };
      const leading = { epoch, leaseMs: this.#leaseMs, objection: () => tenure.objection() };
      const term = await this.#quietly(host, async () => {
        const before = won.before && { address: won.before.host, resigned: won.before.endedCleanly };
        await announceElected(leader, before, store);
        return startConductor({
          ...{ store, limits, log, sinks, leading },
          ...(access && { access }),
          ...(cloudsFor && { clouds: cloudsFor(process, clock, this.#around.clock) }),
          ...(retention && { retention: { keep: () => retention, deleted: () => {} } }),
          agentLeaseMs: AGENT_LEASE_MS,
          embeddedMayActMs: mayActMs,
        });
      });
      const since = this.#around.clock.now();
      const running = {
        process,
        database,
        since,
        conductor: term,
        leading,
        leadsForMs: () => tenure.restMs(),
        aheadMs,
      };
      host.term = running;
      this.#last = running;
      process.whenDead(() => dead(running));
      if (this.#agentsInside) this.#around.startInside(running);
      const stopped = new Promise<null>((resolve) => onAbort(stop.signal, () => resolve(null)));
      lost = await Promise.race([stopped, database.lost]);
      if (lost === null) await losing(running);
      await Promise.all([term.stop(lost ?? undefined), losing(running)]);
      if (lost === null) await announceResigned(leader, 'it is told to', store).catch(() => {});
      host.term = null;
    } catch (error) {
      lost = tenure.objection() ?? (isStorageError(error) ? error : null);
      if (lost === null) throw error;
    } finally {
      await database.close();
    }
    return lost;
  }

  /** The start of a term: time does not go on meanwhile, unless nothing answers it. */
  async #quietly<T>(host: ConductorHost, work: () => Promise<T>): Promise<T> {
    const isHeld = (): boolean => host.process.paused || host.way.isCut;
    let isOver = false;
    const count = (): void => {
      if (isOver) return;
      this.#electing -= 1;
      isOver = true;
    };
    this.#electing += 1;
    host.process.whenDead(count);
    const watch = (): void => {
      if (isHeld()) count();
      else if (!isOver) setImmediate(watch);
    };
    watch();
    try {
      return await work();
    } finally {
      count();
    }
  }

  #fault(process: SimulatedProcess, fields: object, message: string): void {
    const { err } = fields as { err?: unknown };
    const isExpected = err instanceof CountermandError && ['LEADERSHIP_LOST', 'DATABASE_TAKEN'].includes(err.code);
    if (process.alive && !isDiskFailure(err) && !isExpected) this.#around.fault(`${message}: ${String(err)}`);
  }
}
