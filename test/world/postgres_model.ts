/**
 * What several conductors see of PostgreSQL, in virtual time: a lock that one session has, sessions that the server ends, and ways
 * between it and a conductor that may be cut. The rows themselves are in the connection that all share.
 */
import type { Clock } from '../../src/core/clock.ts';
import { CountermandError, fail } from '../../src/core/errors.ts';
import { openCancellation, untilAborted } from '../../src/core/signals.ts';
import type { Database, Transaction } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { OwnProcess } from '../../src/server/store/own_process.ts';
import type { Candidate, Sight } from '../../src/server/store/postgres/candidate.ts';
import type { LedDatabase } from '../../src/server/store/postgres/database.ts';
import type { ConductorName, OwnerRow } from '../../src/server/store/postgres/owner.ts';
import { leadershipLost, Tenure } from '../../src/server/store/postgres/tenure.ts';
import { Crash, type SimulatedProcess } from './process.ts';
import type { ConnectionUser, SharedConnection } from './shared_connection.ts';
import type { VirtualClock } from './virtual_clock.ts';

/** After this a candidate gives up a look that is not answered. */
const LOOK_LIMIT_MS = 10_000;

/** The way between one process and the server. What is under way while it is cut arrives when it is mended. */
export class Way {
  #mended: PromiseWithResolvers<void> | null = null;

  get isCut(): boolean {
    return this.#mended !== null;
  }

  cut(): void {
    this.#mended ??= Promise.withResolvers();
  }

  mend(): void {
    this.#mended?.resolve();
    this.#mended = null;
  }

  async untilMended(): Promise<void> {
    while (this.#mended) await this.#mended.promise;
  }
}

/** A conductor as its session knows it. */
export interface ModelConductor {
  readonly process: SimulatedProcess;
  readonly way: Way;
  readonly self: OwnProcess;
  readonly name: ConductorName;
  readonly leaseMs: number;
  readonly everyWriteTwice: boolean;
  /** Hears every commit before the answer to it. */
  readonly committed: (changes: readonly Change[]) => void;
}

/** A session, as the server knows it. */
interface Session {
  readonly pid: number;
  /** How often the server has done something for it. */
  did: number;
  isOver: boolean;
  /** A stand-by has ended it, as it did nothing. */
  wasSilent: boolean;
  /** Told when the server has ended it. */
  ended: () => void;
  /** For how long its conductor still leads, by its own clock. */
  leadsForMs: () => number;
}

/** The server. */
export class PostgresModel {
  readonly shared: SharedConnection;
  readonly clock: VirtualClock;
  holder: Session | null = null;
  owner: OwnerRow | null = null;
  /** Leaders whose sessions a stand-by has ended before they had stopped, by their own clocks. */
  readonly endedTooEarly: string[] = [];
  #sessions = 0;

  constructor(shared: SharedConnection, clock: VirtualClock) {
    this.shared = shared;
    this.clock = clock;
  }

  newSession(): Session {
    this.#sessions += 1;
    return { pid: this.#sessions, did: 0, isOver: false, wasSilent: false, ended: () => {}, leadsForMs: () => 0 };
  }

  /** Ends a session: what it had not committed is undone, and its lock is free. */
  end(session: Session): void {
    if (session.isOver) return;
    session.isOver = true;
    if (this.holder === session) this.holder = null;
    session.ended();
  }

  /** Takes the lock, if it is free. */
  tryLock(session: Session): boolean {
    if (this.holder === null && !session.isOver) this.holder = session;
    return this.holder === session;
  }
}

const away = (cause?: unknown) => fail('DATABASE_UNUSABLE', 'the database does not answer', cause);

/** The session of a conductor that would lead, as `Candidate` is one with the real server. */
export class ModelCandidate implements Pick<Candidate, 'look' | 'endLeader' | 'lead' | 'drop' | 'leave'> {
  readonly #server: PostgresModel;
  readonly #conductor: ModelConductor;
  readonly #session: Session;
  /** Called when it leads, with how the process is to learn that its session was ended. */
  readonly #adopted: (session: Session) => void;

  constructor(server: PostgresModel, conductor: ModelConductor, adopted: (session: Session) => void) {
    this.#server = server;
    this.#conductor = conductor;
    this.#session = server.newSession();
    this.#adopted = adopted;
  }

  look(): Promise<Sight> {
    return this.#asked(() => {
      const { owner, holder } = this.#server;
      const locked = this.#server.tryLock(this.#session);
      const seen = holder === null ? null : { pid: holder.pid, since: '' };
      return {
        locked,
        owner,
        holder: seen,
        pulse: `${owner?.generation} ${owner?.lastWrite} ${holder?.pid} ${holder?.did}`,
      };
    });
  }

  endLeader({ holder }: Sight): Promise<void> {
    return this.#asked(() => {
      const present = this.#server.holder;
      if (present === null || present.pid !== holder?.pid) return;
      const restMs = present.leadsForMs();
      if (restMs > 0)
        this.#server.endedTooEarly.push(`a stand-by has ended a leader that leads for another ${restMs} ms`);
      present.wasSilent = true;
      this.#server.end(present);
    });
  }

  async lead(): Promise<LedDatabase> {
    const { process, way, self, name, leaseMs, everyWriteTwice } = this.#conductor;
    const { shared, clock } = this.#server;
    const session = this.#session;
    const line = new Line(this.#server, session, this.#conductor);
    process.whenDead(() => shared.leave(line));
    await process.untilAwake();
    await way.untilMended();
    if (this.#server.holder !== session) throw away();
    const { database: rows, beat } = await shared.openLed(line, self, { everyWriteTwice }).catch((thrown) => {
      this.drop();
      throw thrown instanceof Crash ? thrown : away(thrown);
    });
    const { owner: before } = this.#server;
    const epoch = (before?.generation ?? 0) + 1;
    const predecessorsEnded = before === null || (before.predecessorsEnded && before.endedCleanly);
    const longestMs = predecessorsEnded ? leaseMs : Math.max(leaseMs, before?.leaseMs ?? leaseMs);
    const written = { lastWrite: 0, endedCleanly: false, predecessorsEnded, leaseMs: longestMs };
    this.#server.owner = { ...self, generation: epoch, ...written, conductor: name };
    const notePredecessorsEnded = (): void => {
      const { owner } = this.#server;
      if (owner?.generation === epoch) this.#server.owner = { ...owner, predecessorsEnded: true, leaseMs };
    };
    const database = new ModelDatabase(rows, line);
    const tenure = new Tenure({
      clock: process.clock(clock),
      leaseMs,
      hear: (answered) => {
        line.answered = answered;
      },
      beat: (predecessorsEnded) => beat(() => predecessorsEnded && notePredecessorsEnded()),
      over: (error) => line.giveUp(error),
    });
    session.leadsForMs = () => (process.alive ? tenure.restMs() : 0);
    line.closed = () => tenure.close();
    void database.lost.then((error) => tenure.end(error));
    this.#adopted(session);
    return { database, tenure, epoch };
  }

  drop(): void {
    this.#server.end(this.#session);
  }

  async leave(): Promise<void> {
    this.drop();
  }

  /** A question and its answer, each of which may be long under way. */
  async #asked<T>(work: () => T): Promise<T> {
    const { process, way } = this.#conductor;
    // Nearly always nothing is in the way, and three conductors look four times in each second.
    if (process.alive && !process.paused && !way.isCut && !this.#session.isOver) {
      this.#session.did += 1;
      return work();
    }
    const clock = process.clock(this.#server.clock);
    const limit = openCancellation([], { clock, afterMs: LOOK_LIMIT_MS, what: 'an answer of the database' });
    const travel = async (): Promise<T> => {
      await process.untilAwake();
      await way.untilMended();
      if (this.#session.isOver) throw away();
      this.#session.did += 1;
      const answer = work();
      await way.untilMended();
      await process.untilAwake();
      return answer;
    };
    try {
      return await untilAborted(travel(), limit.signal);
    } catch (thrown) {
      this.drop();
      if (limit.signal.aborted) throw away(thrown);
      throw thrown instanceof CountermandError || thrown instanceof Crash ? thrown : away(thrown);
    } finally {
      limit.end();
    }
  }
}

/** The connection of one leader, from its election to its end: what it asks may not arrive, or not be answered. */
class Line implements ConnectionUser {
  readonly #server: PostgresModel;
  readonly #session: Session;
  readonly #conductor: ModelConductor;
  readonly #over = openCancellation([]);
  answered: (askedAt: number) => void = () => {};
  readonly #clock: Clock;
  closed: () => void = () => {};

  constructor(server: PostgresModel, session: Session, conductor: ModelConductor) {
    this.#server = server;
    this.#session = session;
    this.#conductor = conductor;
    this.#clock = conductor.process.clock(server.clock);
    session.ended = () => void this.#hearOfEnd();
  }

  get alive(): boolean {
    return this.#conductor.process.alive;
  }

  /** Aborted when nothing can be written by it any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  giveUp(error: CountermandError): void {
    this.#over.abort(error);
  }

  /** It is closed in order, and its lock is free. */
  close(): void {
    this.closed();
    const { owner, holder } = this.#server;
    const isHeard = this.alive && !this.over.aborted && !this.#conductor.way.isCut;
    if (isHeard && owner !== null && holder === this.#session) this.#server.owner = { ...owner, endedCleanly: true };
    if (isHeard) this.#server.end(this.#session);
    this.giveUp(fail('DATABASE_UNUSABLE', 'the database is closed'));
  }

  async reach(): Promise<void> {
    const { process, way } = this.#conductor;
    const askedAt = this.#clock.monotonic();
    const arrived = async (): Promise<void> => {
      await process.untilAwake();
      await way.untilMended();
    };
    if (this.#isHeld) await untilAborted(process.unlessDead(arrived()), this.over);
    this.over.throwIfAborted();
    this.#mustBeThere();
    this.#session.did += 1;
    // The connection is asked for a transaction, or for rows: the answer to that.
    this.answered(askedAt);
  }

  statement(): void {
    this.#conductor.process.statement();
    this.over.throwIfAborted();
    this.#mustBeThere();
  }

  async afterCommit(changes: readonly Change[]): Promise<void> {
    const { process, way, committed } = this.#conductor;
    const { owner } = this.#server;
    const askedAt = this.#clock.monotonic();
    if (owner) this.#server.owner = { ...owner, lastWrite: owner.lastWrite + 1 };
    this.#session.did += 1;
    committed(changes);
    process.touch();
    const answer = async (): Promise<void> => {
      await way.untilMended();
      await process.untilAwake();
    };
    if (this.#isHeld) await untilAborted(process.unlessDead(answer()), this.over);
    this.over.throwIfAborted();
    this.answered(askedAt);
    const { wasSilent, leadsForMs } = this.#session;
    if (wasSilent && leadsForMs() > 0)
      this.#server.endedTooEarly.push('a leader leads on by an answer that has come after a stand-by has ended it');
  }

  /** Something keeps its process from what is under way, or the answer from its process. */
  get #isHeld(): boolean {
    const { process, way } = this.#conductor;
    return !process.alive || process.paused || way.isCut;
  }

  #mustBeThere(): void {
    if (this.#session.isOver) throw leadershipLost('has lost the connection to its database');
  }

  /** The server has ended the session: its client hears of it as soon as it can. */
  async #hearOfEnd(): Promise<void> {
    const { process, way } = this.#conductor;
    await way.untilMended();
    await process.untilAwake().catch(() => {});
    if (this.alive) this.giveUp(leadershipLost('has lost the connection to its database'));
  }
}

/** What a leader writes by. */
class ModelDatabase implements Database {
  readonly read: Database['read'];
  readonly feed: Database['feed'];
  readonly disk: string;
  readonly lost: Promise<CountermandError>;
  readonly #rows: Database;
  readonly #line: Line;

  constructor(rows: Database, line: Line) {
    this.#rows = rows;
    this.#line = line;
    this.read = rows.read;
    this.feed = rows.feed;
    this.disk = rows.disk;
    const over = new Promise<CountermandError>((resolve) =>
      line.over.addEventListener('abort', () => resolve(line.over.reason)),
    );
    this.lost = Promise.race([over, rows.lost]);
  }

  get busy(): boolean {
    return this.#rows.busy;
  }

  get isFull(): boolean {
    return this.#rows.isFull;
  }

  untilFull(signal: AbortSignal): Promise<void> {
    return this.#rows.untilFull(signal);
  }

  findRoom(signal: AbortSignal): Promise<boolean> {
    return this.#rows.findRoom(signal);
  }

  bytes(): Promise<number> {
    return this.#rows.bytes();
  }

  async write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.#line.over.throwIfAborted();
    try {
      return await this.#rows.write(work);
    } catch (thrown) {
      // What waited for the connection was told something else.
      if (thrown instanceof Crash) this.#line.over.throwIfAborted();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#line.close();
    await this.#rows.close();
  }
}
