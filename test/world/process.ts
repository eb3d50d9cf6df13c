import type { Knex } from 'knex';
import type { Clock, Timer } from '../../src/core/clock.ts';
import type { Database, Transaction } from '../../src/server/store/database.ts';
import type { Direct } from '../../src/server/store/direct.ts';
import { type Change, Feed } from '../../src/server/store/feed.ts';
import { Kept, type KeptRows, keepBehind } from '../../src/server/store/kept.ts';

/** What a dead process gets from everything it touches. */
export class Crash extends Error {
  constructor() {
    super('this process is dead');
  }
}

/**
 * A process of the simulation. Everything it uses passes through here: dying makes each of these throw, drops its timers,
 * and leaves what was committed. It can be told to die at the n-th touch of its database from now.
 */
export class SimulatedProcess {
  #alive = true;
  #touchesLeft = Number.POSITIVE_INFINITY;
  readonly #timers = new Set<Timer>();
  readonly #whenDead: (() => void)[] = [];

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it now, as SIGKILL would. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const tell of this.#whenDead) tell();
  }

  /** It will die at its n-th touch of the database from now: between two statements, before or after a commit. */
  dieAtTouch(touches: number): void {
    this.#touchesLeft = touches;
  }

  whenDead(tell: () => void): void {
    this.#whenDead.push(tell);
  }

  /** Every seam calls this first. */
  touch(): void {
    this.#touchesLeft -= 1;
    if (this.#touchesLeft <= 0) this.kill();
    if (!this.#alive) throw new Crash();
  }

  /** A clock whose timers end with the process. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, action) => {
        if (!this.#alive) return { cancel: () => {} };
        const timer = clock.after(delayMs, () => {
          this.#timers.delete(timer);
          action();
        });
        this.#timers.add(timer);
        return {
          cancel: () => {
            this.#timers.delete(timer);
            timer.cancel();
          },
        };
      },
    };
  }

  /**
   * The shared database as this process sees it. Its feed is its own, and so are the rows that it keeps: they die with it.
   * `tell` hears every commit.
   */
  database(shared: Database, tell: (change: Change) => void): Database {
    const feed = new Feed();
    const kept = new Kept();
    const guard = (sql: Knex, rows: KeptRows): Knex => {
      const guarded = this.#guard(sql);
      keepBehind(guarded, this.#guardKept(rows));
      return guarded;
    };
    const runOne = async <T>(
      { sql, append, scrub, direct }: Transaction,
      changes: Change[],
      work: (transaction: Transaction) => Promise<T>,
    ): Promise<T> => {
      const keep = (change: Change): void => kept.take(change);
      const changed = (change: Change): void => {
        changes.push(change);
        keep(change);
      };
      let done = false;
      try {
        const result = await work({
          sql: guard(sql, kept.uncommitted),
          changed,
          keep,
          append,
          scrub,
          direct: this.#guardDirect(direct),
        });
        done = true;
        return result;
      } finally {
        kept.endOne(done);
      }
    };
    const write = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
      this.touch();
      const changes: Change[] = [];
      const result = await shared.write((transaction) => runOne(transaction, changes, work));
      kept.endGroup(true);
      for (const change of changes) tell(change);
      this.touch();
      for (const change of changes) feed.publish(change);
      return result;
    };
    return {
      feed,
      write,
      read: guard(shared.read, kept.committed),
      get busy() {
        return shared.busy;
      },
      isFull: false,
      lost: new Promise(() => {}),
      findRoom: async () => true,
      close: async () => {},
    } as unknown as Database;
  }

  /** To look up what is kept is a touch, as to ask the database is. */
  #guardKept(rows: KeptRows): KeptRows {
    const touching =
      <Key extends string[], Row>(find: (...key: Key) => Row) =>
      (...key: Key): Row => {
        this.touch();
        return find(...key);
      };
    return {
      node: touching(rows.node),
      task: touching(rows.task),
      driver: touching(rows.driver),
      plan: touching(rows.plan),
      action: touching(rows.action),
    };
  }

  /** Statements that cannot be run after death. */
  #guardDirect({ insert, update, find }: Direct): Direct {
    const touching =
      <Given extends unknown[], Answer>(run: (...given: Given) => Promise<Answer>) =>
      async (...given: Given): Promise<Answer> => {
        this.touch();
        return run(...given);
      };
    return { insert: touching(insert), update: touching(update), find: touching(find) };
  }

  /** A query builder that cannot be used after death. */
  #guard(knex: Knex): Knex {
    return new Proxy(knex, {
      apply: (target, self, parameters) => {
        this.touch();
        return Reflect.apply(target as never, self, parameters);
      },
    });
  }
}
