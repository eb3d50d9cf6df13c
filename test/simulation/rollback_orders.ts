/** The orders about rollbacks of a simulation: once, twice, two at once, of rollbacks, too late, and struck on their way. */
import type { RollbackOrder } from '../../src/server/plans/rollback_order.ts';
import type { ActionPlanRow } from '../../src/server/store/plan_rows.ts';
import type { PlanOrders } from './plan_orders.ts';
import type { Move, Simulation } from './simulation.ts';

/** How two clients that order a rollback differ from one that does it twice. */
const WAYS = ['once', 'once', 'again', 'again at once', 'another', 'another at once', 'another body'] as const;

const ENDED = ['SUCCEEDED', 'FAILED', 'CANCELLED'];
const NOT_ENDED = ['RECOMMENDED', 'PENDING', 'ONGOING', 'CANCELLING', 'SUPERSEDED', 'DELETED'];

/** Those who order rollbacks. */
export class RollbackOrders {
  /** Every order by its request_id; a rollback with another was ordered by the engine. */
  readonly given = new Map<string, RollbackOrder>();
  /** What was promised: the rollback that an answer has named, by request_id. */
  readonly promised = new Map<string, string>();
  readonly #simulation: Simulation;
  readonly #plans: PlanOrders;

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
      [5, () => this.#rollBackOne()],
      [3, () => this.#rollBackARollback()],
      [1, () => this.#rollBackWhatHasNotEnded()],
      [1, () => this.#rollBackTooLate()],
      [8, () => this.#runAndRollBack()],
      [5, () => this.#rollBackAndStrike()],
      [4, () => this.#strikeARollback()],
    ];
  }

  #newOrder(plan: string): RollbackOrder {
    const { happens, uuid } = this.#chance;
    return { plan, requestId: uuid(), skipIrreversible: happens(0.6), acceptDrift: happens(0.5) };
  }

  async #order(order: RollbackOrder): Promise<ActionPlanRow | null> {
    if (!this.given.has(order.requestId)) this.given.set(order.requestId, order);
    const rollback = await this.#plans.ask((conductor) => conductor.plans.rollback(order));
    if (rollback === null) return null;
    const what = `the answer to rollback ${order.requestId} of ${order.plan}`;
    const before = this.promised.get(order.requestId) ?? rollback.uuid;
    if (before !== rollback.uuid) this.#plans.wrongAnswers.push(`${what} was ${before}, then ${rollback.uuid}`);
    if (rollback.rollbackOf !== order.plan) this.#plans.wrongAnswers.push(`${what} undoes ${rollback.rollbackOf}`);
    this.promised.set(order.requestId, rollback.uuid);
    return rollback;
  }

  /** One order, and what a second client, or the same one, makes of it. */
  async #orders(plan: string): Promise<void> {
    const way = this.#chance.pick(WAYS);
    const order = this.#newOrder(plan);
    const first = this.#order(order);
    if (way === 'once') return void (await first);
    if (!way.endsWith('at once')) await first;
    const other = { ...order, acceptDrift: !order.acceptDrift };
    const second = way.startsWith('again') ? order : way === 'another body' ? other : this.#newOrder(plan);
    const [one, two] = await Promise.all([first, this.#order(second)]);
    if (way === 'another body' && one && two) this.#plans.wrongAnswers.push(`two bodies under ${order.requestId}`);
  }

  async #rollBackOne(): Promise<void> {
    const uuid = await this.#plans.pick(ENDED);
    if (uuid) await this.#world.finish(this.#orders(uuid));
  }

  async #rollBackARollback(): Promise<void> {
    const uuid = await this.#plans.pick(ENDED, (query) => query.whereNotNull('rollback_of'));
    if (uuid) await this.#world.finish(this.#orders(uuid));
  }

  async #rollBackWhatHasNotEnded(): Promise<void> {
    const uuid = await this.#plans.pick(NOT_ENDED);
    if (uuid) await this.#mustBeRefused(uuid);
  }

  async #rollBackTooLate(): Promise<void> {
    const uuid = await this.#plans.pick(ENDED);
    await this.#world.clock.turn(this.#world.limits.rollbackWindowMs + 1);
    await this.#simulation.restartTheDead();
    // A window that was written before the clock was set back is open for longer.
    if (uuid && this.#world.clock.set.backMs === 0) await this.#mustBeRefused(uuid);
  }

  async #mustBeRefused(uuid: string): Promise<void> {
    const rollback = await this.#world.finish(this.#order(this.#newOrder(uuid)));
    if (rollback)
      this.#plans.wrongAnswers.push(`${rollback.name} was ordered for a plan that it cannot be ordered for`);
  }

  /** The ordinary case: the plan runs, nothing meddles, and it is rolled back. */
  async #runAndRollBack(): Promise<void> {
    this.#simulation.mendServers();
    await this.#world.clock.turn(this.#chance.pick([0, 0, 30_000]));
    await this.#simulation.restartTheDead();
    const plan = await this.#plans.createAndStart();
    if (plan === null) return;
    if (this.#chance.happens(0.2)) this.#plans.cancelSoon(plan.uuid, 40);
    await this.#world.clock.turn(this.#chance.pick([10_000, 30_000, 100_000]));
    await this.#simulation.restartTheDead();
    const order = this.#newOrder(plan.uuid);
    await this.#world.finish(this.#order({ ...order, acceptDrift: this.#chance.happens(0.1) }));
    await this.#world.clock.turn(this.#chance.pick([0, 20_000, 60_000]));
  }

  /** Between any two commits of a rollback it is cancelled, or the conductor dies. */
  async #rollBackAndStrike(): Promise<void> {
    const uuid = await this.#plans.pick(ENDED);
    if (uuid === null) return;
    if (this.#chance.happens(0.6)) this.#simulation.dieSoon(60);
    const rollback = await this.#world.finish(this.#order(this.#newOrder(uuid)));
    if (rollback) this.#plans.cancelSoon(rollback.uuid, 15);
    await this.#world.clock.turn(this.#chance.pick([0, 0, 3000]));
  }

  /** Strikes a rollback that runs. */
  async #strikeARollback(): Promise<void> {
    const uuid = await this.#plans.pick(['ONGOING', 'CANCELLING'], (query) => query.whereNotNull('rollback_of'));
    if (uuid === null) return;
    if (this.#chance.happens(0.6)) this.#simulation.dieSoon(40);
    if (this.#chance.happens(0.7)) this.#plans.cancelSoon(uuid, 10);
    await this.#world.clock.turn(this.#chance.pick([0, 3000, 20_000]));
  }
}
