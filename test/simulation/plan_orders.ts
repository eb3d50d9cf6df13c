/** The orders about plans of a simulation: made, started, cancelled, deleted, at the worst moments. */
import type { Knex } from 'knex';
import { CountermandError } from '../../src/core/errors.ts';
import { reportClusterEvent } from '../../src/server/audits/cluster_events.ts';
import type { Conductor } from '../../src/server/conductor.ts';
import { changeNode } from '../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../src/server/plans/create.ts';
import type { WantedPlan } from '../../src/server/plans/wanted.ts';
import type { ActionPlanRow } from '../../src/server/store/plan_rows.ts';
import { Crash, isDiskFailure } from '../world/process.ts';
import { maintenancePlan, randomPlan } from './random_plan.ts';
import { type Move, NODES, type Simulation } from './simulation.ts';

/** How two clients that cancel at the same time differ from one that cancels twice. */
const CANCELS = ['once', 'once', 'twice', 'two at once'] as const;

/** An order was refused for the state of a plan that is still there. */
const isWrongState = (thrown: unknown): boolean =>
  thrown instanceof CountermandError &&
  thrown.code === 'ACTION_PLAN_STATE' &&
  thrown.details.facts?.state !== 'DELETED';

/** Some of the plans only. */
type Narrow = (query: Knex.QueryBuilder) => Knex.QueryBuilder;

/** Those who order plans. */
export class PlanOrders {
  /** What was promised: an answer has said so. */
  readonly promised = {
    created: new Set<string>(),
    started: new Set<string>(),
    cancelled: new Set<string>(),
    /** Their cancel goes on to roll them back. */
    rollsBack: new Set<string>(),
  };
  /** Answers that must not be. */
  readonly wrongAnswers: string[] = [];
  /** When operators have set the maintenance of a node by hand. */
  readonly hands: { readonly node: string; readonly at: number }[] = [];
  readonly #simulation: Simulation;
  #plans = 0;
  #last: WantedPlan | null = null;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get #chance() {
    return this.#simulation.chance;
  }

  get #world() {
    return this.#simulation.world;
  }

  moves(): Move[] {
    return [
      [12, () => this.createAndStart().then(() => {})],
      [3, () => this.#create().then(() => {})],
      [3, () => this.#createAgain()],
      [4, () => this.#startOne()],
      [8, () => this.#cancelOne(['ONGOING', 'CANCELLING'])],
      [3, () => this.#cancelOne(['RECOMMENDED', 'PENDING'])],
      [1, () => this.#cancelOne(['SUCCEEDED', 'FAILED', 'CANCELLED', 'DELETED'])],
      [10, () => this.#cancelWhileItStarts()],
      [6, () => this.#cancelInTheMiddle()],
      [5, () => this.#cancelAroundACrash()],
      [3, () => this.#delete()],
      [3, () => this.#setAnyMaintenance()],
      [2, () => this.#relabel()],
      [2, () => this.#report()],
      [3, () => this.#changeWhileItStarts()],
      [4, () => this.#undoMaintenanceAtOnce()],
    ];
  }

  /** Asks a conductor. A refusal, or its death meanwhile, is an answer too; a fault of ours is not. */
  async ask<T>(order: (conductor: Conductor) => Promise<T>): Promise<T | null> {
    if (!this.#world.conductorAlive) return null;
    try {
      return await order(this.#world.conductor);
    } catch (thrown) {
      const refused = thrown instanceof CountermandError && thrown.code !== 'INTERNAL';
      if (!refused && !(thrown instanceof Crash) && !isDiskFailure(thrown)) this.wrongAnswers.push(String(thrown));
      return null;
    }
  }

  async #create(wanted = randomPlan(this.#newName(), this.#chance)): Promise<ActionPlanRow | null> {
    return this.#give({ ...wanted, requestId: await this.#simulation.requestId() });
  }

  async #give(wanted: WantedPlan): Promise<ActionPlanRow | null> {
    this.#last = wanted;
    const plan = await this.#world.finish(this.ask((conductor) => createActionPlan(wanted, conductor)));
    if (plan) this.promised.created.add(plan.uuid);
    return plan;
  }

  #newName(): string {
    this.#plans += 1;
    return `p${this.#plans}`;
  }

  /** The client did not hear an answer and asks again, with the same request_id. */
  async #createAgain(): Promise<void> {
    if (this.#last) await this.#give(this.#last);
  }

  async #start(uuid: string): Promise<void> {
    const queue = this.#chance.happens(0.7);
    const force = this.#chance.happens(0.2);
    const plan = await this.ask((conductor) => conductor.plans.start(uuid, queue, force));
    if (plan) this.promised.started.add(uuid);
    if (plan?.state === 'RECOMMENDED') this.wrongAnswers.push(`${plan.name} was started and is RECOMMENDED`);
  }

  async #cancel(uuid: string): Promise<void> {
    const rollback = this.#chance.happens(0.25);
    const isAgain = this.promised.cancelled.has(uuid) && (!rollback || this.promised.rollsBack.has(uuid));
    const cancel = (conductor: Conductor) =>
      conductor.plans.cancel(uuid, 'simulated', rollback).catch((thrown: unknown) => {
        if (isAgain && isWrongState(thrown))
          this.wrongAnswers.push(`a cancel was asked for again, and refused: ${thrown}`);
        throw thrown;
      });
    const plan = await this.ask(cancel);
    if (plan === null) return;
    this.promised.cancelled.add(uuid);
    if (rollback && plan.state === 'CANCELLING') this.promised.rollsBack.add(uuid);
    // One whose answer was lost, or that another client has cancelled, may be over.
    const isOver = isAgain || plan.previousState === 'CANCELLING';
    const answers = isOver ? ['CANCELLING', 'CANCELLED', 'FAILED'] : ['CANCELLING', 'CANCELLED'];
    if (!answers.includes(plan.state)) this.wrongAnswers.push(`${plan.name} was cancelled and is ${plan.state}`);
  }

  async #cancels(uuid: string): Promise<void> {
    const how = this.#chance.pick(CANCELS);
    const first = this.#cancel(uuid);
    if (how === 'twice') await first;
    await Promise.all([first, how === 'once' ? null : this.#cancel(uuid)]);
  }

  /** Makes a plan by chance and starts it. */
  async createAndStart(): Promise<ActionPlanRow | null> {
    const plan = await this.#create();
    if (plan) await this.#world.finish(this.#start(plan.uuid));
    return plan;
  }

  /** Cancels a plan as soon as a number of changes have been committed, at most. */
  cancelSoon(uuid: string, commits: number): void {
    this.#simulation.ambush(this.#chance.between(1, commits), () => this.#cancels(uuid));
  }

  /** Any plan in one of these states. */
  async pick(states: readonly string[], narrow: Narrow = (query) => query): Promise<string | null> {
    const all: Knex.QueryBuilder = this.#world.database.read('action_plans').whereIn('state', [...states]);
    const rows: { uuid: string }[] = await narrow(all).orderBy(['created_at', 'uuid']).select('uuid');
    return rows.length === 0 ? null : this.#chance.pick(rows).uuid;
  }

  async #startOne(): Promise<void> {
    const uuid = await this.pick(this.#chance.happens(0.9) ? ['RECOMMENDED'] : ['PENDING', 'ONGOING', 'CANCELLED']);
    if (uuid) await this.#world.finish(this.#start(uuid));
  }

  async #cancelOne(states: readonly string[]): Promise<void> {
    const uuid = await this.pick(states);
    if (uuid) await this.#world.finish(this.#cancels(uuid));
  }

  /** With its start, or between any two commits of it, of its first actions, and of whatever follows at once. */
  async #cancelWhileItStarts(): Promise<void> {
    const plan = await this.#create();
    if (plan === null) return;
    const withIt = this.#chance.happens(0.2);
    if (withIt) await this.#world.finish(Promise.all([this.#start(plan.uuid), this.#cancels(plan.uuid)]));
    if (withIt) return;
    this.cancelSoon(plan.uuid, 25);
    if (this.#chance.happens(0.2)) this.#simulation.dieSoon(60);
    await this.#world.finish(this.#start(plan.uuid));
  }

  /** Between any two commits from now. */
  async #cancelInTheMiddle(): Promise<void> {
    const uuid = await this.pick(['PENDING', 'ONGOING', 'CANCELLING']);
    if (uuid) this.cancelSoon(uuid, 15);
  }

  /** The conductor dies before, within or right after the cancel; and perhaps again while it goes on with it. */
  async #cancelAroundACrash(): Promise<void> {
    const uuid = await this.pick(['PENDING', 'ONGOING', 'ONGOING', 'CANCELLING']);
    if (uuid === null) return;
    if (this.#chance.happens(0.7)) this.#simulation.dieSoon(40);
    await this.#world.finish(this.#cancels(uuid));
    if (this.#chance.happens(0.5)) await this.#world.killConductor();
    await this.#world.clock.turn(this.#chance.pick([0, 0, 3000, 130_000]));
    await this.#simulation.restartTheDead();
    if (this.#chance.happens(0.3)) this.#simulation.dieSoon(30);
  }

  async #delete(): Promise<void> {
    const uuid = await this.pick(
      this.#chance.happens(0.2) ? ['PENDING', 'ONGOING', 'CANCELLING'] : ['RECOMMENDED', 'SUCCEEDED', 'FAILED'],
    );
    if (uuid) await this.#world.finish(this.ask((conductor) => conductor.plans.delete(uuid)));
  }

  async #setMaintenance(node: string, maintenance: boolean): Promise<void> {
    const change = { setDriverInfo: {}, removeDriverInfo: [], setLabels: {}, removeLabels: [] };
    const request = { node, maintenance, ...change };
    await this.ask((conductor) => changeNode(request, conductor));
    this.hands.push({ node, at: this.#world.clock.now() });
  }

  async #setAnyMaintenance(): Promise<void> {
    await this.#world.finish(this.#setMaintenance(this.#chance.pick(NODES), this.#chance.happens(0.5)));
  }

  async #setLabel(node: string): Promise<void> {
    await this.#changeLabels(node, { rack: this.#chance.pick(['1', '2', '3']) });
  }

  async #changeLabels(node: string, setLabels: Readonly<Record<string, string>>): Promise<void> {
    const request = { node, setLabels, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
    await this.ask((conductor) => changeNode(request, conductor));
  }

  /** An operator writes labels to a node. */
  async setLabels(node: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#world.finish(this.#changeLabels(node, labels));
  }

  async #relabel(): Promise<void> {
    await this.#world.finish(this.#setLabel(this.#chance.pick(NODES)));
  }

  /** A report from outside says that something has changed on a node. */
  async #report(): Promise<void> {
    const nodes = [this.#chance.pick(NODES)];
    const event = { eventType: 'instance.update', nodes, payload: {}, reason: 'simulated' };
    await this.#world.finish(this.ask((conductor) => reportClusterEvent(event, conductor)));
  }

  /** A node of it changes between any two commits of its start and of what follows. */
  async #changeWhileItStarts(): Promise<void> {
    const node = this.#chance.pick(NODES);
    const plan = await this.#create(maintenancePlan(this.#newName(), node, this.#chance));
    if (plan === null) return;
    this.#simulation.ambush(this.#chance.between(1, 9), () => this.#setLabel(node));
    if (this.#chance.happens(0.3)) this.#simulation.dieSoon(40);
    await this.#world.finish(this.#start(plan.uuid));
  }

  /** An operator takes back what an action has set before that stands in the action, and the conductor dies just then. */
  async #undoMaintenanceAtOnce(): Promise<void> {
    const node = this.#chance.pick(NODES);
    const plan = await this.#create(maintenancePlan(this.#newName(), node, this.#chance));
    if (plan === null) return;
    // The plan is started, launched, its action begun: then the node changes.
    this.#simulation.ambush(this.#chance.between(4, 9), () => this.#setMaintenance(node, false));
    if (this.#chance.happens(0.8)) this.#simulation.dieSoon(60);
    await this.#world.finish(this.#start(plan.uuid));
  }
}
