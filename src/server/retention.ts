/** What is old is deleted by the conductor that leads, portion by portion, so that its database does not grow for ever. */
import { nextPortion } from '../core/long_work.ts';
import { sleep } from '../core/signals.ts';
import type { Log } from './log.ts';
import { retry } from './retry.ts';
import type { Database, Transaction } from './store/database.ts';
import {
  type Counted,
  madeAtOfExcess,
  type Old,
  type Pruned,
  pruneAudits,
  pruneEvents,
  prunePlans,
  pruneTasks,
} from './store/prune.ts';
import { readBySinks } from './store/sinks.ts';
import type { Store } from './store/store.ts';
import { endsOfTrail, pruneTrail } from './store/trail.ts';

/** How long rows of a kind are kept, and how many. */
export interface Keep {
  /** After their end, in milliseconds; 0: for ever. */
  readonly forMs: number;
  /** The limit; 0: no limit. */
  readonly rows: number;
}

/** How long everything is kept that grows with time. */
export interface Retention {
  readonly events: Keep;
  readonly tasks: Keep;
  readonly plans: Keep;
  readonly audits: Keep;
  readonly trail: Keep;
}

/** Says how far the readers of one kind have all read the events; null if there is none. */
type ReadTo = (sql: Database['read']) => Promise<number | null>;

/** Whoever reads events under a name, and goes on where it was: what it has not read stays. */
const READERS: readonly ReadTo[] = [readBySinks];

/** What rules the deleting. */
export interface RetentionRules {
  /** Asked anew each time: it can be changed while the conductor runs. */
  readonly keep: () => Retention;
  /** Told how many rows of a kind were deleted. */
  readonly deleted: (kind: keyof Retention, count: number) => void;
}

/** What it takes to delete. */
interface RetentionParts extends RetentionRules {
  readonly store: Store;
  readonly log: Log;
  readonly shutdown: AbortSignal;
  readonly readers?: readonly ReadTo[];
}

/** How often it is looked for what is old, and how long after the start for the first time. */
const LOOK_MS = 3_600_000;
const FIRST_LOOK_MS = 60_000;
/** Between two portions, others write. */
const REST_MS = 50;
/** What is younger than this stays, however many there are. */
const YOUNG_MS = 3_600_000;

/** Deletes what is old now and then, until the shutdown; resolves then. Without rules nothing is old. */
export async function keepWithin(
  rules: RetentionRules | undefined,
  around: Omit<RetentionParts, keyof RetentionRules>,
): Promise<void> {
  if (rules === undefined) return;
  const parts = { ...rules, ...around };
  const { store, log, shutdown } = parts;
  const about = { message: 'old rows could not be deleted', fields: {} };
  await sleep(FIRST_LOOK_MS, store.clock, shutdown).catch(() => {});
  while (!shutdown.aborted) {
    await retry(() => prune(parts), about, { clock: store.clock, log }, shutdown).catch(() => {});
    await sleep(LOOK_MS, store.clock, shutdown).catch(() => {});
  }
}

/** Deletes what is old now. An abort rejects with its reason; what is left is found the next time. */
export async function prune(parts: RetentionParts): Promise<void> {
  const { events, tasks, plans, audits, trail } = parts.keep();
  const { clock } = parts.store;
  const now = clock.now();
  // Plans first: audits go with the last of their plans.
  const gone = {
    plans: await pruneAll('action_plans', plans, parts, (old, transaction) => prunePlans(old, now, transaction)),
    tasks: await pruneAll(
      'power_tasks',
      tasks,
      parts,
      oneKind((old, sql) => pruneTasks(old, now, sql)),
    ),
    audits: await pruneAll('audits', audits, parts, oneKind(pruneAudits)),
    events: await pruneOldEvents(events, parts),
    trail: await pruneOldTrail(trail, parts),
  };
  for (const [kind, count] of Object.entries(gone)) parts.deleted(kind as keyof Retention, count);
  if (Object.values(gone).some((count) => count > 0)) parts.log.info(gone, 'old rows were deleted');
}

/** Deletes one portion. */
type Portion = (old: Old, transaction: Transaction) => Promise<Pruned>;

const oneKind =
  (pruneSome: (old: Old, transaction: Transaction) => Promise<number>): Portion =>
  async (old, transaction) => {
    const count = await pruneSome(old, transaction);
    return { count, more: count > 0 };
  };

async function pruneAll(table: Counted, keep: Keep, parts: RetentionParts, portion: Portion): Promise<number> {
  const { clock, database } = parts.store;
  const now = clock.now();
  let count = 0;
  if (keep.forMs > 0) {
    const before = now - keep.forMs;
    count += await inPortions({ madeBefore: before, endedBefore: before }, parts, portion);
  }
  if (keep.rows === 0) return count;
  const excess = await madeAtOfExcess(table, keep.rows, database.read);
  if (excess === null) return count;
  return count + (await inPortions({ madeBefore: excess + 1, endedBefore: now - YOUNG_MS }, parts, portion));
}

async function inPortions(old: Old, parts: RetentionParts, portion: Portion): Promise<number> {
  let count = 0;
  for (let more = true; more; ) {
    const done = await parts.store.database.write((transaction) => portion(old, transaction));
    count += done.count;
    more = done.more;
    if (more) await rest(parts);
  }
  return count;
}

async function pruneOldEvents({ forMs, rows }: Keep, parts: RetentionParts): Promise<number> {
  const { clock, database } = parts.store;
  if (forMs === 0 && rows === 0) return 0;
  const now = clock.now();
  const limit = rows === 0 ? null : rows;
  const old = { before: forMs === 0 ? 0 : now - forMs, limit, limitBefore: now - YOUNG_MS };
  let count = 0;
  for (;;) {
    // A sink that is made in between may have been promised what is old.
    const gone = await database.write(async (transaction) =>
      pruneEvents({ ...old, readTo: await readByAll(parts, transaction.sql) }, transaction),
    );
    if (gone === 0) return count;
    count += gone;
    await rest(parts);
  }
}

/** How much more than is kept may be there before anything is deleted: each deletion writes an entry of its own. */
const TRAIL_SLACK = { ms: 24 * 3_600_000, part: 0.01 };

async function pruneOldTrail({ forMs, rows }: Keep, parts: RetentionParts): Promise<number> {
  const { clock, database } = parts.store;
  const now = clock.now();
  const ends = await endsOfTrail(database.read);
  if (ends === null) return 0;
  const isOld = forMs > 0 && ends.oldestAt < now - forMs - TRAIL_SLACK.ms;
  const isLong = rows > 0 && ends.newest - ends.oldest >= rows * (1 + TRAIL_SLACK.part);
  if (!isOld && !isLong) return 0;
  const old = {
    before: forMs === 0 ? 0 : now - forMs,
    manyTo: rows === 0 ? 0 : ends.newest - rows,
    manyBefore: now - YOUNG_MS,
  };
  let count = 0;
  for (;;) {
    const gone = await database.write((transaction) => pruneTrail({ ...old, now }, transaction));
    if (gone === 0) return count;
    count += gone;
    await rest(parts);
  }
}

async function readByAll({ readers = READERS }: RetentionParts, sql: Transaction['sql']): Promise<number | null> {
  const positions: number[] = [];
  for (const reader of readers) {
    const position = await reader(sql);
    if (position !== null) positions.push(position);
  }
  return positions.length === 0 ? null : Math.min(...positions);
}

async function rest({ store, shutdown }: RetentionParts): Promise<void> {
  await nextPortion(shutdown);
  await sleep(REST_MS, store.clock, shutdown);
}
