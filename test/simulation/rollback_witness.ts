/**
 * Hears every commit and looks at the hardware as rollbacks end: where no other order had a hand in it, each node is what the
 * before-images say.
 */
import type { OnOff } from '../../src/core/power.ts';
import type { ActionPlanRow, ActionRow } from '../../src/server/store/plan_rows.ts';
import { actionOf } from '../../src/server/store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';
import type { PlanRows } from './plan_invariants.ts';
import type { PlanOrders } from './plan_orders.ts';
import type { RollbackOrders } from './rollback_orders.ts';
import { dependsOn } from './rollback_replay.ts';

/** One node at one moment. */
interface Seen {
  readonly uuid: string;
  readonly name: string;
  readonly maintenance: string;
  /** What the server is, or will be when what it is about to do by itself is done. */
  readonly becomes: OnOff | undefined;
  /** It is about to change by itself. */
  readonly moves: boolean;
}

/** The nodes as a plan was launched and as it ended. */
interface Look {
  readonly at: number;
  readonly nodes: ReadonlyMap<string, Seen>;
}

/** Who sees what rollbacks leave behind. */
export class RollbackWitness {
  /** How many nodes were found to be what they were before. */
  found = 0;
  /** What was seen that must not be. */
  readonly wrong: string[] = [];
  readonly #world: World;
  readonly #orders: PlanOrders;
  readonly #rollbacks: RollbackOrders;
  readonly #nodes = new Map<string, NodeRow>();
  readonly #launches = new Map<string, Look>();
  readonly #ends = new Map<string, Look>();
  /** The last rollback of each plan. */
  readonly #linked = new Map<string, string>();
  /** The plans that end in the commit that is being told. */
  readonly #ending = new Set<string>();
  /** What each rollback is called, and whether it was made in the commit that ended its plan. */
  readonly #made = new Map<string, { readonly what: string; readonly inItsEnd: boolean }>();

  constructor(world: World, orders: PlanOrders, rollbacks: RollbackOrders) {
    this.#world = world;
    this.#orders = orders;
    this.#rollbacks = rollbacks;
  }

  hearNode(node: NodeRow): void {
    this.#nodes.set(node.uuid, node);
  }

  /** Everything of one commit is told in one go. */
  hearPlan(plan: ActionPlanRow): void {
    const { uuid, state, rolledBackBy } = plan;
    if (state === 'ONGOING' && !this.#launches.has(uuid)) this.#launches.set(uuid, this.#look());
    const ended = ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(state);
    if (ended && !this.#ends.has(uuid)) {
      this.#ends.set(uuid, this.#look());
      this.#ending.add(uuid);
      queueMicrotask(() => this.#ending.delete(uuid));
    }
    if (rolledBackBy === null || this.#linked.get(uuid) === rolledBackBy) return;
    this.#linked.set(uuid, rolledBackBy);
    const inItsEnd = this.#ending.has(uuid);
    queueMicrotask(() => this.#wasMade(plan, rolledBackBy, inItsEnd));
  }

  /** The commit that has made a rollback was told to its end: it must have been launched in it. */
  #wasMade({ name, uuid }: ActionPlanRow, rollback: string, inItsEnd: boolean): void {
    const what = `the rollback ${rollback} of ${name} ${uuid}`;
    if (!this.#launches.has(rollback)) this.wrong.push(`${what} was not launched as it was made`);
    this.#made.set(rollback, { what, inItsEnd });
  }

  #look(): Look {
    const { clock } = this.#world;
    return { at: clock.now(), nodes: new Map([...this.#nodes].map(([uuid, node]) => [uuid, this.#see(node)])) };
  }

  #see({ uuid, name, maintenance, maintenanceReason }: NodeRow): Seen {
    const server = this.#world.hardware.get(name);
    const pending = server?.pending;
    const moves = pending != null && Number.isFinite(pending.endsAt);
    const after = pending?.target === 'soft power off' ? ('power off' as const) : ('power on' as const);
    return {
      uuid,
      name,
      maintenance: maintenance ? `on ${maintenanceReason}` : 'off',
      becomes: moves ? after : server?.powerState,
      moves: moves && this.#world.clock.monotonic() < pending.endsAt,
    };
  }

  /** Checks every rollback that has succeeded, at the end of a simulation. */
  check(rows: PlanRows): void {
    const actions = Map.groupBy(rows.actions, ({ planUuid }) => planUuid);
    const graph = new Map(rows.actions.map((action) => [action.uuid, action]));
    for (const rollback of rows.plans) {
      if (rollback.rollbackOf === null) continue;
      const made = this.#made.get(rollback.uuid);
      const wasOrdered = this.#rollbacks.given.has(rollback.requestId);
      insist(wasOrdered || made?.inItsEnd, `${made?.what} was made after the end of the plan`);
      const [before, after] = [this.#launches.get(rollback.rollbackOf), this.#ends.get(rollback.uuid)];
      const succeeded = [rollback.state, rollback.previousState].includes('SUCCEEDED');
      if (!succeeded || !before || !after) continue;
      const undone = actions.get(rollback.rollbackOf) ?? [];
      const span = { rows, own: new Set([...undone, ...(actions.get(rollback.uuid) ?? [])]), before, after, graph };
      for (const node of after.nodes.values()) {
        const about = undone.filter(({ nodeUuid }) => nodeUuid === node.uuid);
        this.#checkPower(node, about, span, rollback);
        this.#checkMaintenance(node, about, span, rollback);
      }
    }
  }

  #checkPower(node: Seen, about: readonly ActionRow[], span: Span, { name, uuid }: ActionPlanRow): void {
    const sent = about.filter(({ actionType, beforeImage }) => beforeImage && actionType === 'change_node_power_state');
    const first = firstOf(sent, span);
    if (!first || span.before.nodes.get(node.uuid)?.moves || this.#othersOrdered(node, span)) return;
    if (this.#wasLiedTo(node, sent, span)) return;
    const wanted = first.beforeImage?.power_state;
    insist(node.becomes === wanted, `${name} ${uuid} leaves ${node.name} ${node.becomes}, it was ${wanted}`);
    this.found += 1;
  }

  #checkMaintenance(node: Seen, about: readonly ActionRow[], span: Span, { name, uuid }: ActionPlanRow): void {
    const set = about.filter(({ actionType, beforeImage }) => beforeImage && actionType === 'set_node_maintenance');
    const first = firstOf(set, span);
    if (!first || this.#othersSet(node, span)) return;
    const { maintenance, maintenance_reason: reason } = first.beforeImage ?? {};
    const wanted = maintenance ? `on ${reason}` : 'off';
    insist(node.maintenance === wanted, `${name} ${uuid} leaves ${node.name} ${node.maintenance}, it was ${wanted}`);
    this.found += 1;
  }

  /** The hardware says that it has taken the order back, and goes down later all the same: that cannot be seen. */
  #wasLiedTo({ name }: Seen, sent: readonly ActionRow[], { rows }: Span): boolean {
    const recalled = ({ actionUuid, abortOutcome }: PowerTaskRow): boolean =>
      abortOutcome === 'RECALLED' && sent.some(({ uuid }) => uuid === actionUuid);
    return this.#world.hardware.get(name)?.settings.fake_recall === 'late' && rows.tasks.some(recalled);
  }

  /** Then no time says what came before what. */
  get #clockWasSet(): boolean {
    const { forwardMs, backMs } = this.#world.clock.set;
    return forwardMs + backMs > 0;
  }

  /** Another client gave the node an order meanwhile, or one from before was not over yet. */
  #othersOrdered({ uuid }: Seen, { rows, own, before, after }: Span): boolean {
    if (this.#clockWasSet) return true;
    const ours = new Set([...own].map((action) => action.uuid));
    const isOther = (task: PowerTaskRow): boolean => {
      const { nodeUuid, createdAt, endedAt, mayChangeUntil } = task;
      if (nodeUuid !== uuid || ours.has(actionOf(task) ?? '') || createdAt > after.at) return false;
      return Math.max(endedAt ?? Number.POSITIVE_INFINITY, mayChangeUntil ?? 0) >= before.at;
    };
    return rows.tasks.some(isOther);
  }

  #othersSet({ uuid, name }: Seen, { rows, own, before, after }: Span): boolean {
    if (this.#clockWasSet) return true;
    const meanwhile = (at: number): boolean => before.at <= at && at <= after.at;
    const byHand = this.#orders.hands.some(({ node, at }) => node === name && meanwhile(at));
    const isOther = (action: ActionRow): boolean =>
      !own.has(action) && action.nodeUuid === uuid && action.beforeImage !== null && meanwhile(action.startedAt ?? 0);
    return byHand || rows.actions.some((action) => action.actionType === 'set_node_maintenance' && isOther(action));
  }
}

/** From the launch of a plan to the end of its rollback. */
interface Span {
  readonly rows: PlanRows;
  readonly own: ReadonlySet<ActionRow>;
  readonly before: Look;
  readonly after: Look;
  readonly graph: ReadonlyMap<string, ActionRow>;
}

/** The first of actions that come one after another; undefined where some are side by side: then it is unknown. */
function firstOf(actions: readonly ActionRow[], { graph }: Span): ActionRow | undefined {
  const inOrder = actions.toSorted((one, other) => one.rank - other.rank);
  const inOneLine = inOrder.every(({ uuid }, at) => at === 0 || dependsOn(uuid, inOrder[at - 1]?.uuid ?? '', graph));
  return inOneLine ? inOrder[0] : undefined;
}
