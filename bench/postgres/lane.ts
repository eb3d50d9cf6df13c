/** Plans, one after the other, over nodes of their own: run to their end, cancelled on their way, and rolled back. */
import { randomUUID } from 'node:crypto';
import type { Client } from '../../src/cli/shared/connection.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { sleep } from '../../src/core/signals.ts';
import { type ActionPlan, ActionPlanState, actionPlanStateToJSON } from '../../src/gen/countermand/v1/action_plan.ts';
import type { Node } from '../../src/gen/countermand/v1/node.ts';
import { PowerState, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import type { Persistence } from './persist.ts';

/** What the lanes have done so far. */
export interface Done {
  /** The plans that conductors have accepted, rollbacks among them. */
  readonly plans: string[];
  /** The single orders that they have accepted. */
  readonly orders: string[];
  /** How often a plan ended in each state. */
  readonly ends: Map<string, number>;
  /** Refusals that were not expected. */
  readonly refusals: string[];
}

const LOOK_MS = 300;
/** A cancel comes at most this long after the start. */
const CANCEL_WITHIN_MS = 15_000;
const ON_AT_ONCE = 20;
const AT_REST: readonly ActionPlanState[] = [
  ActionPlanState.SUCCEEDED,
  ActionPlanState.FAILED,
  ActionPlanState.CANCELLED,
  ActionPlanState.SUPERSEDED,
];

/** Nodes, and the plans over them. */
export class Lane {
  readonly #nodes: readonly string[];
  readonly #client: Client;
  readonly #persistence: Persistence;
  readonly #done: Done;
  readonly #signal: AbortSignal;

  /** @param nodes must be on, and no other plan may be about them */
  constructor(
    nodes: readonly string[],
    client: Client,
    parts: { readonly persistence: Persistence; readonly done: Done },
    signal: AbortSignal,
  ) {
    this.#nodes = nodes;
    this.#client = client;
    this.#persistence = parts.persistence;
    this.#done = parts.done;
    this.#signal = signal;
  }

  /** Goes on, plan after plan, while `more` says so; then resolves with everything at rest. An abort rejects with its reason. */
  async run(more: () => boolean): Promise<void> {
    for (let round = 0; more(); round += 1) {
      try {
        await this.#round(round);
      } catch (thrown) {
        if (this.#signal.aborted) throw thrown;
        const { code, message } = asCountermandError(thrown);
        this.#done.refusals.push(`${code}: ${message}`);
        await sleep(LOOK_MS, systemClock, this.#signal);
      }
    }
  }

  /** One plan: every third runs to its end, the others are cancelled. Then it is rolled back, and what is off yet is powered on. */
  async #round(round: number): Promise<void> {
    const plan = await this.#start(round);
    if (round % 3 !== 0) {
      await sleep(systemChance.fraction() * CANCEL_WITHIN_MS, systemClock, this.#signal);
      await this.#cancel(plan);
    }
    await this.#untilAtRest(plan);
    await this.#rollBack(plan);
    await this.#powerOn();
  }

  /** A plan of a thousand nodes outlives several leaders as well. */
  get #sideBySide(): number {
    return Math.max(10, Math.ceil(this.#nodes.length / 20));
  }

  async #start(round: number): Promise<string> {
    const requestId = randomUUID();
    const actions = this.#nodes.map((node, at) => ({
      name: node,
      actionType: 'change_node_power_state',
      // Neither may be sent twice.
      inputParameters: { resource_id: node, state: (at + round) % 2 === 0 ? 'soft power off' : 'rebooting' },
    }));
    const request = { name: `round ${round}`, requestId, maxParallel: this.#sideBySide, actions, start: true };
    const { actionPlan } = await this.#call(() => this.#client.plans.createActionPlan(request));
    return this.#accepted(actionPlan);
  }

  async #cancel(actionPlan: string): Promise<void> {
    try {
      await this.#call(() => this.#client.plans.orderCancel({ actionPlan, reason: 'the bench' }));
    } catch (thrown) {
      // It ended before, or an earlier call whose answer was lost has cancelled it.
      if (asCountermandError(thrown).code !== 'ACTION_PLAN_STATE') throw thrown;
    }
  }

  async #rollBack(actionPlan: string): Promise<void> {
    const request = { actionPlan, requestId: randomUUID(), skipIrreversible: true, acceptDrift: true };
    const { plans } = this.#client;
    const answer = await this.#call(() => plans.orderRollback(request)).catch((thrown) => {
      // A plan that was cancelled before anything was sent has nothing to undo.
      if (asCountermandError(thrown).code === 'ROLLBACK_REFUSED') return null;
      throw thrown;
    });
    if (answer !== null) await this.#untilAtRest(this.#accepted(answer.actionPlan));
  }

  /** What is off yet, at most `ON_AT_ONCE` at a time. */
  async #powerOn(): Promise<void> {
    const off = (await this.#ownNodes()).filter(({ powerState }) => powerState !== PowerState.ON).values();
    const work = async (): Promise<void> => {
      for (const { name } of off) await this.#powerOnOne(name);
    };
    await Promise.all(Array.from({ length: ON_AT_ONCE }, work));
  }

  async #powerOnOne(node: string): Promise<void> {
    const request = { node, target: PowerTarget.ON, requestId: randomUUID() };
    const { task } = await this.#call(() => this.#client.power.orderPowerState(request));
    this.#done.orders.push(task?.uuid ?? '');
    const settled = async (): Promise<boolean> => {
      const { tasks } = await this.#call(() => this.#client.power.listPowerTasks({ node, unsettled: true }));
      return tasks.length === 0;
    };
    while (!(await settled())) await sleep(LOOK_MS, systemClock, this.#signal);
  }

  async #ownNodes(): Promise<Node[]> {
    const own = new Set(this.#nodes);
    const found: Node[] = [];
    for (let pageToken = ''; ; ) {
      const request = { pageSize: 1000, pageToken };
      const { nodes, nextPageToken } = await this.#call(() => this.#client.nodes.listNodes(request));
      found.push(...nodes.filter(({ name }) => own.has(name)));
      if (nextPageToken === '') return found;
      pageToken = nextPageToken;
    }
  }

  async #untilAtRest(actionPlan: string): Promise<void> {
    for (;;) {
      const answer = await this.#call(() => this.#client.plans.getActionPlan({ actionPlan, pageSize: 1 }));
      const state = answer.actionPlan?.state ?? ActionPlanState.UNSPECIFIED;
      if (AT_REST.includes(state)) {
        const name = actionPlanStateToJSON(state).replace('ACTION_PLAN_STATE_', '');
        this.#done.ends.set(name, (this.#done.ends.get(name) ?? 0) + 1);
        return;
      }
      await sleep(LOOK_MS, systemClock, this.#signal);
    }
  }

  #accepted(plan: ActionPlan | undefined): string {
    const uuid = plan?.uuid ?? '';
    this.#done.plans.push(uuid);
    return uuid;
  }

  #call<T>(call: () => Promise<T>): Promise<T> {
    return this.#persistence.until(call);
  }
}
