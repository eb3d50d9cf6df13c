/**
 * Keeps every unsettled power task going: hands it to an agent, makes of each report and each deadline the move that
 * `decide.ts` says, and tells the agent what follows. All that happens to one task happens in its lane, one thing after
 * the other; all of it can be done again from the rows after a crash.
 */

import type { Timer } from '../../core/clock.ts';
import { asCountermandError } from '../../core/errors.ts';
import { Lanes } from '../../core/lanes.ts';
import type { NodeTraits, Reading } from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import { isAtRest } from '../../core/states.ts';
import { PowerTaskPhase } from '../../gen/countermand/v1/power.ts';
import type { Attachment, Attachments } from '../agents/attachments.ts';
import { toTarget } from '../agents/wire.ts';
import type { Log } from '../log.ts';
import { problemAfter, type Unreadable } from '../nodes/problems.ts';
import { mayStillChange } from '../nodes/windows.ts';
import { orNull } from '../store/compare_and_set.ts';
import { findDriver } from '../store/drivers.ts';
import { findNode } from '../store/nodes.ts';
import { listUnsettled } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, Problem } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { AbortEnd } from './abort_end.ts';
import { endAbort } from './aborts.ts';
import { type Facts, type LastLook, type Move, onDeadline, onReport } from './decide.ts';
import { endRecall, isRecall } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import { noteNodeProblem } from './problems.ts';
import { findTaskAndNode, handOver, mayHandOver, type TaskAndNode, transition } from './transition.ts';
import { workOf } from './work.ts';

/** What the keeper works with. */
interface KeeperParts {
  readonly store: Store;
  readonly attachments: Attachments;
  readonly limits: Limits;
  /** After a start, a deadline that passed meanwhile waits so long for an agent to read the hardware. */
  readonly recoveryGraceMs: number;
  readonly log: Log;
  /** Reads a node once, through its agent. It resolves in any case, soon after the shutdown too. */
  readonly look: (node: NodeRow) => Promise<LastLook>;
  /** Told of each task that has come to rest, with its node as it then was. */
  readonly atRest: (task: PowerTaskRow, node: NodeRow) => void;
}

/** Of a node whose driver nothing is known of. */
const NO_TRAITS: NodeTraits = { recalls: [], softRebootInOneCommand: false };
/** After a failure of ours the task is looked at again so soon. */
const LOOK_AGAIN_MS = 1000;

/** Keeps the unsettled power tasks of one conductor. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #lanes = new Lanes();
  readonly #alarms = new Map<string, Timer>();
  /** Before this time, by the clock that never jumps, a passed deadline does not count: the hardware is read first. */
  readonly #grace = new Map<string, number>();
  /** The tasks whose hardware is read once more, with the deadline that has passed. */
  readonly #looking = new Map<string, number | null>();
  /** The newest reading that an agent has told of each task: most of them change nothing in the rows. */
  readonly #lastReadings = new Map<string, Reading>();
  #stopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** True while anything is being worked on. */
  get busy(): boolean {
    return this.#lanes.busy;
  }

  /** Runs `work` in the lane of a task, so that nothing else happens to that task meanwhile. */
  inLane<T>(taskUuid: string, work: () => Promise<T>): Promise<T> {
    return this.#lanes.run(taskUuid, work);
  }

  /** Takes up every unsettled task of an earlier process. Agents that attach are then given theirs. */
  async recover(): Promise<void> {
    const { store, recoveryGraceMs } = this.#parts;
    for (const task of await listUnsettled(store.database.read)) this.#giveGrace(task, recoveryGraceMs);
  }

  /** Stops all timers and handles nothing more. The rows are carried on with after the next start. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#alarms.values()) timer.cancel();
    this.#alarms.clear();
  }

  /** A task was written, handed to `attachment` by the same transaction. */
  begun(task: PowerTaskRow, node: NodeRow, attachment: Attachment): void {
    this.#setAlarm(task);
    attachment.send(workOf(task, node, this.#parts.limits, task.actionUuid === null));
  }

  /** A task was written while its agent is lost for the moment. */
  waiting(task: PowerTaskRow): void {
    this.#setAlarm(task);
  }

  /** The abort of a task was committed. Call it in the task's lane. */
  aborted(task: PowerTaskRow, node: NodeRow): void {
    this.#setAlarm(task);
    const owner = this.#parts.attachments.ownerOf(node);
    if (owner.kind === 'attached') owner.attachment.send(workOf(task, node, this.#parts.limits));
    if (isAtRest(task.state)) this.#rest(task, node);
  }

  /** The recall of an order that was given up was committed. */
  recalling(recall: PowerTaskRow): void {
    this.#setAlarm(recall);
    this.#soon(recall.uuid, () => this.#handOver(recall.uuid));
  }

  /** Hands over every unsettled task that an attached agent can serve and does not have. */
  async handOut(fits: (node: NodeRow) => boolean): Promise<void> {
    const { store } = this.#parts;
    for (const task of await listUnsettled(store.database.read)) {
      const node = await findNode(task.nodeUuid, store.database.read);
      if (node && fits(node)) this.#soon(task.uuid, () => this.#handOver(task.uuid));
    }
  }

  /** An agent has reported on a task. */
  reported(report: Report, attachment: Attachment): void {
    this.#soon(report.taskUuid, () => this.#takeReport(report, attachment));
  }

  /** Runs work in a lane, in the background; a failure of ours is logged, and the task is looked at again. */
  #soon(uuid: string, work: () => Promise<void>): void {
    if (this.#stopped) return;
    this.#lanes.run(uuid, work).catch((thrown: unknown) => {
      if (this.#stopped) return;
      this.#parts.log.error({ err: asCountermandError(thrown), task: uuid }, 'a power task could not be carried on');
      this.#alarms.get(uuid)?.cancel();
      this.#alarms.set(
        uuid,
        this.#parts.store.clock.after(LOOK_AGAIN_MS, () => this.#soon(uuid, () => this.#handOver(uuid))),
      );
    });
  }

  async #takeReport(report: Report, attachment: Attachment): Promise<void> {
    for (;;) {
      const at = await this.#find(report.taskUuid);
      if (at === null || isAtRest(at.task.state)) {
        attachment.send({ $case: 'forget', value: { taskUuid: report.taskUuid } });
        return;
      }
      // A fence can be guessed: only the agent that the node was handed to is believed.
      const isOwner = at.node.agentUuid === attachment.hello.agentUuid;
      if (report.fence !== at.task.fence || !isOwner) return this.#dismiss(at, attachment);
      if (!(await this.#decide(at, report, attachment))) return;
    }
  }

  /** Returns true if the same report is to be decided on again. */
  async #decide(at: TaskAndNode, report: Report, attachment: Attachment): Promise<boolean> {
    const { task } = at;
    if (isRecall(task)) return report.abort !== null && this.#endRecall(at, report.abort);
    if (await this.#noteReading(at, report)) return true;
    if (task.state === 'ABORTING') return report.abort !== null && this.#endAbort(at, report.abort);
    const facts = await this.#facts(at);
    const move = onReport(task, report, facts);
    const late = isIdle(move) && report.observed !== null ? onDeadline(task, facts) : move;
    return this.#carryOut(at, late, attachment);
  }

  async #find(uuid: string): Promise<TaskAndNode | null> {
    return findTaskAndNode(uuid, this.#parts.store.database.read);
  }

  /**
   * Remembers when the hardware was last read, and writes why it cannot be read any more, or that it can be again.
   * @returns true if something was written
   */
  async #noteReading(at: TaskAndNode, { before, observed, abort, unreadable }: Report): Promise<boolean> {
    const last = newestOf([before, observed, abort?.observed ?? null]);
    if (last !== null) this.#lastReadings.set(at.task.uuid, last);
    return unreadable !== null || last !== null ? this.#noteProblem(at, unreadable, last) : false;
  }

  async #noteProblem(
    { task, node }: TaskAndNode,
    unreadable: Unreadable | null,
    last: Reading | null,
  ): Promise<boolean> {
    const { store } = this.#parts;
    const now = store.clock.now();
    const isNew = (problem: Problem | null): boolean => problemAfter(problem, unreadable, now) !== problem;
    if (!isNew(task.problem) && !isNew(node.problem)) return false;
    await store.database.write((transaction) => noteNodeProblem(node.uuid, unreadable, last, transaction, store));
    return true;
  }

  /** An agent that speaks under an old fence, or of a task of another agent: if the task is another's now, it is to let go of it. */
  #dismiss({ task, node }: TaskAndNode, attachment: Attachment): void {
    const owner = this.#parts.attachments.ownerOf(node);
    if (owner.kind !== 'attached' || owner.attachment === attachment) return;
    attachment.send({ $case: 'forget', value: { taskUuid: task.uuid } });
  }

  /** Returns true if another write came first, and it is to be decided again. */
  async #endAbort(at: TaskAndNode, end: AbortEnd): Promise<boolean> {
    const { store, limits } = this.#parts;
    const ended = await orNull(store.database.write((transaction) => endAbort(at, end, limits, transaction, store)));
    if (ended) this.#rest(ended.task, ended.node);
    return ended === null;
  }

  /** Returns true if another write came first, and it is to be decided again. */
  async #endRecall(at: TaskAndNode, end: AbortEnd): Promise<boolean> {
    const { store } = this.#parts;
    const ended = await orNull(store.database.write((transaction) => endRecall(at, end, transaction, store)));
    if (ended) this.#rest(ended.task, ended.node);
    return ended === null;
  }

  /** Writes a move and does what follows it. Returns true if the same report is to be decided on again. */
  async #carryOut(at: TaskAndNode, move: Move, attachment: Attachment | null): Promise<boolean> {
    const { store } = this.#parts;
    const { event } = move;
    if (move.next === 'look') {
      this.#lookOnceMore(at);
      return false;
    }
    const moved =
      event === null ? null : await orNull(store.database.write((tx) => transition(event, at, move.patch, tx, store)));
    if (event !== null && moved === null) return true;
    const now = moved?.task ?? at.task;
    this.#setAlarm(now);
    if (move.next === 'go' && move.command && attachment) {
      const phase = PowerTaskPhase[now.phase];
      const go = { taskUuid: now.uuid, fence: now.fence, command: toTarget(move.command), phase };
      attachment.send({ $case: 'go', value: go });
    }
    if (move.next === 'start') await this.#handOver(now.uuid);
    if (moved && isAtRest(now.state)) this.#rest(now, moved.node);
    return move.next === 'again';
  }

  /** Reads the hardware a last time, outside of the lane: an abort need not wait for it, and goes before what it finds. */
  #lookOnceMore({ task: { uuid, deadlineAt }, node }: TaskAndNode): void {
    if (this.#looking.has(uuid)) return;
    this.#looking.set(uuid, deadlineAt);
    const decide = (last: LastLook): void => {
      this.#looking.delete(uuid);
      this.#soon(uuid, () => this.#decideAtLast(uuid, deadlineAt, last));
    };
    this.#parts
      .look(node)
      .then(decide, (thrown: unknown) => decide({ reading: null, unreadable: asCountermandError(thrown) }));
  }

  async #decideAtLast(uuid: string, deadlineAt: number | null, last: LastLook): Promise<void> {
    for (let again = true; again; ) {
      const at = await this.#find(uuid);
      // Meanwhile it may have ended, been aborted, or been given another deadline.
      if (at === null || isAtRest(at.task.state) || at.task.state === 'ABORTING' || at.task.deadlineAt !== deadlineAt)
        return;
      if (await this.#noteProblem(at, last.unreadable, last.reading)) continue;
      again = await this.#carryOut(at, onDeadline(at.task, await this.#facts(at), last), null);
    }
  }

  async #handOver(uuid: string): Promise<void> {
    const { store, attachments, limits } = this.#parts;
    for (;;) {
      const at = await this.#find(uuid);
      if (at === null || isAtRest(at.task.state)) return;
      const owner = attachments.ownerOf(at.node);
      if (owner.kind !== 'attached' || !mayHandOver(at)) return this.#setAlarm(at.task);
      const { attachment } = owner;
      // Only an agent that is there can read the hardware before a deadline counts.
      this.#giveGrace(at.task, limits.abortTimeoutMs);
      const handed = await orNull(store.database.write((tx) => handOver(at, attachment.hello.agentUuid, tx)));
      if (handed !== null) return attachment.send(workOf(handed.task, handed.node, limits));
    }
  }

  async #facts({ task, node }: TaskAndNode): Promise<Facts> {
    const { store, limits } = this.#parts;
    const driver = await findDriver(node, store.database.read);
    const open = mayStillChange(node, store);
    return {
      ...limits,
      now: store.clock.now(),
      isPast: store.deadlines.isPast(task.uuid, nextDeadline(task)),
      usual: driver ?? NO_TRAITS,
      mayChangeUntil: open ? node.mayChangeUntil : null,
      lastReading: this.#lastReadings.get(task.uuid) ?? lastReadingOf(task),
    };
  }

  #giveGrace(task: PowerTaskRow, graceMs: number): void {
    const until = Math.max(this.#grace.get(task.uuid) ?? 0, this.#parts.store.clock.monotonic() + graceMs);
    if (task.state !== 'QUEUED') this.#grace.set(task.uuid, until);
    this.#setAlarm(task);
  }

  /** One timer per task, at its next deadline. */
  #setAlarm(task: PowerTaskRow): void {
    this.#alarms.get(task.uuid)?.cancel();
    this.#alarms.delete(task.uuid);
    const deadlineAt = nextDeadline(task);
    const { clock, deadlines } = this.#parts.store;
    if (deadlineAt === null) {
      this.#grace.delete(task.uuid);
      this.#lastReadings.delete(task.uuid);
      deadlines.forget(task.uuid);
    }
    if (deadlineAt === null || this.#stopped || this.#looking.get(task.uuid) === deadlineAt) return;
    const graceMs = (this.#grace.get(task.uuid) ?? Number.NEGATIVE_INFINITY) - clock.monotonic();
    const delayMs = Math.max(deadlines.leftMs(task.uuid, deadlineAt), graceMs);
    this.#alarms.set(
      task.uuid,
      clock.after(delayMs, () => this.#soon(task.uuid, () => this.#deadlinePassed(task.uuid))),
    );
  }

  async #deadlinePassed(uuid: string): Promise<void> {
    const reason = `no agent answered within ${this.#parts.limits.abortTimeoutMs / 1000} s`;
    const unanswered = { outcome: 'FAILED', reason, observed: null } as const;
    for (let again = true; again; ) {
      const at = await this.#find(uuid);
      if (at === null || isAtRest(at.task.state)) return;
      if (isRecall(at.task)) again = await this.#endRecall(at, unanswered);
      else if (at.task.state === 'ABORTING') again = await this.#endAbort(at, unanswered);
      else again = await this.#carryOut(at, onDeadline(at.task, await this.#facts(at)), null);
    }
  }

  #rest(task: PowerTaskRow, node: NodeRow): void {
    this.#setAlarm(task);
    const owner = this.#parts.attachments.ownerOf(node);
    // An abort that found nothing sent has left a tombstone at the agent; all else can be forgotten.
    if (owner.kind === 'attached' && task.abortOutcome !== 'NOT_SENT') {
      owner.attachment.send({ $case: 'forget', value: { taskUuid: task.uuid } });
    }
    this.#parts.atRest(task, node);
  }
}

/** The newest of the readings of one agent. */
function newestOf(readings: readonly (Reading | null)[]): Reading | null {
  const newer = (one: Reading | null, other: Reading | null): Reading | null =>
    one === null || (other !== null && (other.readAt ?? 0) >= (one.readAt ?? 0)) ? (other ?? one) : one;
  return readings.reduce(newer, null);
}

/** The last reading that the task's row knows of. */
function lastReadingOf({ observedPowerState, observedReadAt }: PowerTaskRow): Reading | null {
  return observedPowerState && { powerState: observedPowerState, readAt: observedReadAt ?? undefined };
}

function isIdle(move: Move): boolean {
  return move.event === null && move.next === 'nothing';
}

function nextDeadline(task: PowerTaskRow): number | null {
  if (task.state === 'QUEUED') return task.startDeadlineAt;
  if (task.state === 'ABORTING' || (isRecall(task) && !isAtRest(task.state))) return task.abortDeadlineAt;
  return isAtRest(task.state) ? null : task.deadlineAt;
}
