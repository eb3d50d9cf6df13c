/** What must be true of the plans of a simulated world, whatever happened. */
import { expandRange } from '../../src/core/ranges.ts';
import type { Database } from '../../src/server/store/database.ts';
import {
  type ActionPlanRow,
  type ActionRow,
  type AuditRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
} from '../../src/server/store/plan_rows.ts';
import { EVERY_NODE } from '../../src/server/store/plans.ts';
import { type PowerTaskRow, powerTaskCodec } from '../../src/server/store/rows.ts';
import type { World } from '../world/world.ts';
import { checkAudits } from './audit_invariants.ts';
import type { AuditOrders } from './audit_orders.ts';
import { decodedOnce } from './decoded.ts';
import { insist } from './insist.ts';
import { checkEnds } from './plan_ends.ts';
import type { PlanOrders } from './plan_orders.ts';
import { type ActionFacts, type PlanFacts, Replay } from './plan_replay.ts';
import { checkStaleness } from './plan_staleness.ts';
import { checkLinks, checkUndoing } from './rollback_invariants.ts';
import type { RollbackOrders } from './rollback_orders.ts';
import type { RollbackWitness } from './rollback_witness.ts';
import type { Witness } from './witness.ts';

/** What the rows say. */
export interface PlanRows {
  readonly audits: readonly AuditRow[];
  readonly plans: readonly ActionPlanRow[];
  readonly actions: readonly ActionRow[];
  readonly tasks: readonly PowerTaskRow[];
}

/** Reads all audits, plans, actions and power tasks. */
export async function readPlanRows({ read }: Pick<Database, 'read'>): Promise<PlanRows> {
  return {
    audits: (await read('audits')).map(decodedOnce(read, auditCodec)),
    plans: (await read('action_plans').orderBy('created_at')).map(decodedOnce(read, actionPlanCodec)),
    actions: (await read('actions').orderBy(['plan_uuid', 'position'])).map(decodedOnce(read, actionCodec)),
    tasks: (await read('power_tasks')).map(decodedOnce(read, powerTaskCodec)),
  };
}

/** Those who order rollbacks, and who looks at what comes of it. */
export interface RollbackParts {
  readonly orders: RollbackOrders;
  readonly witness: RollbackWitness;
}

const RUNNING = ['ONGOING', 'CANCELLING'];
/** The engine itself watches for plans that leave the queue; the log watches tasks, plans, audits and nodes. */
const OWN_WATCHERS = 1 + 4;

/** Checks the plans of one world. */
export class PlanChecks {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #orders: PlanOrders;
  readonly #audits: AuditOrders;
  readonly #rollbacks: RollbackParts;
  readonly #replay = new Replay();
  readonly #plans = new Map<string, PlanFacts>();
  readonly #actions = new Map<string, ActionFacts>();
  readonly #startOrders = new Map<string, number>();
  /** What plan_nodes has of each plan that is not at rest. */
  readonly #reserved = new Map<string, ReadonlySet<string>>();
  /** Every node, by name. */
  readonly #nodes = new Map<string, string>();

  constructor(world: World, witness: Witness, orders: PlanOrders, audits: AuditOrders, rollbacks: RollbackParts) {
    this.#world = world;
    this.#witness = witness;
    this.#orders = orders;
    this.#audits = audits;
    this.#rollbacks = rollbacks;
  }

  /** After every step, when nothing is left that goes on by itself. */
  async always(): Promise<PlanRows> {
    const rows = await this.#readRows();
    this.#learn(rows);
    await this.#replay.goOn({ plans: this.#plans, actions: this.#actions }, this.#world);
    this.#checkStates(rows);
    checkAudits(rows, this.#audits.created, this.#world);
    this.#checkProgress(rows);
    await checkStaleness(rows.plans, this.#world);
    await this.#checkNodes(rows);
    checkLinks(rows);
    const [wrong] = [...this.#witness.wrong, ...this.#rollbacks.witness.wrong, ...this.#orders.wrongAnswers];
    insist(wrong === undefined, `${wrong}`);
    return rows;
  }

  /** When every plan that was started has had its time. */
  async atPeace(): Promise<PlanRows> {
    const rows = await this.always();
    for (const { name, state } of rows.plans)
      insist(!['PENDING', ...RUNNING].includes(state), `${name} is still ${state}`);
    this.#checkPromises();
    checkCancels(this.#replay);
    checkEnds(rows, this.#witness, this.#world.clock.set.backMs === 0);
    checkUndoing(rows, this.#orders, this.#rollbacks.orders);
    this.#rollbacks.witness.check(rows);
    const { plans, orders } = this.#world.conductor;
    insist(plans.size === 0, `${plans.size} runs are left in the engine`);
    const { size } = orders.store.database.feed;
    insist(size === OWN_WATCHERS, `${size} watchers are at the feed`);
    return rows;
  }

  async #readRows(): Promise<PlanRows> {
    for (const { uuid, name } of await this.#world.database.read('nodes').select('uuid', 'name'))
      this.#nodes.set(name, uuid);
    return readPlanRows(this.#world.database);
  }

  #learn({ audits, plans, actions }: PlanRows): void {
    const byUuid = new Map(audits.map((audit) => [audit.uuid, audit]));
    for (const plan of plans) {
      this.#startOrders.set(plan.uuid, plan.startOrder ?? Number.POSITIVE_INFINITY);
      if (!this.#plans.has(plan.uuid)) this.#learnPlan(plan, byUuid.get(plan.auditUuid), actions);
    }
  }

  /** The nodes of an audit's scope; null if its plans are about the nodes of their actions. */
  #scopeOf({ scope, everyNode }: AuditRow): ReadonlySet<string> | null {
    if (scope.length === 0) return everyNode ? new Set([EVERY_NODE, ...this.#nodes.values()]) : null;
    const [{ baremetal }] = scope as [{ baremetal: [{ nodes: string[] }] }];
    const names = baremetal[0].nodes.flatMap(expandRange);
    return new Set(names.map((name) => this.#nodes.get(name) ?? name));
  }

  #learnPlan(row: ActionPlanRow, audit: AuditRow | undefined, all: readonly ActionRow[]): void {
    const { uuid, name, maxParallel, canary, onFailure, rollbackOf } = row;
    const own = all.filter(({ planUuid }) => planUuid === uuid);
    const named = new Set(own.map(({ nodeUuid }) => nodeUuid).filter((node) => node !== null));
    const nodes = (audit && this.#scopeOf(audit)) ?? named;
    this.#reserved.set(uuid, nodes.has(EVERY_NODE) ? new Set([EVERY_NODE, ...named]) : nodes);
    const startOrder = (): number => this.#startOrders.get(uuid) ?? 0;
    const actions = own.map((action) => action.uuid);
    const rules = { maxParallel, canary, onFailure, rollbackOf };
    const plan: PlanFacts = { uuid, name, ...rules, actions, nodes, startOrder };
    this.#plans.set(uuid, plan);
    for (const action of own) this.#actions.set(action.uuid, { ...action, plan });
  }

  /** The notifications leave everything in the state that its row says. */
  #checkStates({ audits, plans, actions }: PlanRows): void {
    checkReplayed([...audits, ...plans, ...actions], this.#replay);
  }

  /** Nothing waits for a poll: what can go on has gone on, and nothing outlives its time. */
  #checkProgress({ plans, actions }: PlanRows): void {
    if (this.#world.conductorProcess.recovers) return;
    // As the wall clock may have been set forward since, this is the least that has really passed.
    const now = this.#world.clock.now() - this.#world.clock.set.forwardMs;
    const since = this.#world.conductorSince;
    const { cancelDeadlineMs } = this.#world.limits;
    for (const { uuid, name, state, cancelDeadlineAt } of plans) {
      const plan = this.#plans.get(uuid) as PlanFacts;
      if (state === 'PENDING') insist(this.#waits(plan), `${name} is PENDING and waits for no other plan`);
      if (!RUNNING.includes(state)) continue;
      insist(this.#replay.count(plan, RUNNING) > 0, `${name} is ${state} and nothing of it runs`);
      if (state === 'ONGOING') continue;
      const [pending, ongoing] = [this.#replay.count(plan, ['PENDING']), this.#replay.count(plan, ['ONGOING'])];
      insist(pending + ongoing === 0, `${name} is CANCELLING, but ${pending} actions wait and ${ongoing} run`);
      const until = Math.max(cancelDeadlineAt ?? 0, since);
      insist(now <= until, `${name} is CANCELLING after its cancel_deadline`);
    }
    for (const { name, state, startedAt, timeoutMs, planUuid } of actions) {
      const until = Math.max((startedAt ?? 0) + timeoutMs, since) + cancelDeadlineMs;
      const plan = this.#plans.get(planUuid)?.name;
      if (RUNNING.includes(state)) insist(now <= until, `${name} of ${plan} outlives its timeout`);
    }
  }

  #waits(plan: PlanFacts): boolean {
    return [...this.#plans.values()].some((other) => {
      if (other === plan || ![...other.nodes].some((node) => plan.nodes.has(node))) return false;
      const state = this.#replay.stateOf(other.uuid);
      return RUNNING.includes(state) || (state === 'PENDING' && other.startOrder() < plan.startOrder());
    });
  }

  /** Nodes are reserved for as long as a plan is not at rest. */
  async #checkNodes({ plans }: PlanRows): Promise<void> {
    const rows: { plan_uuid: string; node_uuid: string }[] = await this.#world.database.read('plan_nodes');
    for (const { uuid, name, state } of plans) {
      const kept = rows.filter((row) => row.plan_uuid === uuid).map((row) => row.node_uuid);
      const isOver = !['RECOMMENDED', 'PENDING', ...RUNNING].includes(state);
      const wanted = isOver ? new Set() : this.#reserved.get(uuid);
      const same = kept.length === wanted?.size && kept.every((node) => wanted.has(node));
      insist(same, `${name} is ${state} and is about ${kept.length} nodes instead of ${wanted?.size}`);
    }
  }

  /** What an answer has promised is kept, whatever has died since. */
  #checkPromises(): void {
    const { created, started, cancelled } = this.#orders.promised;
    for (const uuid of created) insist(this.#plans.has(uuid), `plan ${uuid} was created, and that is lost`);
    for (const uuid of started)
      insist(this.#startOrders.get(uuid) !== Number.POSITIVE_INFINITY, `plan ${uuid} was started, and that is lost`);
    for (const uuid of cancelled)
      insist(this.#replay.told.get(uuid)?.cancelStarts === 1, `plan ${uuid} was cancelled, and that is lost`);
  }
}

/** The notifications leave each of these in the state that its row says, and tell of nothing else. */
export function checkReplayed(
  rows: readonly { readonly uuid: string; readonly state: string }[],
  replay: Replay,
): void {
  for (const { uuid, state } of rows) {
    const told = replay.stateOf(uuid);
    insist(told === state, `the notifications leave ${uuid} ${told}, the row says ${state}`);
  }
  insist(replay.told.size === rows.length, `${replay.told.size} things were told of, there are ${rows.length}`);
}

/** Each cancel that was told has ended once. */
export function checkCancels({ told }: Replay): void {
  for (const [uuid, { kind, cancelStarts: starts, cancelEnds: ends }] of told)
    insist(starts === ends && starts <= 1, `of ${kind} ${uuid} ${starts} cancel.start and ${ends} ends were told`);
}
