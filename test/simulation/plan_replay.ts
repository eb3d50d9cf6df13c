/**
 * Replays the notifications from the first one and holds each against what may happen next. What it expects is written
 * down here once more, apart from the product's own table, so that a slip of that table is found.
 */
import { type EventRow, eventCodec } from '../../src/server/store/rows.ts';
import { decodedOnce } from './decoded.ts';
import { insist } from './insist.ts';
import { checkReversed, type RollbackData, RollbackReplay } from './rollback_replay.ts';
import type { SeenWorld } from './seen_world.ts';

/** What a plan is, as far as it never changes. */
export interface PlanFacts {
  readonly uuid: string;
  readonly name: string;
  readonly maxParallel: number;
  readonly canary: number;
  readonly onFailure: string;
  readonly rollbackOf: string | null;
  readonly actions: readonly string[];
  /** The nodes that it is about: of its scope if it has one, else of its actions. */
  readonly nodes: ReadonlySet<string>;
  readonly startOrder: () => number;
}

/** What an action is, as far as it never changes. */
export interface ActionFacts {
  readonly uuid: string;
  readonly name: string;
  readonly plan: PlanFacts;
  readonly parents: readonly string[];
  readonly timeoutMs: number;
  /** The action of another plan that it undoes. */
  readonly undoes: string | null;
}

/** The plans and actions that there are, by uuid. */
export interface Facts {
  readonly plans: ReadonlyMap<string, PlanFacts>;
  readonly actions: ReadonlyMap<string, ActionFacts>;
}

/** What the notifications have said of one audit, plan or action. */
export interface Told {
  readonly kind: string;
  state: string;
  /** What must be said of it before anything else. */
  awaited: string[];
  cancelStarts: number;
  cancelEnds: number;
  /** When it began, or was last moved. */
  movedAt: number;
  /** It ended FAILED because it could not be taken back. */
  abortFailed: boolean;
  /** A plan has been launched in its place: it must be SUPERSEDED next. */
  stale: boolean;
}

/** What an update from one state to another is followed by; no other update may be. */
const FOLLOWED_BY: Readonly<Record<string, readonly string[]>> = {
  'audit PENDING ONGOING': [],
  'audit ONGOING SUCCEEDED': [],
  'audit ONGOING CANCELLED': [],
  'audit ONGOING SUSPENDED': [],
  'audit SUSPENDED ONGOING': [],
  'audit SUSPENDED DELETED': ['delete'],
  'audit SUCCEEDED DELETED': ['delete'],
  'action_plan RECOMMENDED PENDING': [],
  'action_plan RECOMMENDED SUPERSEDED': [],
  'action_plan PENDING SUPERSEDED': [],
  'action_plan PENDING ONGOING': ['execution.start'],
  'action_plan ONGOING SUCCEEDED': ['execution.end'],
  'action_plan ONGOING FAILED': ['execution.error'],
  'action_plan ONGOING CANCELLING': ['cancel.start'],
  'action_plan CANCELLING CANCELLED': ['cancel.end'],
  'action_plan CANCELLING FAILED': ['cancel.error'],
  'action PENDING ONGOING': ['execution.start'],
  'action PENDING SKIPPED': [],
  'action PENDING FAILED': ['execution.error'],
  'action ONGOING SUCCEEDED': ['execution.end'],
  'action ONGOING FAILED': ['execution.error'],
  'action ONGOING CANCELLING': ['cancel.start'],
  'action CANCELLING CANCELLED': ['cancel.end'],
  'action CANCELLING SUCCEEDED': ['cancel.end'],
  'action CANCELLING FAILED': ['cancel.error'],
  'action PENDING DELETED': ['delete'],
};
/** What has ended, or was never started, may be deleted. */
const DELETABLE = ['RECOMMENDED', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED', 'SUPERSEDED'];
/** What was never started is told to be cancelled before its state moves. */
const NEVER_STARTED: Readonly<Record<string, readonly string[]>> = {
  action_plan: ['RECOMMENDED', 'PENDING'],
  action: ['PENDING'],
};

interface WatcherData {
  readonly uuid: string;
  readonly name: string;
  readonly state: string;
  readonly state_update?: { 'watcher_object.data': { old_state: string | null; state: string } };
  readonly fault?: unknown;
}

interface TaskData {
  readonly power_task?: { readonly uuid: string; readonly action_uuid: string | null };
}

/** What all notifications up to now have said. */
export class Replay {
  readonly told = new Map<string, Told>();
  readonly #rollbacks = new RollbackReplay();
  #last = 0;
  /** Another plan about one of its nodes was launched while it was not started. */
  readonly #stale = new Set<string>();

  /** Reads what was told since the last call. */
  async goOn(facts: Facts, world: SeenWorld): Promise<void> {
    const { read } = world.database;
    const rows = await read('events').where('sequence', '>', this.#last).orderBy('sequence');
    for (const event of rows.map(decodedOnce(read, eventCodec, 'sequence'))) {
      this.#last = event.sequence;
      const watcher = event.payload['watcher_object.data'] as WatcherData | undefined;
      if (watcher) this.#hear(watcher, event, facts);
      const task = (event.payload['ironic_object.data'] as TaskData | undefined)?.power_task;
      if (task && event.eventType.endsWith('.start'))
        this.#ordered(task.action_uuid, event, facts, world.clock.set.backMs);
    }
    for (const uuid of this.#stale)
      insist(
        ['SUPERSEDED', 'DELETED'].includes(this.stateOf(uuid)),
        `plan ${uuid} is stale, and ${this.stateOf(uuid)}`,
      );
    for (const [uuid, { kind, awaited, stale }] of this.told) {
      insist(awaited.length === 0, `of ${kind} ${uuid} it was never told: ${awaited.join(', ')}`);
      insist(!stale, `${kind} ${uuid} was not superseded by the launch of another`);
    }
    this.#rollbacks.atEnd();
  }

  /** The state of a plan or an action; one that was never told has none. */
  stateOf(uuid: string): string {
    return this.told.get(uuid)?.state ?? 'nowhere';
  }

  /** How many of a plan's actions are in these states. */
  count({ actions }: PlanFacts, states: readonly string[]): number {
    return actions.filter((uuid) => states.includes(this.stateOf(uuid))).length;
  }

  #hear(data: WatcherData, event: EventRow, facts: Facts): void {
    const [kind = '', ...rest] = event.eventType.split('.');
    const verb = rest.join('.');
    const what = `event ${event.sequence} ${event.eventType} of ${data.name} ${data.uuid}`;
    if (verb === 'create') this.#created(kind, data, event, what);
    const told = this.told.get(data.uuid);
    insist(told !== undefined, `${what} came before its create`);
    if (verb.startsWith('rollback.')) this.#rollbacks.hear(verb, data as unknown as RollbackData, what);
    else this.#followed(kind, verb, told, data, event, facts, what);
    insist(data.state === told.state, `${what} says ${data.state}, it is ${told.state}`);
  }

  #followed(
    kind: string,
    verb: string,
    told: Told,
    data: WatcherData,
    event: EventRow,
    facts: Facts,
    what: string,
  ): void {
    checkFault(verb, data, what);
    if (verb === 'cancel.start') told.cancelStarts += 1;
    if (verb === 'cancel.end' || verb === 'cancel.error') told.cancelEnds += 1;
    const isDrop = verb === 'cancel.start' && told.awaited.length === 0;
    if (isDrop) startDrop(told, what);
    else if (told.awaited.length > 0) insist(told.awaited.shift() === verb, `${what} came instead of another`);
    else insist(verb === 'update' || verb === 'create', `${what} came without an update`);
    if (verb === 'update') this.#updated(kind, told, data, event, facts, what);
  }

  #created(kind: string, { uuid, state }: WatcherData, { timestamp }: EventRow, what: string): void {
    insist(!this.told.has(uuid), `${what} came twice`);
    insist(state === (kind === 'action_plan' ? 'RECOMMENDED' : 'PENDING'), `${what} says ${state}`);
    const counts = { cancelStarts: 0, cancelEnds: 0, stale: false };
    this.told.set(uuid, { kind, state, awaited: [], ...counts, movedAt: timestamp, abortFailed: false });
  }

  #moved(told: Told, { state, state_update: update }: WatcherData, { timestamp }: EventRow, what: string): void {
    const old = update?.['watcher_object.data'].old_state;
    insist(old === told.state, `${what} says that it was ${old}, it was ${told.state}`);
    insist(update?.['watcher_object.data'].state === state, `${what} says two states`);
    const isDrop = told.awaited[0] === 'cancel.end';
    if (isDrop) insist(state === 'CANCELLED', `${what}: its cancel was told, and it is ${state}`);
    else told.awaited = [...followersOf(told, state, what)];
    insist(!told.stale || state === 'SUPERSEDED', `${what}: it is ${state} instead of SUPERSEDED`);
    told.stale = false;
    told.abortFailed = told.state === 'CANCELLING' && state === 'FAILED';
    told.state = state;
    told.movedAt = timestamp;
  }

  #updated(kind: string, told: Told, data: WatcherData, event: EventRow, facts: Facts, what: string): void {
    this.#moved(told, data, event, what);
    if (kind === 'action') this.#checkAction(facts.actions.get(data.uuid), told, facts, what);
    if (kind === 'action_plan') this.#checkPlan(facts.plans.get(data.uuid), told, facts, what);
  }

  /** Whether an action may have become what it has just become. */
  #checkAction(action: ActionFacts | undefined, { state }: Told, facts: Facts, what: string): void {
    insist(action !== undefined, `${what} is about an action without a row`);
    const { plan, parents } = action;
    const planState = this.stateOf(plan.uuid);
    if (state === 'CANCELLING') insist(planState === 'CANCELLING', `${what}, but its plan is ${planState}`);
    // What follows is about those that begin, or are found to have nothing to do.
    if (state !== 'ONGOING' && state !== 'SKIPPED') return;
    insist(planState === 'ONGOING', `${what}: it is ${state}, but its plan is ${planState}`);
    const waitsFor = parents.find((parent) => !['SUCCEEDED', 'SKIPPED'].includes(this.stateOf(parent)));
    insist(waitsFor === undefined, `${what}: it is ${state}, but its parent ${waitsFor} is not done`);
    checkReversed(action, facts, (uuid) => ['SUCCEEDED', 'SKIPPED'].includes(this.stateOf(uuid)), what);
    const running = this.count(plan, ['ONGOING', 'CANCELLING']);
    insist(running <= plan.maxParallel, `${what}: ${running} run, max_parallel is ${plan.maxParallel}`);
    const [done, failed] = [this.count(plan, ['SUCCEEDED', 'SKIPPED']), this.count(plan, ['FAILED'])];
    const doneBefore = state === 'SKIPPED' ? done - 1 : done;
    const begun = done + failed + running;
    const canariesSing = doneBefore >= plan.canary || begun <= plan.canary;
    insist(canariesSing, `${what}: ${begun} have begun, ${done} of ${plan.canary} canaries are done`);
    const stopped = failed > 0 && (plan.onFailure !== 'CONTINUE' || doneBefore < plan.canary);
    insist(!stopped, `${what}: it is ${state} after a failure`);
  }

  /** Whether a plan may have become what it has just become. */
  #checkPlan(plan: PlanFacts | undefined, { state, abortFailed }: Told, facts: Facts, what: string): void {
    insist(plan !== undefined, `${what} is about a plan without a row`);
    this.#rollbacks.moved(plan, state, what);
    if (state === 'ONGOING') this.#checkLaunch(plan, facts, what);
    if (state === 'SUPERSEDED')
      insist(this.count(plan, ['CANCELLED']) === plan.actions.length, `${what}: not every action is CANCELLED`);
    if (state === 'SUPERSEDED')
      insist(this.count(plan, ['CANCELLED']) === plan.actions.length, `${what}: not every action is CANCELLED`);
    if (!['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(state)) return;
    const unsettled = this.count(plan, ['PENDING', 'ONGOING', 'CANCELLING']);
    insist(unsettled === 0, `${what}: it is ${state} with ${unsettled} actions that are not at rest`);
    const abortsFailed = plan.actions.filter((uuid) => this.told.get(uuid)?.abortFailed).length;
    const failed = this.count(plan, ['FAILED']);
    if (state === 'SUCCEEDED')
      insist(this.count(plan, ['SUCCEEDED', 'SKIPPED']) === plan.actions.length, `${what}: not every action is done`);
    if (state === 'CANCELLED') insist(abortsFailed === 0, `${what}: it is CANCELLED, but an abort has failed`);
    if (state === 'FAILED' && abortFailed) insist(abortsFailed > 0, `${what}: it is FAILED, but no abort has failed`);
    if (state === 'FAILED' && !abortFailed) insist(failed > 0, `${what}: it is FAILED, but no action is`);
  }

  #checkLaunch(plan: PlanFacts, { plans }: Facts, what: string): void {
    for (const other of plans.values()) {
      if (other.uuid === plan.uuid || ![...other.nodes].some((node) => plan.nodes.has(node))) continue;
      const state = this.stateOf(other.uuid);
      insist(state !== 'ONGOING' && state !== 'CANCELLING', `${what}: it runs beside ${other.name}, which is ${state}`);
      const waitsLonger = state === 'PENDING' && other.startOrder() < plan.startOrder();
      const passes = waitsLonger && plan.rollbackOf === null;
      insist(!passes, `${what}: it was launched before ${other.name}, which was started earlier`);
      const told = this.told.get(other.uuid);
      if (told && other.rollbackOf === null) told.stale = waitsLonger || state === 'RECOMMENDED';
      if (state === 'RECOMMENDED') this.#stale.add(other.uuid);
    }
  }

  /** A power task was accepted. If it is of an action, the action must run, and its abort must have a reason. */
  #ordered(
    uuid: string | null,
    { eventType, sequence, timestamp }: EventRow,
    { actions }: Facts,
    backMs: number,
  ): void {
    if (uuid === null) return;
    const action = actions.get(uuid);
    insist(action !== undefined, `event ${sequence}: a power task names ${uuid}, which is no action`);
    const told = this.told.get(uuid) as Told;
    const plan = this.stateOf(action.plan.uuid);
    const what = `event ${sequence}: a power task of ${action.name} of ${action.plan.name}`;
    if (eventType === 'baremetal.node.power_set.start') {
      insist(plan === 'ONGOING', `${what} was ordered while the plan is ${plan}`);
      insist(told.state === 'ONGOING', `${what} was ordered while the action is ${told.state}`);
      return;
    }
    const timedOut = told.state === 'ONGOING' && timestamp + backMs >= told.movedAt + action.timeoutMs;
    insist(timedOut || plan === 'CANCELLING', `${what} was aborted for no reason: the plan is ${plan}`);
  }
}

function followersOf({ kind, state: old }: Told, state: string, what: string): readonly string[] {
  if (state === 'DELETED' && DELETABLE.includes(old)) return ['delete'];
  const followers = FOLLOWED_BY[`${kind} ${old} ${state}`];
  insist(followers !== undefined, `${what}: ${old} became ${state}, which cannot be`);
  return followers;
}

/** What went wrong is told with it, and nothing went wrong with the rest. */
function checkFault(verb: string, data: WatcherData, what: string): void {
  const wanted = verb.endsWith('.error');
  if (wanted || 'fault' in data) insist((data.fault !== null) === wanted, `${what} has ${wanted ? 'no' : 'a'} fault`);
}

/** The cancel of what was never started is told before its state moves. */
function startDrop(told: Told, what: string): void {
  insist(NEVER_STARTED[told.kind]?.includes(told.state), `${what} came for one that is ${told.state}`);
  told.awaited = ['update', 'cancel.end'];
}
