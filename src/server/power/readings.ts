/**
 * Reading the hardware beside orders: on demand, in rounds (power sync), and while a node may still change. What is found
 * is recorded and announced, never corrected: nothing here sends an order.
 */

import type { Timer } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { sleep } from '../../core/signals.ts';
import type { Attachments } from '../agents/attachments.ts';
import { announce } from '../events/announce.ts';
import { correctedAnnouncement } from '../events/notifications.ts';
import type { Log } from '../log.ts';
import { identityFound, otherServerWords } from '../nodes/identity.ts';
import type { Cause } from '../nodes/model_changes.ts';
import { isUnreadable, problemAfter, sameBmcProblem } from '../nodes/problems.ts';
import { isSharedAnew, noteSharing } from '../nodes/sharing.ts';
import { forgetWindow, mayStillChange, type Window, windowLeftMs } from '../nodes/windows.ts';
import { noteReadAgain, writeNode } from '../nodes/write.ts';
import { RETRY_MS } from '../retry.ts';
import { isAsWritten } from '../store/columns.ts';
import type { Transaction } from '../store/database.ts';
import { findNode, findNodesByUuid, listWindows } from '../store/nodes.ts';
import { lastWindowTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, Problem } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { LastLook } from './decide.ts';
import { knownFrom } from './known.ts';
import type { Limits } from './limits.ts';
import type { Asker, Seen, SharedReadings } from './shared_readings.ts';

/** What reading needs. */
export interface ReadingParts {
  readonly store: Store;
  readonly attachments: Attachments;
  readonly shared: SharedReadings;
  readonly recorder: Recorder;
  readonly limits: Limits;
  readonly log: Log;
  readonly shutdown: AbortSignal;
}

/** What came of reading one node. */
export interface ReadResult {
  /** The node as it is afterwards. */
  readonly node: NodeRow;
  readonly reading: Reading | null;
  /** Why it could not be read, or why the reading was not recorded; empty if it was. */
  readonly reason: string;
  /** The code of the error if it could not be read. */
  readonly errorCode: ErrorCode | null;
}

/** What became of each reading, for all who share it: it is recorded once. */
const told = new WeakMap<Seen, Promise<ReadResult>>();

/**
 * Reads one node now, behind the orders for its BMC, and records what was found. A failure is recorded as the node's
 * `last_error` and answered as the reason. Callers share readings: see `SharedReadings`. Rejects with the reason of the
 * abort only.
 */
export async function readNode(
  node: NodeRow,
  asker: Asker,
  parts: ReadingParts,
  signal: AbortSignal,
): Promise<ReadResult> {
  const seen = await parts.shared.read(node, asker, signal);
  const known = told.get(seen);
  if (known) return known;
  const recording = recordSeen(seen, parts);
  told.set(seen, recording);
  return recording;
}

async function recordSeen({ begun, outcome }: Seen, { store, recorder }: ReadingParts): Promise<ReadResult> {
  if (outcome instanceof Error) {
    const now = await findNode(begun.uuid, store.database.read);
    const news = now !== null && failurePatch(begun, now, outcome, store) !== null;
    // A rack that stays silent is not written again and again.
    const failed = news ? await store.database.write((tx) => recordFailure(begun, outcome, tx, store)) : now;
    return { node: failed ?? begun, reading: null, reason: outcome.message, errorCode: outcome.code };
  }
  const recorded = await recorder.record(begun, outcome);
  if (recorded !== null && recorded.otherGuid !== null) {
    const reason = otherServerWords(recorded, recorded.otherGuid);
    return { node: recorded, reading: null, reason, errorCode: 'BMC_IS_ANOTHER' };
  }
  if (recorded !== null) return { node: recorded, reading: outcome, reason: '', errorCode: null };
  const now = (await findNode(begun.uuid, store.database.read)) ?? begun;
  if (isNews(now, outcome)) {
    const reason = `not recorded: the BMC was away, and has said ${outcome.powerState} for too short a time since to be certain`;
    return { node: now, reading: outcome, reason, errorCode: null };
  }
  const holder =
    now.heldBy === null ? 'it was changed, or ordered about, meanwhile' : `power task ${now.heldBy} holds the node`;
  return { node: now, reading: outcome, reason: `not recorded: ${holder}`, errorCode: null };
}

/** How often, and how far apart, a doubtful node is read again for a last look: longer than its BMC needs to settle. */
const LOOKS = 12;
const LOOK_AGAIN_MS = 2000;

/**
 * Reads one node now, behind the orders for its BMC, and records nothing. A doubtful reading is made again until it is certain, or
 * too old to be waited for. It resolves in any case.
 */
export async function lookAt(node: NodeRow, parts: ReadingParts, signal: AbortSignal): Promise<LastLook> {
  try {
    for (let look = 1; ; look += 1) {
      const { outcome } = await parts.shared.read(node, 'conductor', signal);
      if (outcome instanceof Error) return { reading: null, unreadable: outcome };
      if (identityFound(node, outcome).isOther) return { reading: null, unreadable: otherServer(node, outcome) };
      if (outcome.doubt === undefined || look === LOOKS) return { reading: outcome, unreadable: null };
      await sleep(LOOK_AGAIN_MS, parts.store.clock, signal);
    }
  } catch (thrown) {
    return { reading: null, unreadable: asCountermandError(thrown) };
  }
}

/** A reading, and the node as it was when the reading was begun. */
interface Finding {
  readonly begun: Pick<NodeRow, 'uuid' | 'fence' | 'createdAt'>;
  readonly reading: Reading;
}

interface Waiting extends Finding {
  readonly resolve: (node: NodeRow | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Records readings: those that wait for the database at the same time together, which takes few statements for many. */
export class Recorder {
  readonly #store: Store;
  #waiting: Waiting[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Records a reading that was begun under the node's fence, durably. A node that has been ordered about since, or is, is
   * left alone. Resolves with the node, or with null if the reading was dropped.
   */
  record(begun: Finding['begun'], reading: Reading): Promise<NodeRow | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ begun, reading, resolve, reject });
      if (this.#waiting.length === 1) void this.#write();
    });
  }

  /** Takes what waits when the transaction runs; what comes after that is written next, whatever becomes of that transaction. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      // How many readings a transaction that fails has taken is not known. It fails for these; what came later is tried again.
      const begunFor = this.#waiting.length;
      try {
        const { count, nodes } = await this.#store.database.write(async (transaction) => {
          const waiting = [...this.#waiting];
          return { count: waiting.length, nodes: await recordReadings(waiting, transaction, this.#store) };
        });
        for (const { begun, resolve } of this.#waiting.splice(0, count)) resolve(nodes.get(begun) ?? null);
      } catch (error) {
        for (const { reject } of this.#waiting.splice(0, begunFor)) reject(error);
      }
    }
  }
}

/** The nodes of those findings that were recorded, by what each was begun with. */
async function recordReadings(
  findings: readonly Finding[],
  transaction: Transaction,
  store: Store,
): Promise<ReadonlyMap<Finding['begun'], NodeRow>> {
  const nodes = await findNodesByUuid(
    findings.map(({ begun }) => begun.uuid),
    transaction.sql,
  );
  const recorded = new Map<Finding['begun'], NodeRow>();
  const unchanged = new Map<string, Finding>();
  const others: Finding[] = [];
  for (const finding of findings) {
    const { begun, reading } = finding;
    const before = nodes.get(begun.uuid);
    if (!before || !isFree(before, begun) || isNews(before, reading)) continue;
    // A second reading of the same node is recorded after the first.
    if (isAsKnown(before, reading) && !unchanged.has(begun.uuid)) unchanged.set(begun.uuid, finding);
    else others.push(finding);
  }
  const again = [...unchanged].map(([uuid, { reading }]) => ({
    node: nodes.get(uuid) as NodeRow,
    readAt: reading.readAt ?? store.clock.now(),
  }));
  const after = await noteReadAgain(again, transaction, store);
  for (const node of after) recorded.set((unchanged.get(node.uuid) as Finding).begun, node);
  // An earlier one of these may have written the node: it was another reading of it, or has found what both share.
  const written = new Set(after.map(({ uuid }) => uuid));
  let anyMay = false;
  for (const { begun, reading } of others) {
    const { uuid } = begun;
    const before = anyMay || written.has(uuid) ? await findNode(uuid, transaction.sql) : (nodes.get(uuid) ?? null);
    const node = before && isFree(before, begun) ? await recordReading(before, reading, transaction, store) : null;
    if (before === null || node === null) continue;
    recorded.set(begun, node);
    written.add(uuid);
    anyMay ||= isSharedAnew(before, node);
  }
  return recorded;
}

/** True if it is still the node that was read, and nothing has been ordered of it since. Its uuid may be that of one that was deleted. */
const isFree = (node: NodeRow, { fence, createdAt }: Finding['begun']): boolean =>
  node.heldBy === null && node.fence === fence && node.createdAt === createdAt;

/** A doubtful reading that says something else than is known: it may be false, and waits for the next one. */
function isNews({ goodPowerState }: NodeRow, { powerState, doubt }: Reading): boolean {
  return doubt !== undefined && goodPowerState !== null && goodPowerState !== powerState;
}

function isAsKnown(node: NodeRow, reading: Reading): boolean {
  const { powerState } = reading;
  const known =
    node.powerState === powerState &&
    node.goodPowerState === powerState &&
    isAsWritten(node, identityFound(node, reading).patch);
  const isWell = node.lastError === '' && (node.problem === null || !isUnreadable(node.problem));
  return known && isWell && node.mayChangeUntil === null;
}

/**
 * Records a reading in a transaction, as `record` of the recorder does.
 * @param before the node: no task holds it, and its fence is the one that the reading was begun under
 * @returns the node as it now is, or null if the reading was dropped
 */
export async function recordReading(
  before: NodeRow,
  reading: Reading,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow | null> {
  const identity = identityFound(before, reading);
  if (identity.isOther) return noteOtherServer(before, reading, transaction, store);
  if (isNews(before, reading)) return null;
  const open = mayStillChange(before, store);
  const changed = before.powerState !== reading.powerState;
  // The late end of an order that was given up: it can only be a way down.
  const late = open && !reading.doubt && (reading.powerState === 'power off' || reading.host === 'starting');
  const closed = late || (before.mayChangeUntil !== null && !open);
  const patch = {
    ...knownFrom(reading),
    lastError: '',
    problem: await lastingProblem(before, transaction, store),
    ...identity.patch,
    ...(closed ? { mayChangeUntil: null } : {}),
  };
  const lateTask = late && changed ? await lastWindowTask(before.uuid, transaction.sql) : null;
  const written = await writeNode(before, patch, causeOf(lateTask), transaction, store);
  const node = (await noteSharing(before, written, transaction, store)) ?? written;
  if (!changed) return node;
  await announce([correctedAnnouncement(node, before.powerState, lateTask?.uuid ?? null)], transaction, store);
  return node;
}

/** What a good reading does not end. */
async function lastingProblem(
  { sameBmcAs, bmcPlace, problem }: NodeRow,
  { sql }: Transaction,
  { clock }: Store,
): Promise<Problem | null> {
  const other = sameBmcAs === null ? null : await findNode(sameBmcAs, sql);
  return other === null ? null : sameBmcProblem(problem, other, bmcPlace, clock.now());
}

const otherServer = (node: NodeRow, { guid = '' }: Reading): CountermandError =>
  fail('BMC_IS_ANOTHER', otherServerWords(node, guid));

/** Another server answers: what was read is not the node's, and what it was is not known any more. */
async function noteOtherServer(
  before: NodeRow,
  reading: Reading,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const { guid: otherGuid = '' } = reading;
  const { code, message } = otherServer(before, reading);
  if (before.otherGuid === otherGuid && before.problem?.message === message) return before;
  const problem = { code, message, since: before.problem?.since ?? store.clock.now() };
  const patch = { otherGuid, powerState: null, powerStateReadAt: null, lastError: message, problem };
  const cause = { why: `a reading found another GUID at ${before.bmcKey}`, planUuid: null };
  return writeNode(before, patch, cause, transaction, store);
}

/** Who has changed what a reading finds: the order that was given up, or it is unknown. */
function causeOf(lateTask: PowerTaskRow | null): Cause {
  if (lateTask === null) return { why: 'it was found so by a reading', planUuid: null };
  const { uuid, target, actionUuid, planUuid } = lateTask;
  return { why: `the late end of power task ${uuid}, ${target}`, planUuid: actionUuid === null ? null : planUuid };
}

async function recordFailure(
  begun: NodeRow,
  error: CountermandError,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow | null> {
  const before = await findNode(begun.uuid, transaction.sql);
  if (before === null) return null;
  const patch = failurePatch(begun, before, error, store);
  if (patch === null) return before;
  return writeNode(before, patch, { why: 'it could not be read', planUuid: null }, transaction, store);
}

/** What a failed reading changes in a node; null if that is nothing. A held node is its task's to speak of. */
function failurePatch(
  begun: Finding['begun'],
  before: NodeRow,
  error: CountermandError,
  store: Store,
): Partial<NodeRow> | null {
  if (!isFree(before, begun)) return null;
  const expired = before.mayChangeUntil !== null && !mayStillChange(before, store);
  const problem = problemAfter(before.problem, error, store.clock.now());
  if (problem === before.problem && !expired) return null;
  const news = problem === before.problem ? {} : { problem, lastError: error.message };
  return { ...news, ...(expired ? { mayChangeUntil: null } : {}) };
}

/** Reads nodes that may still change, at their interval, until their windows close. */
export class Windows {
  readonly #parts: ReadingParts;
  readonly #timers = new Map<string, Timer>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  /** Takes up the windows that an earlier process left open. */
  async recover(): Promise<void> {
    for (const node of await listWindows(this.#parts.store.database.read)) this.watch(node);
  }

  /** Reads a node soon, and again while its window is open. */
  watch(node: Window): void {
    windowLeftMs(node, this.#parts.store);
    this.#schedule(node, 0);
  }

  /** Stops all timers. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #schedule({ uuid }: Pick<NodeRow, 'uuid'>, delayMs: number): void {
    this.#timers.get(uuid)?.cancel();
    const { store, log, shutdown } = this.#parts;
    const look = (): void => {
      this.#timers.delete(uuid);
      this.#look(uuid).catch((thrown: unknown) => {
        if (shutdown.aborted) return;
        log.error({ err: asCountermandError(thrown), node: uuid }, 'a node could not be read; it is tried again');
        if (!this.#timers.has(uuid)) this.#schedule({ uuid }, RETRY_MS);
      });
    };
    if (!shutdown.aborted) this.#timers.set(uuid, store.clock.after(delayMs, look));
  }

  async #look(uuid: string): Promise<void> {
    const { store, limits, shutdown } = this.#parts;
    const node = await findNode(uuid, store.database.read);
    if (node === null) forgetWindow(uuid, store);
    // A held node is read by its task; when that is at rest it comes here again if it may still change.
    if (node === null || node.heldBy !== null) return;
    const { node: after, reading } = await readNode(node, 'conductor', this.#parts, shutdown);
    const leftMs = windowLeftMs(after, store);
    if (leftMs === null) forgetWindow(uuid, store);
    const again = leftMs !== null || (reading !== null && isNews(after, reading));
    if (!again || after.heldBy !== null) return;
    // A window whose time is over stays open while nothing is read that could close it: such a BMC is asked no faster for that.
    const endsInMs = leftMs !== null && leftMs > 0 && !reading?.doubt ? leftMs : Number.POSITIVE_INFINITY;
    this.#schedule(after, Math.min(limits.windowReadIntervalMs, endsInMs));
  }
}
