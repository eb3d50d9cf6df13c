/**
 * Keeps every unsettled power task going, in turns: a turn takes all that has come since the last one (orders, aborts, reports of
 * agents, deadlines), decides each by `order_step.ts` or `turn.ts`, writes all of it in one transaction, and then sends what follows.
 * Orders and aborts are written first, and each task has one input in a turn: no leave to send is given after an abort is committed. All of it can be
 * done again from the rows after a crash.
 */
import { othersFirst } from '../../core/clock.ts';
import { asCountermandError, CountermandError } from '../../core/errors.ts';
import type { NodeTraits, OrderTarget, Reading } from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import { isAtRest } from '../../core/states.ts';
import { PowerTaskPhase } from '../../gen/countermand/v1/power.ts';
import type { Attachment, Attachments } from '../agents/attachments.ts';
import { toTarget } from '../agents/wire.ts';
import type { Log } from '../log.ts';
import { mayStillChange } from '../nodes/windows.ts';
import { noteReadAgain } from '../nodes/write.ts';
import type { Transaction } from '../store/database.ts';
import { findDriversOf } from '../store/drivers.ts';
import { findNodesByUuid } from '../store/nodes.ts';
import { type GivenOrders, listUnsettled } from '../store/power_tasks.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { endAbort } from './aborts.ts';
import { Alarms } from './alarms.ts';
import type { LastLook } from './decide.ts';
import type { Freezes } from './freezes.ts';
import { type Come, Inbox } from './inbox.ts';
import { lastReadingOf } from './known.ts';
import { endRecall } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import { aboutOf, nextOfOrder, type WaitingOrder } from './order_step.ts';
import { type Given, writeOrder } from './order_write.ts';
import { noteNodeProblem } from './problems.ts';
import { type Outcome, writeTogether } from './together.ts';
import { findTasksAndNodes, handOver, type TaskAndNode, transition } from './transition.ts';
import { type Around, mayChangeModel, nextDeadline, type Step, stepOf, type Write } from './turn.ts';
import { firstOfEach, keyTextOf, lookBeforeTurn } from './turn_rows.ts';
import { traceTurn, type Written } from './turn_trace.ts';
import { workOf } from './work.ts';

/** What the keeper works with. */
interface KeeperParts {
  readonly store: Store;
  readonly attachments: Attachments;
  readonly limits: Limits;
  readonly freezes: Freezes;
  /** After a start, a deadline that passed meanwhile waits this long for an agent to read the hardware. */
  readonly recoveryGraceMs: number;
  readonly log: Log;
  /** Reads a node once, through its agent. It resolves in any case, soon after the shutdown too. */
  readonly look: (node: NodeRow) => Promise<LastLook>;
  /** Told of each task that has come to rest, with its node as it then was. */
  readonly atRest: (task: PowerTaskRow, node: NodeRow) => void;
}

/** An order that waits for its turn. */
interface Waiting {
  readonly order: WaitingOrder;
  readonly resolve: (given: Given) => void;
  readonly reject: (error: unknown) => void;
}

/** An input with the rows that its step was decided on. */
interface Planned extends Come {
  readonly at: TaskAndNode | null;
  readonly step: Step;
}

/** Of a node whose driver nothing is known of. */
const NO_TRAITS: NodeTraits = { recalls: [], softRebootInOneCommand: false };
/** After a failure of ours a task is taken up again after this time. */
const LOOK_AGAIN_MS = 1000;
/** At most this many orders, and as many inputs, in one turn. */
const TURN_LIMIT = 256;

/** Keeps the unsettled power tasks of one conductor. */
export class Keeper {
  readonly #parts: KeeperParts;
  #orders: Waiting[] = [];
  readonly #inbox = new Inbox();
  #turning = false;
  readonly #alarms: Alarms;
  /** The newest reading that an agent has told of each task: most of them change nothing in the rows. */
  readonly #lastReadings = new Map<string, Reading>();
  #stopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#alarms = new Alarms(parts.store, (uuid, kind) => this.#take({ uuid, input: { kind }, from: null }));
  }

  /** True while a turn is under way. */
  get busy(): boolean {
    return this.#turning;
  }

  /**
   * Takes up every unsettled task of an earlier process. Agents that attach are then given theirs.
   * @returns how many there are
   */
  async recover(): Promise<number> {
    const { store, recoveryGraceMs } = this.#parts;
    const tasks = await listUnsettled(store.database.read);
    for (const task of tasks) this.#alarms.giveGrace(task, recoveryGraceMs);
    return tasks.length;
  }

  /** Stops all timers and takes up nothing more. The rows are carried on with after the next start. */
  stop(): void {
    this.#stopped = true;
    this.#inbox.clear();
    this.#alarms.stop();
  }

  /**
   * Takes an order, an abort or a withdrawal, which is written in the next turn, before anything else of that turn; its agent is then told
   * of what has changed. Resolves when that is durable.
   * @throws what refuses it; then nothing of it was written
   */
  order(order: WaitingOrder): Promise<Given> {
    return new Promise((resolve, reject) => {
      this.#orders.push({ order, resolve, reject });
      this.#wake();
    });
  }

  /** An agent has reported on a task. */
  reported(report: Report, attachment: Attachment): void {
    const { agentUuid } = attachment.hello;
    this.#take({ uuid: report.taskUuid, input: { kind: 'report', report, agentUuid }, from: attachment });
  }

  /** Takes up every unsettled task whose node fits: an attached agent can serve it and does not have it. */
  async handOut(fits: (node: NodeRow) => boolean): Promise<void> {
    const { read } = this.#parts.store.database;
    const tasks = await listUnsettled(read);
    const nodes = await findNodesByUuid([...new Set(tasks.map(({ nodeUuid }) => nodeUuid))], read);
    for (const { uuid, nodeUuid } of tasks) {
      const node = nodes.get(nodeUuid);
      if (node && fits(node)) this.#look(uuid);
    }
  }

  #look(uuid: string): void {
    this.#take({ uuid, input: { kind: 'look' }, from: null });
  }

  #take(come: Come): void {
    if (this.#stopped) return;
    this.#inbox.add(come);
    this.#wake();
  }

  #wake(): void {
    if (this.#turning) return;
    this.#turning = true;
    void this.#turns();
  }

  /** Never rejects. */
  async #turns(): Promise<void> {
    while (this.#orders.length > 0 || this.#inbox.size > 0) {
      // Reports that come at the same moment are taken in the same turn; an order waits for none.
      if (this.#orders.length === 0) await othersFirst();
      const orders = this.#takeOrders();
      const come = this.#inbox.take(TURN_LIMIT);
      try {
        await this.#turn(orders, come);
      } catch (error) {
        for (const { reject } of orders) reject(error);
        for (const each of come) this.#failed(each, error);
      }
    }
    this.#turning = false;
  }

  /** The first orders. One that repeats another waits for the next turn, which finds that. */
  #takeOrders(): Waiting[] {
    const [taken, left] = firstOfEach(this.#orders, ({ order }) => keyTextOf(aboutOf(order)), TURN_LIMIT);
    this.#orders = left;
    return taken;
  }

  async #turn(orders: readonly Waiting[], come: readonly Come[]): Promise<void> {
    const begun = this.#parts.store.clock.monotonic();
    const planned = await this.#plan(come);
    const writing = planned.filter(({ step }) => step.write !== null);
    const about = orders.map(({ order }) => aboutOf(order)).filter((each) => each !== null);
    const at = writing.map((each) => each.at as TaskAndNode);
    const changed = writing.filter(({ step }) => mayChangeModel(step)).map((each) => each.at?.node.uuid ?? '');
    const turn = { orders: about, at, changed };
    const look = (tx: Transaction | null) => lookBeforeTurn(turn, tx, this.#parts.store.database);
    const members = [
      ...orders.map(
        ({ order }) =>
          (tx: Transaction, given: GivenOrders) =>
            writeOrder(order, given, tx, this.#parts),
      ),
      ...writing.map(
        ({ at, step }) =>
          (tx: Transaction) =>
            this.#write(at as TaskAndNode, step.write as Write, tx),
      ),
    ];
    const outcomes = await writeTogether<unknown, GivenOrders>(members, this.#parts.store.database, look);
    traceTurn(begun, [...orders, ...writing], outcomes as readonly Outcome<Written>[], this.#parts.store);
    const ordered = new Set(orders.map((order, at) => this.#answer(order, outcomes[at] as Outcome<Given>)));
    const written = new Map(writing.map((each, at) => [each, outcomes[orders.length + at]] as const));
    for (const each of planned) {
      const outcome = written.get(each) as Outcome<TaskAndNode | null> | undefined;
      // What an order of this turn has changed is decided again: a step that does not write the task knows only what it was.
      const isOvertaken = ordered.has(each.uuid) && !(outcome && 'error' in outcome);
      this.#follow(each, isOvertaken ? { value: null } : outcome);
    }
  }

  /** The steps of a turn, each decided on its rows, which are read once. */
  async #plan(come: readonly Come[]): Promise<Planned[]> {
    const { store } = this.#parts;
    const { read } = store.database;
    const rows = await findTasksAndNodes(
      come.map(({ uuid }) => uuid),
      read,
    );
    const drivers = await findDriversOf(
      [...rows.values()].map(({ node }) => node),
      read,
    );
    return come.map((each) => {
      const at = rows.get(each.uuid) ?? null;
      const step = stepOf(each.input, at, this.#around(at, drivers));
      return { ...each, at, step };
    });
  }

  #around(at: TaskAndNode | null, drivers: ReadonlyMap<string, DriverRow | null>): Around {
    const { store, limits, attachments } = this.#parts;
    const now = store.clock.now();
    const rules = { ...limits, now };
    if (at === null)
      return { ...rules, isPast: false, usual: NO_TRAITS, mayChangeUntil: null, lastReading: null, attached: null };
    const { task, node } = at;
    const owner = attachments.ownerOf(node);
    return {
      ...rules,
      isPast: store.deadlines.isPast(task.uuid, nextDeadline(task)),
      usual: drivers.get(node.uuid) ?? NO_TRAITS,
      mayChangeUntil: mayStillChange(node, store) ? node.mayChangeUntil : null,
      lastReading: this.#lastReadings.get(task.uuid) ?? lastReadingOf(at),
      attached: owner.kind === 'attached' ? owner.attachment.hello.agentUuid : null,
    };
  }

  /** Writes a step. Null: another write came first, and nothing was written. */
  async #write(at: TaskAndNode, write: Write, transaction: Transaction): Promise<TaskAndNode | null> {
    const { store, limits } = this.#parts;
    switch (write.kind) {
      case 'move':
        return transition(write.event, at, write.patch, transaction, store);
      case 'end_abort':
        return endAbort(at, write.end, limits, transaction, store);
      case 'end_recall':
        return endRecall(at, write.end, transaction, store);
      case 'hand_over':
        return handOver(at, write.agentUuid, transaction);
      case 'read_again': {
        const [node] = await noteReadAgain([{ node: at.node, readAt: write.readAt }], transaction, store);
        return node === undefined ? null : { ...at, node };
      }
      case 'problem':
        await noteNodeProblem(at.node.uuid, write.unreadable, write.last, transaction, store);
        return at;
    }
  }

  /** Answers an order. Returns the uuid of the task that it has changed, and whose agent is told; null if there is none. */
  #answer({ resolve, reject }: Waiting, outcome: Outcome<Given>): string | null {
    if ('error' in outcome) {
      reject(outcome.error);
      return null;
    }
    const { changed } = outcome.value;
    if (changed !== null && !this.#stopped) this.#ordered(changed);
    resolve(outcome.value);
    return changed?.task.uuid ?? null;
  }

  /** An order has written a task. */
  #ordered(at: TaskAndNode): void {
    const { task } = at;
    this.#alarms.set(task);
    const attached = this.#attachedTo(at);
    const next = nextOfOrder(at, attached?.hello.agentUuid ?? null);
    if (next === 'tell') this.#tell(at, attached);
    if (next === 'hand_over') this.#look(task.uuid);
    if (isAtRest(task.state)) this.#rest(at);
  }

  /** What follows from a step that was committed, or that has written nothing. */
  #follow(planned: Planned, outcome: Outcome<TaskAndNode | null> = { value: planned.at }): void {
    const { uuid, at, step, from } = planned;
    if ('error' in outcome) this.#failed(planned, outcome.error);
    else if (step.next.kind === 'forget') from?.send({ $case: 'forget', value: { taskUuid: uuid } });
    else if (outcome.value !== null) this.#done(step, outcome.value, planned);
    // Another write came first: it is decided again.
    else if (at !== null) this.#again(planned);
  }

  #done({ seen, next }: Step, now: TaskAndNode, planned: Planned): void {
    const { task } = now;
    if (seen !== null) this.#lastReadings.set(task.uuid, seen);
    if (next.kind === 'again') this.#again(planned);
    if (next.kind === 'look') this.#lookOnceMore(now);
    if (['again', 'look', 'nothing'].includes(next.kind)) return;
    // Only an agent that is there can read the hardware before a deadline counts.
    if (next.kind === 'tell') this.#alarms.giveGrace(task, this.#parts.limits.abortTimeoutMs);
    else this.#alarms.set(task);
    if (next.kind === 'tell') this.#tell(now, this.#attachedTo(now));
    if (next.kind === 'hand_over') this.#look(task.uuid);
    if (next.kind === 'go') this.#go(now, next.command, planned.from);
    if (isAtRest(task.state)) this.#rest(now);
  }

  #again({ uuid, input, from }: Come): void {
    if (!this.#stopped) this.#inbox.addAgain({ uuid, input, from });
  }

  #failed(come: Come, error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof CountermandError && error.code === 'OVERTAKEN') {
      this.#again(come);
      return;
    }
    this.#parts.log.error(
      { err: asCountermandError(error), task: come.uuid },
      'a power task could not be carried on; it is taken up again',
    );
    this.#alarms.retry(come.uuid, LOOK_AGAIN_MS);
  }

  #attachedTo({ node }: TaskAndNode): Attachment | null {
    const owner = this.#parts.attachments.ownerOf(node);
    return owner.kind === 'attached' ? owner.attachment : null;
  }

  #tell({ task, node }: TaskAndNode, attachment: Attachment | null): void {
    const isNew = task.state === 'QUEUED' && task.revision === 1;
    attachment?.send(workOf(task, node, this.#parts.limits, isNew && task.actionUuid === null));
  }

  #go({ task }: TaskAndNode, command: OrderTarget, attachment: Attachment | null): void {
    const phase = PowerTaskPhase[task.phase];
    attachment?.send({
      $case: 'go',
      value: { taskUuid: task.uuid, fence: task.fence, command: toTarget(command), phase },
    });
  }

  /** Reads the hardware a last time, beside the turns: an abort need not wait for it, and goes before what it finds. */
  #lookOnceMore({ task, node }: TaskAndNode): void {
    if (!this.#alarms.hold(task)) return;
    const { uuid, deadlineAt } = task;
    const looked = (last: LastLook): void => {
      this.#alarms.release(uuid);
      this.#take({ uuid, input: { kind: 'looked', deadlineAt, last }, from: null });
    };
    const failed = (thrown: unknown): void => looked({ reading: null, unreadable: asCountermandError(thrown) });
    this.#parts.look(node).then(looked, failed);
  }

  #rest(now: TaskAndNode): void {
    const { task, node } = now;
    this.#lastReadings.delete(task.uuid);
    this.#attachedTo(now)?.send({ $case: 'forget', value: { taskUuid: task.uuid } });
    this.#parts.atRest(task, node);
  }
}
