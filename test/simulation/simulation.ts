/** A world under a seed in which things go wrong: agents, links, hardware and the conductor, at random moments. */
import type { FakeServer } from '../../src/drivers/fake/hardware.ts';
import type { Change } from '../../src/server/store/feed.ts';
import { Crash } from '../world/process.ts';
import type { World } from '../world/world.ts';
import { faultsOfSeveral } from './several_faults.ts';

/** How the wall clock is set in a simulation: never, or by this at a time. */
export type ClockSettings = readonly number[];
const MINUTE_MS = 60_000;
/** Most seeds have a clock that is never set, and are checked to the millisecond. */
export function clockSettingsOf(seed: number): ClockSettings {
  if (seed % 10 === 2) return [MINUTE_MS, 10 * MINUTE_MS, 120 * MINUTE_MS];
  if (seed % 10 === 7) return [-120 * MINUTE_MS, -10 * MINUTE_MS, MINUTE_MS, 120 * MINUTE_MS];
  return [];
}

/** How long agents sleep: shorter and longer than a Go is valid, than their lease, and than two of it. */
const FREEZES_MS = [300, 4900, 7000, 14_000, 20_000, 50_000];

/** The nodes of a simulation. */
export const NODES = ['n1', 'n2', 'n3', 'n4'];

/** Something that may happen next, and how likely it is beside the others. */
export type Move = readonly [weight: number, move: () => Promise<void> | void];

/** Something that is done in the middle of work. */
interface Ambush {
  readonly isDue: (change: Change) => boolean;
  readonly act: () => Promise<unknown>;
}

/** The world of one seed. What people order is in `power_orders.ts` and `plan_orders.ts`. */
export class Simulation {
  readonly world: World;
  readonly #clockSettings: ClockSettings;
  /** How often a process has died. */
  crashes = 0;
  /** The power tasks that were answered. */
  readonly accepted: string[] = [];
  /** How often a conductor was replaced while it ran. */
  takeOvers = 0;
  #agents = 0;
  readonly #hearers: ((change: Change) => void)[] = [];
  #ambushes: Ambush[] = [];
  #underWay: Promise<unknown>[] = [];

  readonly #infoOf: (node: string) => Record<string, string>;

  /** @param infoOf what each node is enrolled with, beside how its server behaves */
  constructor(world: World, clockSettings: ClockSettings, infoOf: (node: string) => Record<string, string>) {
    this.world = world;
    this.#infoOf = infoOf;
    this.#clockSettings = clockSettings;
    world.onChange = (change) => this.#heard(change);
  }

  get chance() {
    return this.world.chance;
  }

  /** Two agents and the nodes. */
  async begin(): Promise<void> {
    await this.startAgent();
    await this.startAgent();
    await this.world.clock.turn(5000);
    for (const node of NODES) await this.world.enrol(node, { ...this.#temper(), ...this.#infoOf(node) });
    await this.world.clock.turn(1000);
  }

  /** How a server behaves. */
  #temper(): Record<string, string> {
    return {
      fake_power_state: this.chance.happens(0.8) ? 'on' : 'off',
      fake_answer_ms: this.chance.pick(['0', '0', '30', '2000']),
      fake_soft_ms: this.chance.pick(['0', '3000', '20000', '60000', 'never']),
      fake_start_ms: this.chance.pick(['0', '5000', '20000']),
      fake_powering_ms: this.chance.pick(['0', '0', '4000']),
      fake_refuses_on_ms: this.chance.pick(['0', '0', '4000']),
      fake_recall: this.chance.pick(['works', 'works', 'refused', 'late']),
    };
  }

  async startAgent(): Promise<void> {
    this.#agents += 1;
    await this.world.startAgent(`agent-${this.#agents}`, ['default'], this.chance.happens(0.2));
  }

  /** What goes wrong by itself, and is mended. */
  faults(): Move[] {
    return [
      [1, () => this.#stopForAWhile()],
      [5, () => this.dieSoon(40)],
      [3, () => this.dieAfterLeave(8)],
      [2, () => this.#replaceAgent()],
      [2, () => this.#takeOver()],
      ...(this.world.several ? faultsOfSeveral(this.world.several, this) : this.#freezes()),
      [2, () => this.#failSoon()],
      [2, () => this.#anyLink()?.cut()],
      [1, () => this.#anyLink()?.freeze()],
      [2, () => this.#breakServer()],
      [4, () => this.mendServers()],
      [this.#clockSettings.length === 0 ? 0 : 3, () => this.world.clock.jump(this.chance.pick(this.#clockSettings))],
    ];
  }

  /** Every commit from now on is told. */
  hear(hearer: (change: Change) => void): void {
    this.#hearers.push(hearer);
  }

  /** Does something as soon as a number of changes have been committed from now, between two statements of whoever works. */
  ambush(commits: number, act: () => Promise<unknown>): void {
    let left = commits;
    const isDue = (): boolean => {
      left -= 1;
      return left <= 0;
    };
    this.#ambushes.push({ isDue, act });
  }

  /** As `ambush`, as soon as leave to send an order has been committed. */
  ambushAtLeave(act: () => Promise<unknown>): void {
    const isDue = (change: Change): boolean => change.kind === 'task' && change.task.state === 'SENDING';
    this.#ambushes.push({ isDue, act });
  }

  /** The conductor will die within the next touches after it has given leave to send an order. */
  dieAfterLeave(touches: number): void {
    this.ambushAtLeave(async () => this.dieSoon(touches));
  }

  #heard(change: Change): void {
    for (const hear of this.#hearers) hear(change);
    const due = this.#ambushes.filter(({ isDue }) => isDue(change));
    this.#ambushes = this.#ambushes.filter((ambush) => !due.includes(ambush));
    for (const { act } of due) this.#underWay.push(act());
  }

  /** Waits for the answers to what the ambushes have ordered. */
  async afterAmbushes(): Promise<void> {
    while (this.#underWay.length > 0) await this.world.finish(Promise.all(this.#underWay.splice(0)));
  }

  /** The conductor will die at one of its next touches of the database. */
  dieSoon(touches: number): void {
    this.world.conductorProcess.dieAtTouch(this.chance.between(1, touches));
  }

  /** The request_id of an order, as clients choose it: a new one, or a uuid that they have seen, also with a word behind it. */
  async requestId(): Promise<string> {
    if (this.chance.happens(0.7)) return this.chance.uuid();
    const table = this.chance.pick(['actions', 'actions', 'action_plans', 'audits', 'power_tasks', 'nodes'] as const);
    const newest = this.world.database.read(table).orderBy('created_at', 'desc').orderBy('uuid').limit(20);
    const rows: { uuid: string }[] = await newest.select('uuid');
    if (rows.length === 0) return this.chance.uuid();
    const { uuid } = this.chance.pick(rows);
    return this.chance.happens(0.2) ? `${uuid} abort` : uuid;
  }

  /** The disk of the conductor fails for a moment. */
  #failSoon(): void {
    this.world.conductorProcess.failAtTouch(this.chance.between(1, 60), this.chance.pick([1, 1, 1, 4]));
  }

  async #stopForAWhile(): Promise<void> {
    await this.world.killConductor();
    await this.world.clock.turn(this.chance.pick([0, 100, 6000, 50_000]));
  }

  async killAgents(): Promise<void> {
    for (const name of [...this.world.agents.keys()]) await this.world.killAgent(name);
  }

  /** Another conductor takes the database, from one that may still run. It may die as it does. */
  async #takeOver(): Promise<void> {
    this.takeOvers += Number(this.world.conductorAlive);
    const touches = this.chance.happens(0.2) ? this.chance.between(1, 60) : Number.POSITIVE_INFINITY;
    try {
      await this.world.takeOver(touches);
    } catch (thrown) {
      unlessDead(thrown);
      // It had the database already, or not: whoever runs there is started again.
      await this.restartTheDead();
    }
  }

  async #replaceAgent(): Promise<void> {
    await this.world.killAgent(this.chance.pick([...this.world.agents.keys()]));
    this.crashes += 1;
    await this.world.clock.turn(this.chance.pick([0, 500, 10_000]));
    await this.startAgent();
  }

  #anyLink() {
    return this.chance.pick([...this.world.agents.values()])?.link;
  }

  /** Where several conductors lead one after the other, those sleep, and the agents inside them. */
  #freezes(): Move[] {
    return [
      [1, () => this.#freezeAgents()],
      [2, () => this.ambushAtLeave(async () => this.#freezeAgents())],
    ];
  }

  /** The agents that run by themselves sleep for a while. What is sent to them meanwhile is there when they wake. */
  #freezeAgents(): void {
    const ms = this.chance.pick(FREEZES_MS);
    for (const { home, process } of this.world.agents.values()) {
      if (home !== null || process.paused) continue;
      process.pause();
      const timersFirst = this.chance.happens(0.5);
      this.world.clock.after(ms, () => void process.resume(timersFirst));
    }
  }

  #servers(): FakeServer[] {
    return [...this.world.hardware.values()];
  }

  #breakServer(): void {
    const server = this.chance.pick(this.#servers());
    const faults = ['silent', 'refuse', 'busy', 'garbled', 'no_answer', 'login', 'orders_unanswered'] as const;
    const fault = this.chance.pick(faults);
    server.settings = { ...server.settings, fake_fault: fault };
  }

  mendServers(): void {
    for (const server of this.#servers()) server.settings = { ...server.settings, fake_fault: 'none' };
  }

  /** A conductor that died is started again, and sometimes dies once more while it takes up what it finds. */
  async restartTheDead(): Promise<void> {
    while (!this.world.conductorAlive) {
      this.crashes += 1;
      const touches = this.chance.happens(0.1) ? this.chance.between(1, 60) : Number.POSITIVE_INFINITY;
      await this.world.startConductor(touches).catch(unlessDead);
    }
    // Those inside of a conductor have died with it.
    if (this.world.agents.size === 0) await this.startAgent();
  }

  /** The last fault is over; what was still to be done in an ambush is not done any more. */
  async makePeace(): Promise<void> {
    this.#ambushes = [];
    this.mendServers();
    await this.world.several?.mend();
    for (const { home, process } of this.world.agents.values()) if (home === null) await process.resume(true);
    this.world.conductorProcess.dieAtTouch(Number.POSITIVE_INFINITY);
    await this.restartTheDead();
    this.world.conductorProcess.failAtTouch(Number.POSITIVE_INFINITY, 0);
    this.world.conductorProcess.dieAtTouch(Number.POSITIVE_INFINITY);
    await this.world.several?.sendOthersAway();
    for (const agent of this.world.agents.values()) agent.link?.cut();
  }
}

function unlessDead(thrown: unknown): void {
  if (!(thrown instanceof Crash)) throw thrown;
}
