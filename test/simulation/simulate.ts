/**
 * One run of the whole system under a seed: random orders, aborts, faults and crashes, then peace; the invariants are
 * checked on the way and at the end. The same seed is the same run.
 */
import { abortTargetOf, type OrderTarget, TARGETS, type Target } from '../../src/core/power.ts';
import { POWER_TASK_REST } from '../../src/core/states.ts';
import type { FakeServer } from '../../src/drivers/fake/hardware.ts';
import { withdrawOrder } from '../../src/server/power/orders.ts';
import type { PowerTaskRow } from '../../src/server/store/rows.ts';
import { World } from '../world/world.ts';
import { checkAlways, checkAtPeace } from './invariants.ts';

const STEPS = 30;
const NODES = ['n1', 'n2', 'n3'];
const ORDERS = TARGETS.filter((target): target is OrderTarget => !target.startsWith('abort'));
const ABORTS = TARGETS.filter((target) => target.startsWith('abort'));

/** What a run was like, to see that runs reach what they should. */
export interface Summary {
  readonly seed: number;
  readonly tasks: readonly PowerTaskRow[];
  readonly crashes: number;
  readonly received: number;
}

class Simulation {
  readonly world: World;
  readonly seed: number;
  crashes = 0;
  #agents = 0;
  #last: { node: string; target: Target; requestId: string } | null = null;

  constructor(world: World, seed: number) {
    this.world = world;
    this.seed = seed;
  }

  get chance() {
    return this.world.chance;
  }

  async begin(): Promise<void> {
    await this.startAgent();
    await this.startAgent();
    await this.world.clock.turn(5000);
    for (const node of NODES) await this.world.enrol(node, this.temper());
    await this.world.clock.turn(1000);
  }

  /** How a server behaves. */
  temper(): Record<string, string> {
    return {
      fake_power_state: this.chance.happens(0.8) ? 'on' : 'off',
      fake_answer_ms: this.chance.pick(['0', '0', '30', '2000']),
      fake_soft_ms: this.chance.pick(['0', '3000', '20000', '60000', 'never']),
      fake_start_ms: this.chance.pick(['0', '5000', '20000']),
      fake_recall: this.chance.pick(['works', 'works', 'refused', 'late']),
    };
  }

  async startAgent(): Promise<void> {
    this.#agents += 1;
    await this.world.startAgent(`agent-${this.#agents}`, ['default'], this.chance.happens(0.2));
  }

  async step(): Promise<void> {
    const moves: [number, () => Promise<void> | void][] = [
      [10, () => this.#order(this.chance.pick(ORDERS))],
      [8, () => this.#order(this.chance.pick(['soft power off', 'soft rebooting', 'inject nmi'] as const))],
      [4, () => this.#order('power on')],
      [12, () => this.#abort()],
      [2, () => this.#order(this.chance.pick(ABORTS))],
      [5, () => this.#strikeInFlight()],
      [2, () => this.#withdraw()],
      [2, () => this.#repeat()],
      [1, () => this.#killConductor()],
      [5, () => this.world.conductorProcess.dieAtTouch(this.chance.between(1, 40))],
      [2, () => this.#killAgent()],
      [2, () => this.#anyLink()?.cut()],
      [1, () => this.#anyLink()?.freeze()],
      [2, () => this.#breakServer()],
      [4, () => this.#mendServers()],
    ];
    await this.chance.pick(moves.flatMap(([weight, move]) => Array<typeof move>(weight).fill(move)))();
    await this.world.clock.turn(this.chance.pick([0, 0, 10, 300, 2000, 7000, 20_000]));
    await this.#restartTheDead();
    await checkAlways(this.world);
  }

  /** Gives an order; a refusal, or the death of the conductor meanwhile, is an answer too. */
  async #order(target: Target, node = this.chance.pick(NODES), requestId = this.chance.uuid()): Promise<void> {
    this.#last = { node, target, requestId };
    const onTimeout = this.chance.happens(0.3) && target.startsWith('soft') ? ('FORCE' as const) : ('FAIL' as const);
    const timeoutMs = target.startsWith('abort') ? null : this.chance.pick([null, 5000, 40_000]);
    await this.world.order(node, target, { requestId, onTimeout, timeoutMs }).catch(() => {});
  }

  /** The worst moment: an order that must not be sent twice is on its way to a slow BMC, and somebody dies. */
  async #strikeInFlight(): Promise<void> {
    const node = this.chance.pick(NODES);
    const server = this.world.hardware.get(node);
    if (!server) return;
    server.settings = { ...server.settings, fake_answer_ms: 1500, fake_fault: 'none' };
    await this.#order(this.chance.pick(['soft power off', 'soft rebooting', 'inject nmi', 'rebooting'] as const), node);
    await this.world.clock.turn(this.chance.between(0, 7000));
    const victims = this.chance.pick(['conductor', 'agents', 'both'] as const);
    if (victims !== 'conductor') for (const name of [...this.world.agents.keys()]) await this.world.killAgent(name);
    if (victims !== 'agents') await this.world.killConductor();
    await this.#restartTheDead();
    if (victims !== 'conductor') await this.startAgent();
    if (this.chance.happens(0.3)) await this.#abort();
    await this.world.clock.turn(this.chance.pick([1000, 40_000]));
  }

  /** Aborts what holds a node, as someone who watches it would. */
  async #abort(): Promise<void> {
    const held = await this.world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
    const task = held.length > 0 ? this.chance.pick(held) : null;
    const target = task && abortTargetOf(task.target);
    if (target) await this.#order(target, task.node_name);
  }

  /** The client did not hear an answer and asks again, with the same request_id. */
  async #repeat(): Promise<void> {
    if (this.#last) await this.#order(this.#last.target, this.#last.node, this.#last.requestId);
  }

  async #withdraw(): Promise<void> {
    const row = await this.world.database.read('power_tasks').where('state', 'QUEUED').first('uuid');
    if (row) await withdrawOrder(row.uuid, 'simulated', this.world.conductor.orders).catch(() => {});
  }

  async #killConductor(): Promise<void> {
    await this.world.killConductor();
    await this.world.clock.turn(this.chance.pick([0, 100, 6000, 50_000]));
  }

  async #killAgent(): Promise<void> {
    const name = this.chance.pick([...this.world.agents.keys()]);
    await this.world.killAgent(name);
    this.crashes += 1;
    await this.world.clock.turn(this.chance.pick([0, 500, 10_000]));
    await this.startAgent();
  }

  #anyLink() {
    return this.chance.pick([...this.world.agents.values()])?.link;
  }

  #servers(): FakeServer[] {
    return [...this.world.hardware.values()];
  }

  #breakServer(): void {
    const server = this.chance.pick(this.#servers());
    const fault = this.chance.pick(['silent', 'refuse', 'busy', 'garbled', 'no_answer', 'login'] as const);
    server.settings = { ...server.settings, fake_fault: fault };
  }

  #mendServers(): void {
    for (const server of this.#servers()) server.settings = { ...server.settings, fake_fault: 'none' };
  }

  async #restartTheDead(): Promise<void> {
    if (this.world.conductorAlive) return;
    this.crashes += 1;
    await this.world.startConductor();
  }

  /** The last fault is over: everything must come to rest by itself. */
  async makePeace(): Promise<void> {
    this.#mendServers();
    this.world.conductorProcess.dieAtTouch(Number.POSITIVE_INFINITY);
    await this.#restartTheDead();
    for (const agent of this.world.agents.values()) agent.link?.cut();
    if (this.chance.happens(0.3)) await this.#goOnWithoutAgents();
    await this.world.clock.turn(20 * 60_000);
  }

  /** With nobody left to ask, every task still comes to rest, by its deadlines alone. */
  async #goOnWithoutAgents(): Promise<void> {
    for (const name of [...this.world.agents.keys()]) await this.world.killAgent(name);
    await this.world.clock.turn(15 * 60_000);
    const unsettled = await this.world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
    if (unsettled.length > 0)
      throw new Error(`without agents ${unsettled[0].uuid} stays ${unsettled[0].state} for ever`);
    await this.startAgent();
  }
}

/** Runs one seed. @throws with the seed in the message, at the first broken invariant */
export async function simulate(seed: number): Promise<Summary> {
  const world = await World.create({
    seed,
    latencyMs: [0, 0, 50, 900][seed % 4] as number,
    softRebootInOneCommand: seed % 3 === 0,
    recalls: seed % 5 !== 0,
    limits: { softPowerOffTimeoutMs: 100_000, syncPowerStateIntervalMs: 90_000 },
  });
  try {
    const simulation = new Simulation(world, seed);
    await simulation.begin();
    for (let step = 0; step < STEPS; step += 1) await simulation.step();
    await simulation.makePeace();
    const tasks = await checkAtPeace(world);
    await world.end();
    if (world.clock.timers > 0) throw new Error(`${world.clock.timers} timers are left`);
    return { seed, tasks, crashes: simulation.crashes, received: world.received.length };
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message} (replay: npm run sim -- ${seed})`, { cause: error });
  } finally {
    await world.database.close();
  }
}
