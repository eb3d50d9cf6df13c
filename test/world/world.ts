import type { ExecutionContext } from 'ava';
import { type AgentParts, runAgent } from '../../src/agent/agent.ts';
import { fail } from '../../src/core/errors.ts';
import type { OrderTarget, Target } from '../../src/core/power.ts';
import { openScope, type Scope } from '../../src/core/signals.ts';
import type { Bmc, Driver } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import { type FakeHardware, type FakeInfo, type FakeServer, placeOf } from '../../src/drivers/fake/hardware.ts';
import { type Conductor, openStore, startConductor } from '../../src/server/conductor.ts';
import { enrolNode } from '../../src/server/nodes/enrolment.ts';
import type { PlanLimits } from '../../src/server/plans/parts.ts';
import type { Limits } from '../../src/server/power/limits.ts';
import { giveOrder, type Order } from '../../src/server/power/orders.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { NodeRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import { type SeededChance, seededChance } from './chance.ts';
import { type Link, openLink } from './link.ts';
import { isDiskFailure, SimulatedProcess } from './process.ts';
import { type ConnectionUser, SharedConnection } from './shared_connection.ts';
import { VirtualClock } from './virtual_clock.ts';

/** The defaults of the configuration, in milliseconds. */
export const DEFAULT_LIMITS: Limits & PlanLimits = {
  softPowerOffTimeoutMs: 600_000,
  softPowerOffTimeoutLimitMs: 86_400_000,
  powerStateChangeTimeoutLimitMs: 3_600_000,
  powerStateChangeTimeoutMs: 60_000,
  startTimeoutMs: 60_000,
  abortTimeoutMs: 30_000,
  recallConfirmMs: 15_000,
  windowReadIntervalMs: 10_000,
  syncPowerStateIntervalMs: 120_000,
  syncPowerStateWorkers: 8,
  cancelDeadlineMs: 120_000,
  rollbackWindowMs: 3_600_000,
  actionPlanExpiryMs: 24 * 3_600_000,
  checkPeriodicIntervalMs: 1_800_000,
  confirmAbove: 20,
};
export const AGENT_LEASE_MS = 15_000;

/** How a world is made. */
export interface WorldSettings {
  readonly seed?: number;
  readonly limits?: Partial<Limits & PlanLimits>;
  /** The longest way of a message between conductor and agent. */
  readonly latencyMs?: number;
  /** Hardware that reboots softly on one command, or not. */
  readonly softRebootInOneCommand?: boolean;
  /** Hardware that can recall what it was ordered, or not. */
  readonly recalls?: boolean;
  /** Targets that the driver cannot do. */
  readonly lacks?: readonly Target[];
  /** What an earlier conductor has left, and how long the world had gone on by then. */
  readonly earlier?: { readonly image: Buffer; readonly elapsedMs: number };
}

interface RunningConductor {
  readonly process: SimulatedProcess;
  readonly database: Database;
  readonly since: number;
  readonly conductor: Conductor;
}

interface RunningAgent {
  readonly process: SimulatedProcess;
  readonly stop: Scope;
  readonly embedded: boolean;
  done: Promise<void>;
  link: Link | null;
}

/** One thing that reached a BMC. */
export interface Received {
  readonly at: number;
  readonly address: string;
  readonly target: OrderTarget | 'recall';
}

/** One look at a BMC: which agent asked, and when. */
export interface Look {
  readonly at: number;
  readonly address: string;
  readonly agent: string;
}

/**
 * The whole system in one process, under a seed, with a clock that is turned by hand: a conductor, agents, and hardware
 * that outlives them. Any of them can be killed at any point.
 */
export class World {
  readonly clock: VirtualClock;
  readonly chance: SeededChance;
  readonly hardware: FakeHardware = new Map();
  /** Everything that reached any BMC, in order. */
  readonly received: Received[] = [];
  /** Every question to any BMC about its power state, in order. */
  readonly looks: Look[] = [];
  readonly agents = new Map<string, RunningAgent>();
  /** Hears every committed change, and everything that reaches a BMC. */
  onChange: (change: Change) => void = () => {};
  onReceived: (received: Received) => void = () => {};
  /** Faults that the system logged: none is expected, except of dead processes. */
  readonly faults: string[] = [];
  readonly #shared: SharedConnection;
  readonly #observed: Database;
  readonly #settings: WorldSettings;
  #running: RunningConductor | null = null;
  #hasEnded = false;

  private constructor(shared: SharedConnection, settings: WorldSettings) {
    this.#shared = shared;
    this.#observed = shared.observe();
    this.#settings = settings;
    this.chance = seededChance(settings.seed ?? 1);
    this.clock = new VirtualClock(
      () => this.#observed.busy || (this.#running?.process.alive && this.#running.conductor.busy()) || false,
    );
  }

  /** A world for one test. Whatever happens to the test, it is closed afterwards; if the test has passed, it must end well. */
  static async open(t: ExecutionContext, settings: WorldSettings = {}): Promise<World> {
    const world = await World.create(settings);
    t.teardown(async () => {
      try {
        if (t.passed) await world.end();
      } finally {
        await world.close();
      }
    });
    return world;
  }

  /** A world with a running conductor and no agent. Who creates it closes it. */
  static async create(settings: WorldSettings = {}): Promise<World> {
    const { earlier } = settings;
    const world = new World(await SharedConnection.create(earlier?.image), settings);
    if (earlier) await world.clock.turn(earlier.elapsedMs);
    await world.startConductor();
    return world;
  }

  /** Ends every process, in order, once; afterwards no timer may be left. The database is still there. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const name of [...this.agents.keys()]) await this.stopAgent(name);
    await this.stopConductor();
    await this.clock.turn(60_000);
  }

  /** Ends everything at once, in whatever state it is. Afterwards nothing of it runs, and its database is gone. */
  async close(): Promise<void> {
    for (const { process, link } of this.agents.values()) {
      process.kill();
      link?.cut();
    }
    this.#running?.process.kill();
    await this.#observed.close();
  }

  /** The database as it is, whoever lives. */
  get database(): Database {
    return this.#observed;
  }

  get limits(): Limits & PlanLimits {
    return { ...DEFAULT_LIMITS, ...this.#settings.limits };
  }

  /** The running conductor. */
  get conductor(): Conductor {
    if (!this.conductorAlive || !this.#running) throw new Error('no conductor runs');
    return this.#running.conductor;
  }

  get conductorAlive(): boolean {
    return this.#running?.process.alive ?? false;
  }

  /** When the running conductor was started. */
  get conductorSince(): number {
    return (this.#running as RunningConductor).since;
  }

  get conductorProcess(): SimulatedProcess {
    return (this.#running as RunningConductor).process;
  }

  /** Starts a conductor. It can be told at which touch of the database to die; then this throws if it still starts. */
  async startConductor(dieAtTouch = Number.POSITIVE_INFINITY): Promise<void> {
    const process = new SimulatedProcess();
    process.dieAtTouch(dieAtTouch);
    const clock = process.clock(this.clock);
    const user = this.#userOf(process);
    process.whenDead(() => this.#shared.leave(user));
    const database = this.#shared.open(user);
    const store = openStore({ database, clock, chance: this.chance, publisherId: 'countermand-conductor.test' });
    const log = {
      info: () => {},
      warn: () => {},
      error: (fields: object, message: string) => this.#fault(process, fields, message),
    };
    const conductor = await startConductor({ store, limits: this.limits, agentLeaseMs: AGENT_LEASE_MS, log });
    this.#running = { process, database, since: this.clock.now(), conductor };
    process.whenDead(() => {
      for (const agent of this.agents.values()) agent.link?.cut();
    });
    await this.clock.settle();
  }

  /** A process as the connection knows it: each commit is told to the world, and may be the last thing that it does. */
  #userOf(process: SimulatedProcess): ConnectionUser {
    return {
      get alive() {
        return process.alive;
      },
      statement: () => process.statement(),
      afterCommit: (changes) => {
        for (const change of changes) this.onChange(change);
        process.touch();
      },
    };
  }

  #fault(process: SimulatedProcess, fields: object, message: string): void {
    const { err } = fields as { err?: unknown };
    if (process.alive && !isDiskFailure(err)) this.faults.push(`${message}: ${String(err)}`);
  }

  async killConductor(): Promise<void> {
    this.#running?.process.kill();
    await this.clock.settle();
  }

  async stopConductor(): Promise<void> {
    if (this.conductorAlive) await this.#running?.conductor.stop();
    this.#running?.process.kill();
    this.#running = null;
  }

  /** Starts an agent under a name; it attaches to whatever conductor runs. */
  async startAgent(name: string, zones: readonly string[] = ['default'], embedded = false): Promise<void> {
    const process = new SimulatedProcess();
    const clock = process.clock(this.clock);
    const stop = openScope([]);
    const parts: AgentParts = {
      attach: (outgoing, signal) => this.#dial(name, outgoing, signal),
      drivers: [this.#driver(name, process, clock)],
      name,
      zones,
      embedded,
      secrets: { folder: null, environment: {} },
      minCommandIntervalMs: null,
      clock,
      chance: this.chance,
      log: { info: () => {}, warn: () => {} },
    };
    const agent: RunningAgent = { process, stop, embedded, done: Promise.resolve(), link: null };
    this.agents.set(name, agent);
    agent.done = runAgent(parts, stop.signal);
    await this.clock.settle();
  }

  #dial(
    name: string,
    outgoing: Parameters<AgentParts['attach']>[0],
    signal: AbortSignal,
  ): ReturnType<AgentParts['attach']> {
    const running = this.#running;
    if (!running?.process.alive) throw fail('ATTACHMENT_ENDED', 'nobody listens');
    const parts = { clock: this.clock, chance: this.chance, latencyMs: this.#settings.latencyMs ?? 0 };
    const { attachments } = running.conductor;
    const accept: Parameters<typeof openLink>[0] = (incoming, ends) =>
      attachments.attach(incoming, ends, this.agents.get(name)?.embedded);
    const remember = (link: Link): void => {
      const agent = this.agents.get(name);
      if (agent) agent.link = link;
    };
    return openLink(accept, remember, parts)(outgoing, signal);
  }

  /** The fake driver as one agent has it: what it sends is noted, and a dead process sends nothing. */
  #driver(agent: string, process: SimulatedProcess, clock: ReturnType<SimulatedProcess['clock']>): Driver {
    const { softRebootInOneCommand = false, recalls = true, lacks = [] } = this.#settings;
    const driver = createFakeDriver({ clock, hardware: this.hardware, softRebootInOneCommand });
    /** Runs one command, and notes it if it has reached the server: a BMC that is silent or refuses has not. */
    const noting = <T>(bmc: Bmc<unknown>, target: Received['target'], command: () => Promise<T>): Promise<T> => {
      process.touch();
      const address = placeOf(bmc.info as FakeInfo);
      const count = (): number => this.hardware.get(address)?.received.length ?? 0;
      const before = count();
      const answer = command();
      if (count() > before) this.#note({ at: this.clock.monotonic(), address, target });
      return answer;
    };
    const traits = { recalls: recalls ? driver.recalls : [], softRebootInOneCommand };
    return {
      ...(driver as Driver),
      ...traits,
      getSupportedPowerStates: async (bmc, signal) => ({
        ...(await driver.getSupportedPowerStates(bmc as Bmc<FakeInfo>, signal)),
        ...traits,
      }),
      targets: driver.targets.filter((target) => !lacks.includes(target)),
      getPowerState: (bmc, signal) => {
        const { fake_address: address } = bmc.info as FakeInfo;
        this.looks.push({ at: this.clock.monotonic(), address, agent });
        return driver.getPowerState(bmc as Bmc<FakeInfo>, signal);
      },
      setPowerState: (bmc, target, signal) =>
        noting(bmc, target, () => driver.setPowerState(bmc as Bmc<FakeInfo>, target, signal)),
      abortPowerState: (bmc, target, signal) =>
        noting(bmc, 'recall', () => driver.abortPowerState(bmc as Bmc<FakeInfo>, target, signal)),
    };
  }

  #note(received: Received): void {
    this.received.push(received);
    this.onReceived(received);
  }

  async killAgent(name: string): Promise<void> {
    const agent = this.agents.get(name);
    agent?.process.kill();
    agent?.link?.cut();
    this.agents.delete(name);
    await this.clock.settle();
  }

  async stopAgent(name: string): Promise<void> {
    const agent = this.agents.get(name);
    if (!agent) return;
    agent.stop.abort(fail('SHUTTING_DOWN', 'the agent is told to stop'));
    await this.clock.turn(10_000);
    await agent.done;
    this.agents.delete(name);
  }

  /** Enrols a fake node; its address is its name. */
  async enrol(name: string, info: Record<string, string> = {}): Promise<NodeRow> {
    const request = {
      name,
      driver: 'fake',
      driverInfo: { fake_address: name, ...info },
      zone: '',
      labels: {},
      uuid: '',
    };
    return this.finish(enrolNode(request, this.conductor));
  }

  /** The pretended server behind a node. */
  server(name: string): FakeServer {
    const server = this.hardware.get(name);
    if (!server) throw new Error(`no BMC ${name} has been spoken to yet`);
    return server;
  }

  /** Gives an order and resolves when it is accepted or refused. */
  async order(node: string, target: Order['target'], more: Partial<Order> = {}): Promise<PowerTaskRow> {
    const order = {
      node,
      target,
      timeoutMs: null,
      onTimeout: 'FAIL' as const,
      requestId: this.chance.uuid(),
      reason: '',
      abortsTaskUuid: null,
      ...more,
    };
    return this.finish(giveOrder(order, this.conductor.orders));
  }

  /** What a promise comes to, with the clock turned as little as it needs, if it needs any. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.clock.turnUntil(() => settled, 120_000);
    return promise;
  }
}
