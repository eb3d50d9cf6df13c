import type { ExecutionContext } from 'ava';
import { type AgentParts, runAgent } from '../../src/agent/agent.ts';
import type { Clock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { type Cancellation, openCancellation } from '../../src/core/signals.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { FakeHardware, FakeServer } from '../../src/drivers/fake/hardware.ts';
import type { AttachResponse } from '../../src/gen/countermand/v1/agent.ts';
import type { Conductor } from '../../src/server/conductor.ts';
import { enrolNode } from '../../src/server/nodes/enrolment.ts';
import type { PlanLimits } from '../../src/server/plans/parts.ts';
import type { Limits } from '../../src/server/power/limits.ts';
import { giveOrder, type Order } from '../../src/server/power/orders.ts';
import { NO_SINKS } from '../../src/server/sinks/sinks.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { NodeRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import { type SeededChance, seededChance } from './chance.ts';
import { type Conducting, Conductors, type RunningConductor } from './conductors.ts';
import { type Command, driverOf } from './driver.ts';
import type { Look, Received, Sent } from './heard.ts';
import { type Link, openLink } from './link.ts';
import { SimulatedProcess } from './process.ts';
import { DEFAULT_LIMITS, type WorldSettings } from './settings.ts';
import { Several } from './several.ts';
import { SharedConnection } from './shared_connection.ts';
import { VirtualClock } from './virtual_clock.ts';

interface RunningAgent {
  readonly process: SimulatedProcess;
  readonly stop: Cancellation;
  /** The conductor in whose process it is; null for one that runs by itself. */
  readonly home: RunningConductor | null;
  /** The conductor that it is attached to, or was last. */
  conductor: RunningConductor | null;
  done: Promise<void>;
  link: Link | null;
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
  /** Hears what conductors send to agents, and each command when it begins; what it returns is called when it ends. */
  onSent: (sent: Sent) => void = () => {};
  onCommand: (command: Command) => () => void = () => () => {};
  /** Hears that an agent was welcomed by a conductor, under which epoch. */
  onWelcome: (agent: string, epoch: number) => void = () => {};
  /** Hears that an agent was killed: nothing that it does counts any more. */
  onAgentDead: (agent: string) => void = () => {};
  /** Faults that the system logged: none is expected, except of dead processes. */
  readonly faults: string[] = [];
  readonly #shared: SharedConnection;
  readonly #observed: Database;
  readonly #settings: WorldSettings;
  readonly #conductors: Conducting;
  /** The conductors, where there are several. */
  readonly several: Several | null;
  #hasEnded = false;

  private constructor(shared: SharedConnection, settings: WorldSettings) {
    this.#shared = shared;
    this.#observed = shared.observe();
    this.#settings = settings;
    this.chance = seededChance(settings.seed ?? 1);
    this.clock = new VirtualClock(() => this.#observed.busy || this.#conductors.busy);
    const around = {
      shared,
      clock: this.clock,
      chance: this.chance,
      limits: this.limits,
      access: settings.access,
      everyWriteTwice: settings.everyWriteTwice ?? false,
      sinks: settings.sinks ?? NO_SINKS,
      retention: settings.retention ?? null,
      ...(settings.cloudsFor && { cloudsFor: settings.cloudsFor }),
      ...(settings.watchedFor && { watchedFor: settings.watchedFor }),
      committed: (change: Change) => this.onChange(change),
      fault: (message: string) => this.faults.push(message),
      dead: (conductor: RunningConductor) => this.#orphan(conductor),
      losing: (conductor: RunningConductor) => this.#stopAgentsOf(conductor),
      startInside: (conductor: RunningConductor) =>
        this.#runAgent(`inside-${conductor.leading?.epoch}`, ['default'], conductor),
      inside: (conductor: RunningConductor | null) => this.#inside(conductor).map(({ process }) => process),
    };
    this.several = settings.several ? new Several(settings.several, around) : null;
    this.#conductors = this.several ?? new Conductors(around);
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
    const world = new World(SharedConnection.create(earlier?.image), settings);
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
    for (const { process } of this.#conductors.living()) process.kill();
    await this.#observed.close();
  }

  /** The database as it is, whoever lives. */
  get database(): Database {
    return this.#observed;
  }

  /** The database as bytes, between two transactions. */
  image(): Promise<Buffer> {
    return this.#shared.image();
  }

  get limits(): Limits & PlanLimits {
    return { ...DEFAULT_LIMITS, ...this.#settings.limits };
  }

  /** The longest way of a message between conductor and agent. */
  get latencyMs(): number {
    return this.#settings.latencyMs ?? 0;
  }

  /** The running conductor. */
  get conductor(): Conductor {
    const { last } = this.#conductors;
    if (!last?.process.alive) throw new Error('no conductor runs');
    return last.conductor;
  }

  /** It lives, and has the database; where there are several, it also leads, and nothing keeps it from that. */
  get conductorAlive(): boolean {
    return this.#conductors.serves;
  }

  /** When the running conductor was started. */
  get conductorSince(): number {
    return (this.#conductors.last as RunningConductor).since;
  }

  get conductorProcess(): SimulatedProcess {
    return (this.#conductors.last as RunningConductor).process;
  }

  /** How many conductors still run from which another has taken the database. */
  get replaced(): number {
    return this.#conductors.living().length - Number(this.conductorAlive);
  }

  /**
   * Starts a conductor where the last one was. It can be told at which touch of the database to die; then this throws if it
   * still starts.
   * @throws DATA_FOLDER_IN_USE if the last one runs
   */
  startConductor(dieAtTouch = Number.POSITIVE_INFINITY): Promise<void> {
    return this.#conductors.start(dieAtTouch);
  }

  /** Starts a conductor on another host: it takes the database from the last one, which may still run and does not know. */
  takeOver(dieAtTouch = Number.POSITIVE_INFINITY): Promise<void> {
    return this.#conductors.takeOver(dieAtTouch);
  }

  stopConductor(): Promise<void> {
    return this.#conductors.stop();
  }

  /** A conductor has died: its streams end, and so do the agents in its process. */
  #orphan(conductor: RunningConductor): void {
    for (const [name, agent] of this.agents) {
      if (agent.home === conductor) this.#kill(name, agent);
      else if (agent.conductor === conductor) agent.link?.cut();
    }
  }

  #inside(conductor: RunningConductor | null): RunningAgent[] {
    return [...this.agents.values()].filter(({ home }) => home !== null && home === conductor);
  }

  /** What a process that leads no more says to the agents inside it. */
  async #stopAgentsOf(conductor: RunningConductor): Promise<void> {
    for (const { stop, done } of this.#inside(conductor)) {
      stop.abort(fail('SHUTTING_DOWN', 'the conductor has lost its database'));
      await done;
    }
    for (const [name, agent] of this.agents) if (agent.home === conductor) this.#kill(name, agent);
  }

  async killConductor(): Promise<void> {
    this.#conductors.last?.process.kill();
    await this.clock.settle();
  }

  /** Starts an agent under a name; it attaches to whatever conductor runs, or is inside the one that was started last. */
  async startAgent(name: string, zones: readonly string[] = ['default'], embedded = false): Promise<void> {
    const { last } = this.#conductors;
    this.#runAgent(name, zones, embedded && (this.several === null || this.conductorAlive) ? last : null);
    await this.clock.settle();
  }

  #runAgent(name: string, zones: readonly string[], home: RunningConductor | null): void {
    const process = new SimulatedProcess();
    if (home?.process.paused) process.pause();
    const clock = process.clock(this.clock);
    const stop = openCancellation([]);
    const parts: AgentParts = {
      attach: (outgoing, signal) => this.#dial(name, outgoing, signal),
      drivers: [this.#driver(name, process, clock)],
      name,
      zones,
      embedded: home !== null,
      secrets: { folder: null, environment: {} },
      minCommandIntervalMs: null,
      clock,
      chance: this.chance,
      log: { info: () => {}, warn: () => {} },
      severalConductors: this.several !== null,
      leadsForMs: home?.leadsForMs,
      attached: () => this.onWelcome(name, this.agents.get(name)?.conductor?.leading?.epoch ?? 0),
    };
    const agent: RunningAgent = { process, stop, home, conductor: null, done: Promise.resolve(), link: null };
    this.agents.set(name, agent);
    agent.done = runAgent(parts, stop.signal);
  }

  #dial(
    name: string,
    outgoing: Parameters<AgentParts['attach']>[0],
    signal: AbortSignal,
  ): ReturnType<AgentParts['attach']> {
    const agent = this.agents.get(name);
    const listening = this.#conductors.living().filter((each) => agent?.home === null || agent?.home === each);
    const running = listening.length > 1 ? this.chance.pick(listening) : listening[0];
    if (!agent || !running) throw fail('ATTACHMENT_ENDED', 'no conductor listens');
    const awake = { agent: () => agent.process.untilAwake(), conductor: () => running.process.untilAwake() };
    const parts = { clock: this.clock, chance: this.chance, latencyMs: this.latencyMs, awake };
    const { attachments } = running.conductor;
    const { objection = () => null } = running.leading ?? {};
    const accept: Parameters<typeof openLink>[0] = (incoming, ends) => {
      // As its door does with every call.
      const refusal = running.process.paused ? null : objection();
      if (refusal !== null) throw refusal;
      const from = { embedded: agent.home !== null, identity: null };
      return this.#overheard(name, running, attachments.attach(incoming, ends, from));
    };
    const remember = (link: Link): void => {
      agent.link = link;
      agent.conductor = running;
    };
    return openLink(accept, remember, parts)(outgoing, signal);
  }

  async *#overheard(
    agent: string,
    { leading, leadsForMs = () => Number.POSITIVE_INFINITY }: RunningConductor,
    messages: AsyncIterable<AttachResponse>,
  ): AsyncGenerator<AttachResponse> {
    for await (const each of messages) {
      if (each.message)
        this.onSent({ agent, epoch: leading?.epoch ?? 0, leadsForMs: leadsForMs(), message: each.message });
      yield each;
    }
  }

  #driver(name: string, process: SimulatedProcess, clock: Clock): Driver {
    const at = (): number => this.clock.monotonic();
    return driverOf({ name, process, clock }, this.hardware, this.#settings, {
      begun: (command) => this.onCommand(command),
      reached: ({ address, target }) => {
        const received = { at: at(), address, target };
        this.received.push(received);
        this.onReceived(received);
      },
      looked: (address) => this.looks.push({ at: at(), address, agent: name }),
    });
  }

  async killAgent(name: string): Promise<void> {
    const agent = this.agents.get(name);
    if (agent) this.#kill(name, agent);
    await this.clock.settle();
  }

  #kill(name: string, agent: RunningAgent): void {
    agent.process.kill();
    agent.link?.cut();
    this.agents.delete(name);
    this.onAgentDead(name);
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
  async enrol(name: string, info: Record<string, string> = {}, labels: Record<string, string> = {}): Promise<NodeRow> {
    const driverInfo = { fake_address: name, ...info };
    const request = { name, driver: 'fake', driverInfo, zone: '', labels, uuid: '' };
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
    return this.finish(this.orderAt(this.conductor, node, target, more));
  }

  /** As `order`, at a conductor of the caller's choice, and without turning the clock. */
  orderAt(
    conductor: Conductor,
    node: string,
    target: Order['target'],
    more: Partial<Order> = {},
  ): Promise<PowerTaskRow> {
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
    return giveOrder(order, conductor.orders);
  }

  /** The result of a promise, with the clock turned as little as it needs, if it needs any. */
  async finish<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.clock.turnUntil(() => settled, limitMs);
    return promise;
  }
}
