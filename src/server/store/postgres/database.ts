/** The database in PostgreSQL: one connection that writes, in groups, and a few that read. */
import type { Knex } from 'knex';
import type pg from 'pg';
import type { Clock } from '../../../core/clock.ts';
import { CountermandError, fail } from '../../../core/errors.ts';
import { onAbort, openCancellation, sleep, untilAborted } from '../../../core/signals.ts';
import type { Database, Transaction } from '../database.ts';
import { Feed } from '../feed.ts';
import { Fullness } from '../fullness.ts';
import { type GroupResult, type PendingWrite, runGroup, Unforeseen, type WriteOptions, WriteQueue } from '../groups.ts';
import { keepBehind } from '../kept.ts';
import { checkedRows, Kept } from '../kept_rows.ts';
import type { Migration } from '../migrations/list.ts';
import { type OwnProcess, thisProcess } from '../own_process.ts';
import { type Sealer, type SealingKeys, sealBehind } from '../sealing.ts';
import { refuseInWrite, refuseReadsInWrites } from '../writing.ts';
import type { PostgresAddress } from './address.ts';
import { isOpen, mustBeOpen, openAhead, openDirect, type StatementNames } from './direct.ts';
import { explainPostgres, isLost, isWorthRepeating } from './errors.ts';
import { type ConductorName, notePredecessorsEnded } from './owner.ts';
import { connectReaders, type Readers } from './readers.ts';
import { hearAnswers } from './silence.ts';
import { Tenure } from './tenure.ts';
import { type Open, openWriting, takeWriting, type WritingConnection } from './writing_connection.ts';

/** This often a group is run before it fails because others were in its way, or its connection has broken. */
const RUNS = 3;
/** How often the server is asked again whether the last commit was done. */
const ASK_INTERVAL_MS = 500;

/** The codes after which a process never writes again. */
const ENDS = ['DATABASE_DAMAGED', 'DATABASE_TAKEN', 'LEADERSHIP_LOST'] as const;

/** What a database is opened with beside its address. */
interface PostgresParts extends WriteOptions {
  readonly clock: Clock;
  /** The process that opens it; this one unless a test plays several. */
  readonly self?: OwnProcess;
  /** A database without our tables is refused. */
  readonly mustExist?: boolean;
  /** With which driver_info is sealed; without them it is written plain. */
  readonly keys?: SealingKeys | undefined;
}

/** What became of one run of a group. */
type Run = { readonly result: GroupResult } | { readonly error: unknown; readonly again: boolean };

/** One database. Writes run one after the other; those that wait together are committed together. */
class PostgresDatabase implements Database {
  readonly read: Knex;
  readonly feed = new Feed();
  readonly disk = 'the disk of the PostgreSQL server';
  readonly #address: PostgresAddress;
  readonly #clock: Clock;
  readonly #options: WriteOptions;
  readonly #sealer: Sealer | null;
  readonly #writing: WritingConnection;
  readonly #readers: Readers;
  readonly #kept = new Kept();
  readonly #statements: StatementNames = new Map();
  readonly #queue = new WriteQueue(this, (group) => this.#commit(group));
  readonly #lost = Promise.withResolvers<CountermandError>();
  readonly #closed = openCancellation([]);
  /** Why no write is taken: it is not known whether the last one was done. */
  #inDoubt: CountermandError | null = null;
  readonly #fullness = new Fullness();
  #closing: Promise<void> | null = null;

  constructor(readers: Readers, writing: WritingConnection, address: PostgresAddress, parts: PostgresParts) {
    const { read } = readers;
    this.read = read;
    this.#readers = readers;
    this.#writing = writing;
    this.#address = address;
    this.#clock = parts.clock;
    this.#options = parts;
    this.#sealer = parts.keys?.sealer() ?? null;
    sealBehind(read, this.#sealer);
    keepBehind(
      read,
      checkedRows(this.#kept.committed, () => refuseInWrite(this, 'read')),
    );
    refuseReadsInWrites(read, this);
  }

  async bytes(): Promise<number> {
    const { rows } = await this.read.raw('select pg_database_size(current_database()) as bytes');
    return rows[0].bytes;
  }

  get busy(): boolean {
    return this.#queue.busy;
  }

  get lost(): Promise<CountermandError> {
    return this.#lost.promise;
  }

  get isFull(): boolean {
    return this.#fullness.isFull;
  }

  untilFull(signal: AbortSignal): Promise<void> {
    return this.#fullness.until(signal);
  }

  /** The disk is the server's: whether there is room is tried. That waits for no write, and needs no right but to connect. */
  async findRoom(signal: AbortSignal): Promise<boolean> {
    if (!this.#fullness.isFull) return true;
    signal.throwIfAborted();
    const isFull = await untilAborted(
      tryRoom(this.read).then(
        () => false,
        () => true,
      ),
      signal,
    );
    this.#fullness.set(isFull);
    return !isFull;
  }

  async write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    refuseInWrite(this, 'write');
    if (this.#inDoubt) throw this.#inDoubt;
    return this.#queue.add(work);
  }

  /** The connection has ended by itself. Whether another conductor is the reason is found out at once, also if nothing is written. */
  lookAgain(): void {
    this.#writing.connected().catch((error) => this.#noteFailure(error));
  }

  /** Aborted when it is being closed. */
  get closing(): AbortSignal {
    return this.#closed.signal;
  }

  /** The process leads no more: nothing is written from now on. */
  giveUp(error: CountermandError): void {
    this.#noteFailure(this.#writing.end(error));
    this.#readers.giveUp(error);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Only what waits for a server that has gone listens to this.
    this.#closed.abort(fail('SHUTTING_DOWN', 'the conductor stops'));
    await this.#queue.idle();
    await this.#writing.close();
    await this.read.destroy();
  }

  async #commit(group: readonly PendingWrite[]): Promise<void> {
    let run = await this.#run(group, true);
    // What has failed once is run one statement after the other, each of which fails for itself.
    for (let runs = 1; 'error' in run && run.again && runs < RUNS; runs += 1) run = await this.#run(group, false);
    if ('result' in run) {
      this.#kept.endGroup(true);
      run.result.settle();
      for (const change of run.result.changes) this.feed.publish(change);
      return;
    }
    this.#noteFailure(run.error);
    for (const write of group) write.reject(run.error);
  }

  /** @param ahead whether statements are sent before the ones before them have been answered */
  async #run(group: readonly PendingWrite[], ahead: boolean): Promise<Run> {
    const number = this.#writing.nextNumber();
    const at: { result: GroupResult | null; failure: unknown } = { result: null, failure: null };
    try {
      const client = await this.#writing.connected();
      const result = await this.#writing.transaction(client, number, async (sql) => {
        try {
          at.result = await this.#runIn(sql, client, group, ahead);
          return at.result;
        } catch (thrown) {
          at.failure = explainPostgres(thrown, this.#address);
          throw at.failure;
        }
      });
      return { result };
    } catch (thrown) {
      const error = at.failure ?? explainPostgres(thrown, this.#address);
      if (isLost(error)) this.#writing.abandon();
      // All had gone well, up to the commit itself: its answer is what is missing.
      const doubt = at.result === null ? false : await this.#wasCommitted(number, thrown);
      if (doubt === true && at.result !== null) return { result: at.result };
      this.#kept.endGroup(false);
      if (doubt !== false) return { error: doubt, again: false };
      return { error, again: error instanceof Unforeseen || isWorthRepeating(error) };
    }
  }

  async #runIn(sql: Knex, client: pg.Client, group: readonly PendingWrite[], ahead: boolean): Promise<GroupResult> {
    keepBehind(sql, this.#kept.uncommitted);
    sealBehind(sql, this.#sealer);
    const explain = (thrown: unknown): unknown => explainPostgres(thrown, this.#address);
    const writing = ahead ? openAhead(client, this.#statements, explain) : null;
    const sent = writing?.sent;
    // What is asked by knex sees what was written before.
    if (sent) sql.on('query', () => sent.flush());
    try {
      const result = await runGroup(group, {
        ...this.#options,
        database: this,
        sql,
        direct: writing ?? openDirect(client, this.#statements),
        kept: this.#kept,
        // After a statement that has failed unheard, whatever comes next fails because of it.
        explain: (thrown) => sent?.failure ?? explain(thrown),
      });
      await sent?.answered();
      // Which of the writes has kept an error to itself is found when each of them is looked at.
      if (sent && group.length > 1 && !(await isOpen(client))) throw new Unforeseen();
      await mustBeOpen(client);
      return result;
    } catch (thrown) {
      sent?.drop();
      throw thrown;
    }
  }

  /**
   * Asks until it is known whether a commit was done whose answer was lost. Until then its writes stay unanswered, as nothing true
   * could be said of them, and others are refused. Resolves with an error if it will never be known here.
   */
  async #wasCommitted(number: number, thrown: unknown): Promise<boolean | CountermandError> {
    const { words } = this.#address;
    this.#inDoubt = fail('DATABASE_UNUSABLE', `the ${words} does not answer; nothing was written; try again`, thrown);
    this.#queue.rejectWaiting(this.#inDoubt);
    try {
      for (;;) {
        const known = await this.#writing.wasCommitted(number).catch((error) => error);
        if (typeof known === 'boolean') return known;
        if (known instanceof CountermandError && ENDS.some((code) => code === known.code)) return known;
        await sleep(ASK_INTERVAL_MS, this.#clock, this.#closed.signal);
      }
    } catch {
      const what = `the ${words} does not answer, and the conductor stops`;
      return fail(
        'DATABASE_UNUSABLE',
        `${what}; whether the last change was written is seen at its next start`,
        thrown,
      );
    } finally {
      this.#inDoubt = null;
    }
  }

  #noteFailure(error: unknown): void {
    if (!(error instanceof CountermandError)) return;
    if (ENDS.some((code) => code === error.code)) this.#lost.resolve(error);
    if (error.code !== 'DISK_FULL') return;
    this.#fullness.set(true);
  }
}

/** Numbers that take some 8 MB, more than a session keeps in memory here: the server writes them to a file, which it deletes. */
const FILLER = 'select count(*) from generate_series(1, 300000)';

/** Has the server write a temporary file on the disk of the database. @throws what the server says, as when there is no room */
async function tryRoom(read: Knex): Promise<void> {
  await read.transaction(async (sql) => {
    await sql.raw("set local work_mem = '64kB'; set local temp_tablespaces = ''");
    await sql.raw(FILLER);
  });
}

/**
 * Opens a PostgreSQL database: takes its lock, which one process at a time has, and brings the schema up to date.
 * @throws DATABASE_IN_USE, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, SECRETS_KEY_WRONG: then
 *   nothing was written
 */
export async function openPostgres(address: PostgresAddress, parts: PostgresParts): Promise<Database> {
  let database: PostgresDatabase | null = null;
  const { clock, self = thisProcess(), mustExist = false, keys } = parts;
  const writing = await openWriting(address, { clock, self, mustExist, keys, brokeOff: () => database?.lookAgain() });
  try {
    database = new PostgresDatabase(connectReaders(address, clock), writing, address, parts);
    return database;
  } catch (error) {
    await writing.close();
    throw error;
  }
}

/** The database of a conductor that leads. */
export interface LedDatabase {
  readonly database: Database;
  readonly tenure: Tenure;
  /** One more at each election. */
  readonly epoch: number;
}

/** What a conductor leads with. */
interface LeadingParts {
  readonly clock: Clock;
  readonly self: OwnProcess;
  readonly conductor: ConductorName;
  readonly leaseMs: number;
  readonly keys?: SealingKeys | undefined;
  readonly migrations?: readonly Migration[] | undefined;
  /** Says, in a transaction of its own, that the conductor is there. */
  readonly present: (sql: Knex) => Promise<void>;
}

/** Makes the database of a leader of a connection that has the lock. @throws as `openPostgres`: then the connection is as it was */
export async function lead(open: Open, address: PostgresAddress, parts: LeadingParts): Promise<LedDatabase> {
  const { clock, leaseMs, present, keys } = parts;
  const at: { database: PostgresDatabase | null } = { database: null };
  const brokeOff = (): void => at.database?.lookAgain();
  const writing = await takeWriting(open, address, { ...parts, mustExist: false, brokeOff });
  const database = new PostgresDatabase(connectReaders(address, clock), writing, address, { clock, keys });
  at.database = database;
  const beat = (predecessorsEnded: boolean): Promise<void> =>
    database.write(async ({ sql }) => {
      await present(sql);
      if (predecessorsEnded) await notePredecessorsEnded(leaseMs, sql);
    });
  const over = (error: CountermandError): void => database.giveUp(error);
  const hear = (answered: (askedAt: number) => void): void => hearAnswers(open.client, clock, answered);
  const tenure = new Tenure({ hear, clock, leaseMs, beat, over });
  void database.lost.then((error) => tenure.end(error));
  onAbort(database.closing, () => tenure.close());
  return { database, tenure, epoch: writing.generation };
}

const NUMBERED = { events: 'sequence', model_changes: 'revision', trail: 'sequence' };

/** Lets the next rows be numbered after those that are there, some of which came with their numbers. */
export async function continueNumbers(sql: Knex): Promise<void> {
  for (const [table, column] of Object.entries(NUMBERED))
    await sql.raw('select setval(pg_get_serial_sequence(?, ?), coalesce(max(??), 1), max(??) is not null) from ??', [
      table,
      column,
      column,
      column,
      table,
    ]);
}
