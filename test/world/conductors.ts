/** The conductors of a world: one has the database, and those that it was taken from live until they notice. */
import type { Clouds } from '../../src/compute/compute.ts';
import type { Clock } from '../../src/core/clock.ts';
import { CountermandError } from '../../src/core/errors.ts';
import type { Access } from '../../src/server/access/access.ts';
import type { Leading } from '../../src/server/agents/leading.ts';
import type { WatchedCloud } from '../../src/server/clouds/watched.ts';
import { type Conductor, openStore, startConductor } from '../../src/server/conductor.ts';
import type { PlanLimits } from '../../src/server/plans/parts.ts';
import type { Limits } from '../../src/server/power/limits.ts';
import type { Retention } from '../../src/server/retention.ts';
import type { SinkMakers } from '../../src/server/sinks/sinks.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { OwnProcess } from '../../src/server/store/own_process.ts';
import type { SeededChance } from './chance.ts';
import { isDiskFailure, SimulatedProcess } from './process.ts';
import type { ConnectionUser, SharedConnection } from './shared_connection.ts';
import type { VirtualClock } from './virtual_clock.ts';

export const AGENT_LEASE_MS = 15_000;

/** A conductor that was started. */
export interface RunningConductor {
  readonly process: SimulatedProcess;
  readonly database: Database;
  readonly since: number;
  readonly conductor: Conductor;
  /** By what it leads among others; absent if it is alone. */
  readonly leading?: Leading;
  /** For how long it certainly leads, in milliseconds. */
  readonly leadsForMs?: () => number;
}

/** The conductors of a world, as it uses them. */
export interface Conducting {
  /** Who was started, or elected, last, dead or alive. */
  readonly last: RunningConductor | null;
  /** True if the last one serves: it lives, and no other has the database, not even one that has died since. */
  readonly serves: boolean;
  /** True while they work on something that no timer has to wake. */
  readonly busy: boolean;
  /** Those that serve, as far as they know. */
  living(): RunningConductor[];
  /** Resolves when one serves. It can be told at which touch of the database to die; then this throws if it still starts. */
  start(dieAtTouch: number): Promise<void>;
  /** As `start`, with another one than the last, which is not told. */
  takeOver(dieAtTouch: number): Promise<void>;
  /** Stops all, as a signal would. */
  stop(): Promise<void>;
}

/** How a process reaches clouds, which outlive it: its own clock ends with it, that of the world goes on. */
export type CloudsFor = (process: SimulatedProcess, own: Clock, world: VirtualClock) => Clouds;

/** Those of its clouds that a process follows. */
export type WatchedFor = (clouds: Clouds) => readonly WatchedCloud[];

/** What conductors run on, and who hears of them. */
export interface Surroundings {
  readonly shared: SharedConnection;
  readonly clock: VirtualClock;
  readonly chance: SeededChance;
  readonly limits: Limits & PlanLimits;
  readonly access: Access | undefined;
  readonly everyWriteTwice: boolean;
  readonly sinks: SinkMakers;
  /** How long what is stored is kept; null: for ever. */
  readonly retention: Retention | null;
  /** How a conductor reaches clouds. */
  readonly cloudsFor?: CloudsFor;
  /** Which of them it follows. */
  readonly watchedFor?: WatchedFor;
  /** Hears every committed change. */
  readonly committed: (change: Change) => void;
  /** Hears faults that are logged, except what a failing disk or a lost database explains. */
  readonly fault: (message: string) => void;
  /** Called when its process has died. */
  readonly dead: (conductor: RunningConductor) => void;
  /** Called when it has lost the database, before it stops. */
  readonly losing: (conductor: RunningConductor) => Promise<void>;
  /** Starts an agent inside it. */
  readonly startInside: (conductor: RunningConductor) => void;
  /** The processes of the agents inside it: where it sleeps, so do they. */
  readonly inside: (conductor: RunningConductor | null) => readonly SimulatedProcess[];
}

/** Starts conductors and ends them. */
export class Conductors implements Conducting {
  readonly #around: Surroundings;
  /** Who was started last. */
  #last: RunningConductor | null = null;
  /** The process that has opened the database last. */
  #owner: SimulatedProcess | null = null;
  #replaced: RunningConductor[] = [];
  #hosts = 1;
  readonly #processes: { readonly host: string; readonly process: SimulatedProcess }[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Who was started last, dead or alive. */
  get last(): RunningConductor | null {
    return this.#last;
  }

  get serves(): boolean {
    return this.#last !== null && this.#last.process === this.#owner && this.#owner.alive;
  }

  get busy(): boolean {
    return this.living().some(({ conductor }) => conductor.busy());
  }

  /** Those whose process lives; the last is who was started last, if it does. */
  living(): RunningConductor[] {
    const all = this.#last ? [...this.#replaced, this.#last] : this.#replaced;
    return all.filter(({ process }) => process.alive);
  }

  /**
   * Starts a conductor on the host of the last one. It can be told at which touch of the database to die; then this throws if
   * it still starts.
   * @throws DATA_FOLDER_IN_USE if the last one runs
   */
  start(dieAtTouch: number): Promise<void> {
    return this.#start(`host-${this.#hosts}`, dieAtTouch);
  }

  /** As `start`, on another host, which cannot tell that the last one runs: the database is taken from it. */
  takeOver(dieAtTouch: number): Promise<void> {
    this.#hosts += 1;
    return this.#start(`host-${this.#hosts}`, dieAtTouch);
  }

  /** Stops all, as a signal would. */
  async stop(): Promise<void> {
    for (const { conductor, process } of this.living()) {
      await conductor.stop();
      process.kill();
    }
    this.#last = null;
    this.#replaced = [];
  }

  async #start(host: string, dieAtTouch: number): Promise<void> {
    const { shared, chance, limits, access, everyWriteTwice, sinks, retention, cloudsFor, watchedFor, dead } =
      this.#around;
    const process = new SimulatedProcess();
    process.dieAtTouch(dieAtTouch);
    const clock = process.clock(this.#around.clock);
    const user = this.#userOf(process);
    process.whenDead(() => shared.leave(user));
    const database = await shared.openOwned(user, this.#selfOf(host, process), { everyWriteTwice });
    this.#owner = process;
    const store = openStore({ database, clock, chance, publisherId: 'countermand-conductor.test' });
    const log = {
      info: () => {},
      warn: () => {},
      error: (fields: object, message: string) => this.#fault(process, fields, message),
    };
    const clouds = cloudsFor?.(process, clock, this.#around.clock);
    const conductor = await startConductor({
      store,
      limits,
      ...(access && { access }),
      agentLeaseMs: AGENT_LEASE_MS,
      ...(clouds && { clouds, watched: watchedFor?.(clouds) ?? [] }),
      log,
      sinks,
      ...(retention && { retention: { keep: () => retention, deleted: () => {} } }),
    });
    const running = { process, database, since: clock.now(), conductor };
    this.#replaced = this.living();
    this.#last = running;
    process.whenDead(() => dead(running));
    void database.lost.then(() => this.#giveUp(running));
    await this.#around.clock.settle();
  }

  /** A new process as the owner of a database, which the other processes of its host can see. */
  #selfOf(host: string, process: SimulatedProcess): OwnProcess {
    const pid = this.#processes.push({ host, process });
    const startOf = (other: number): string | null => {
      const found = this.#processes[other - 1];
      return found?.host === host && found.process.alive ? String(other) : null;
    };
    return { host, pid, startedAt: String(pid), startOf };
  }

  /** A process as the connection knows it: each commit is told, and may be the last thing that it does. */
  #userOf(process: SimulatedProcess): ConnectionUser {
    return {
      get alive() {
        return process.alive;
      },
      statement: () => process.statement(),
      afterCommit: (changes) => {
        for (const change of changes) this.#around.committed(change);
        process.touch();
        return undefined;
      },
    };
  }

  #fault(process: SimulatedProcess, fields: object, message: string): void {
    const { err } = fields as { err?: unknown };
    const isTaken = err instanceof CountermandError && err.code === 'DATABASE_TAKEN';
    if (process.alive && !isDiskFailure(err) && !isTaken) this.#around.fault(`${message}: ${String(err)}`);
  }

  /** The database was taken from a conductor: it ends itself as the daemon does. */
  async #giveUp(lost: RunningConductor): Promise<void> {
    if (!lost.process.alive) return;
    await this.#around.losing(lost);
    await lost.conductor.stop();
    lost.process.kill();
  }
}
