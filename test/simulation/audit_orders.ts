/** The orders about audits of a simulation: once and again and again, over some nodes or all, stopped and taken up again. */
import type { WantedAudit } from '../../src/server/audits/request.ts';
import type { PlanOrders } from './plan_orders.ts';
import { maintenanceReason } from './random_plan.ts';
import { type Move, NODES, type Simulation } from './simulation.ts';

/** What runs once, and what may run again and again: the latter leaves no trace on nodes that another run could take for its own. */
const STRATEGIES = ['dummy', 'host_maintenance', 'saving_energy'] as const;

const SCOPES: readonly (readonly string[])[] = [[], [], ['n1'], ['n[1-2]'], ['n[2-4]']];

/** Those who order audits. */
export class AuditOrders {
  /** What was promised: an answer has said so. */
  readonly created = new Set<string>();
  readonly #simulation: Simulation;
  readonly #plans: PlanOrders;
  #audits = 0;
  #last: WantedAudit | null = null;

  constructor(simulation: Simulation, plans: PlanOrders) {
    this.#simulation = simulation;
    this.#plans = plans;
  }

  get #chance() {
    return this.#simulation.chance;
  }

  get #world() {
    return this.#simulation.world;
  }

  moves(): Move[] {
    return [
      [4, () => this.#create()],
      [1, () => this.#createAgain()],
      [2, () => this.#createAndDie()],
      [3, () => this.#move()],
      [2, () => this.#markIdle()],
    ];
  }

  /** Operators end what would run for ever. Plans that were made stay. */
  async endAll(): Promise<void> {
    for (const uuid of await this.#auditsIn(['SUSPENDED']))
      await this.#world.finish(this.#plans.ask(({ audits }) => audits.resume(uuid)));
    for (const uuid of await this.#auditsIn(['ONGOING']))
      await this.#world.finish(this.#plans.ask(({ audits }) => audits.cancel(uuid)));
  }

  #wanted(): WantedAudit {
    this.#audits += 1;
    const name = `audit${this.#audits}`;
    const { pick, happens, uuid } = this.#chance;
    const strategy = pick(STRATEGIES);
    const again = strategy !== 'host_maintenance' && happens(0.75);
    const nodes = pick(SCOPES);
    return {
      name,
      requestId: uuid(),
      auditType: again ? 'CONTINUOUS' : 'ONESHOT',
      strategy,
      goal: '',
      parameters: strategy === 'host_maintenance' ? { wave_size: pick([1, 2, 9]), reason: reasonOf(name) } : {},
      scope: nodes.length === 0 ? [] : [{ baremetal: [{ nodes: [...nodes] }] }],
      // A strategy that acts on no scope may leave it out: then the nodes of its actions are meant.
      ...(nodes.length === 0 && (strategy !== 'dummy' || happens(0.5)) && { all: true }),
      intervalMs: again ? pick([10_000, 20_000, 60_000, 300_000]) : null,
      autoTrigger: happens(0.4),
      maxParallel: pick([0, 1, 2]),
      onFailure: pick(['STOP', 'CONTINUE', 'ROLLBACK']),
    };
  }

  async #create(wanted = this.#wanted()): Promise<void> {
    this.#last = wanted;
    const answer = await this.#world.finish(this.#plans.ask(({ audits }) => audits.create(wanted)));
    if (answer) this.created.add(answer.audit.uuid);
  }

  /** The client did not hear an answer and asks again, with the same request_id. */
  async #createAgain(): Promise<void> {
    if (this.#last) await this.#create(this.#last);
  }

  /** The conductor dies while it makes an audit, or runs it for the second time. */
  async #createAndDie(): Promise<void> {
    this.#simulation.dieSoon(80);
    await this.#create();
    await this.#world.clock.turn(this.#chance.pick([0, 20_000, 60_000]));
  }

  async #move(): Promise<void> {
    const verb = this.#chance.pick(['suspend', 'resume', 'resume', 'cancel', 'delete'] as const);
    const found = await this.#auditsIn(['ONGOING', 'SUSPENDED', 'SUCCEEDED', 'CANCELLED']);
    if (found.length === 0) return;
    const uuid = this.#chance.pick(found);
    if (this.#chance.happens(0.2)) this.#simulation.dieSoon(20);
    await this.#world.finish(this.#plans.ask(({ audits }) => audits[verb](uuid)));
  }

  async #markIdle(): Promise<void> {
    await this.#plans.setLabels(this.#chance.pick(NODES), { idle: this.#chance.pick(['true', 'true', 'false']) });
  }

  /** Those that a client has asked for, not those that came with a plan. */
  async #auditsIn(states: readonly string[]): Promise<string[]> {
    const { read } = this.#world.database;
    const rows = await read('audits')
      .whereIn('state', [...states])
      .whereNotNull('request_id')
      .orderBy('created_at');
    return rows.map(({ uuid }: { uuid: string }) => uuid);
  }
}

/** Unique, as the plan that the audit makes bears its name. */
const reasonOf = (name: string): string => maintenanceReason(name, 'all');
