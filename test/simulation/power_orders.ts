/** The power orders of a simulation: given, aborted, withdrawn, repeated, and struck while they are on their way. */
import { abortTargetOf, type OrderTarget, TARGETS, type Target } from '../../src/core/power.ts';
import { POWER_TASK_REST } from '../../src/core/states.ts';
import { type Order, withdrawOrder } from '../../src/server/power/orders.ts';
import { getNode, saveNode } from '../../src/server/store/nodes.ts';
import { type Move, NODES, type Simulation } from './simulation.ts';

/** Every target that is not an abort. */
export const ORDERS = TARGETS.filter((target): target is OrderTarget => !target.startsWith('abort'));
const ABORTS = TARGETS.filter((target) => target.startsWith('abort'));

type GivenOrder = Pick<Order, 'node' | 'target' | 'requestId' | 'onTimeout' | 'timeoutMs'>;

/** Those who order power states. */
export class PowerOrders {
  readonly #simulation: Simulation;
  #last: GivenOrder | null = null;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get #world() {
    return this.#simulation.world;
  }

  get #chance() {
    return this.#simulation.chance;
  }

  moves(): Move[] {
    return [
      [10, () => this.#order(this.#chance.pick(ORDERS))],
      [8, () => this.#order(this.#chance.pick(['soft power off', 'soft rebooting', 'inject nmi'] as const))],
      [4, () => this.#order('power on')],
      [12, () => this.#abort()],
      [2, () => this.#order(this.#chance.pick(ABORTS))],
      [6, () => this.#abortLate()],
      [5, () => this.#strikeInFlight()],
      [2, () => this.#withdraw()],
      [2, () => this.#repeat()],
      [3, () => this.#orderBesideFailures()],
    ];
  }

  /**
   * Gives an order; a refusal, or the death of the conductor meanwhile, is an answer too. Its reason tells its tasks from all others,
   * whatever becomes of its request_id.
   * @param again an order that was given before
   */
  async #order(target: Target, node = this.#chance.pick(NODES), again: GivenOrder | null = null): Promise<void> {
    const requestId = again?.requestId ?? (await this.#simulation.requestId());
    const onTimeout = this.#chance.happens(0.3) && target.startsWith('soft') ? ('FORCE' as const) : ('FAIL' as const);
    const timeoutMs = target.startsWith('abort') ? null : this.#chance.pick([null, 5000, 40_000]);
    const given = again ?? { node, target, requestId, onTimeout, timeoutMs };
    this.#last = given;
    await this.#world.order(node, target, { ...given, reason: requestId }).then(
      ({ uuid }) => this.#simulation.accepted.push(uuid),
      () => {},
    );
  }

  /** The worst moment: an order that must not be sent twice is on its way to a slow BMC, and a process dies. */
  async #strikeInFlight(): Promise<void> {
    const node = this.#chance.pick(NODES);
    const server = this.#world.hardware.get(node);
    if (!server) return;
    server.settings = { ...server.settings, fake_answer_ms: 1500, fake_fault: 'none' };
    await this.#order(
      this.#chance.pick(['soft power off', 'soft rebooting', 'inject nmi', 'rebooting'] as const),
      node,
    );
    await this.#world.clock.turn(this.#chance.between(0, 7000));
    const victims = this.#chance.pick(['conductor', 'agents', 'both'] as const);
    if (victims !== 'conductor') await this.#simulation.killAgents();
    if (victims !== 'agents') await this.#world.killConductor();
    await this.#simulation.restartTheDead();
    if (victims !== 'conductor') await this.#simulation.startAgent();
    if (this.#chance.happens(0.3)) await this.#abort();
    await this.#world.clock.turn(this.#chance.pick([1000, 40_000]));
  }

  /** Aborts what holds a node, as someone who watches it would. */
  async #abort(): Promise<void> {
    const held = await this.#world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
    const task = held.length > 0 ? this.#chance.pick(held) : null;
    const target = task && abortTargetOf(task.target);
    if (target) await this.#order(target, task.node_name);
  }

  /** Aborts what was given up on a node that may still change. */
  async #abortLate(): Promise<void> {
    const rows = await this.#world.database
      .read('power_tasks')
      .whereNotNull('may_change_until')
      .whereNotNull('sending_at');
    const task = rows.length > 0 ? this.#chance.pick(rows.slice(-4)) : null;
    const target = task && abortTargetOf(task.target);
    if (target) await this.#order(target, task.node_name);
  }

  /** The client did not hear an answer and asks again, with the same request_id: perhaps another conductor. */
  async #repeat(): Promise<void> {
    if (this.#last) await this.#order(this.#last.target, this.#last.node, this.#last);
  }

  /** Orders that share a commit with writes that change their nodes, and fail: nothing of those may be left. */
  async #orderBesideFailures(): Promise<void> {
    const { database } = this.#world.conductor.store;
    const failing = NODES.map((name) =>
      database.write(async (transaction) => {
        const node = await getNode(name, transaction.sql);
        await saveNode(node, { labels: { changed: 'in vain' }, fence: node.fence + 7 }, transaction);
        throw new Error('this write fails');
      }),
    );
    const orders = [NODES[0], NODES[2]].map((node) => this.#order(this.#chance.pick(ORDERS), node));
    await Promise.all([...orders, this.#world.finish(Promise.allSettled(failing))]);
  }

  async #withdraw(): Promise<void> {
    const row = await this.#world.database.read('power_tasks').where('state', 'QUEUED').first('uuid');
    // Meanwhile the conductor may have died.
    if (row && this.#world.conductorAlive)
      await withdrawOrder(row.uuid, 'simulated', this.#world.conductor.orders).catch(() => {});
  }
}
