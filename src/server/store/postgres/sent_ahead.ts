/**
 * Writes that nothing waits for: a transaction gathers them until it reads, or ends, and sends them together. Rows that are written
 * alike become one statement. The result of each statement is known beforehand; if one has another, none of the
 * transaction counts.
 */
import type pg from 'pg';
import type { ColumnValues } from '../database.ts';
import { isStorageError } from '../failures.ts';
import { Unforeseen } from '../groups.ts';
import { isWorthRepeating } from './errors.ts';

/** Rows of one table that are written alike. Of an update, each is found by its uuid, and by the revision before the one that it writes. */
export interface WrittenAlike {
  readonly kind: 'insert' | 'update';
  readonly table: string;
  /** Those that are written. */
  readonly columns: readonly string[];
  readonly rows: ColumnValues[];
}

/** A statement that is not sent yet: rows, or a text without values. */
type Unsent = WrittenAlike | string;

/** How a transaction sends. */
interface Sending {
  /** Sends a statement without waiting. */
  readonly send: (statement: Unsent) => Promise<pg.QueryResult>;
  /** Lets what `send` sends meanwhile leave together. */
  readonly together: (send: () => void) => void;
  /** Translates an error of the engine. */
  readonly explain: (thrown: unknown) => unknown;
}

/** The savepoint of the member whose turn it is. */
interface Savepoint {
  /** Where it stands among what is not sent yet; null: it was sent. */
  at: number | null;
  /** There was one before it. */
  readonly isNext: boolean;
}

/** What one transaction writes without waiting. */
export class SentAhead {
  readonly #sending: Sending;
  #unsent: Unsent[] = [];
  /** Where the rows stand that others may join, by what they have in common; and the last that were added to each table. */
  readonly #alike = new Map<string, number>();
  readonly #added = new Map<string, number>();
  /** Where each row was written last, by table and uuid. */
  readonly #written = new Map<string, number>();
  #savepoint: Savepoint | null = null;
  readonly #waiting: Promise<void>[] = [];
  #failure: unknown = null;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  /** Why the transaction is run again: what the first statement that failed has failed with, or null. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Adds rows, behind those that were added to this table before. */
  insert(table: string, columns: readonly string[], rows: readonly ColumnValues[]): void {
    const key = `insert ${table} ${columns}`;
    const known = this.#alike.get(key);
    const at = known !== undefined && this.#added.get(table) === known ? known : this.#unsent.length;
    this.#put(at, key, { kind: 'insert', table, columns, rows: [...rows] });
    this.#added.set(table, at);
  }

  /** Writes one row anew: that of this uuid, which is known to have the revision before this one. */
  update(table: string, uuid: string, values: ColumnValues & { readonly revision: number }): void {
    const columns = Object.keys(values);
    const key = `update ${table} ${columns}`;
    const known = this.#alike.get(key);
    // Behind whatever has written the same row.
    const isAfter = known !== undefined && (this.#written.get(`${table} ${uuid}`) ?? -1) < known;
    const at = isAfter ? known : this.#unsent.length;
    this.#put(at, key, { kind: 'update', table, columns, rows: [{ ...values, uuid }] });
  }

  /** Begins the part of another member of the group. */
  savepoint(): void {
    const isNext = this.#savepoint !== null;
    const at = this.#unsent.length;
    // One question for both: the savepoint of the member before is not released until then.
    this.#say(isNext ? 'release savepoint one; savepoint one' : 'savepoint one');
    this.#savepoint = { at, isNext };
  }

  /** Undoes the part of the member whose turn it is. */
  undo(): void {
    const { at, isNext } = this.#savepoint ?? { at: null, isNext: false };
    this.#unsent = this.#unsent.slice(0, at ?? 0);
    this.#joinNone();
    if (at === null) this.#say('rollback to savepoint one');
    // The savepoint before, if there is one, is released by the next.
    else this.#savepoint = isNext ? { at: null, isNext: true } : null;
  }

  /** Sends what has been gathered. Whatever is asked afterwards sees it. */
  flush(): void {
    const all = this.#unsent;
    if (all.length === 0) return;
    this.drop();
    if (this.#savepoint) this.#savepoint.at = null;
    this.#sending.together(() => {
      for (const statement of all) this.#send(statement);
    });
  }

  /** Forgets what was not sent: the transaction is undone. */
  drop(): void {
    this.#unsent = [];
    this.#joinNone();
  }

  /** Sends the rest, and resolves when all were answered as expected. @throws the error of the storage, or Unforeseen: then nothing of it may be committed */
  async answered(): Promise<void> {
    this.flush();
    await Promise.all(this.#waiting);
    if (this.#failure !== null) throw this.#failure;
  }

  #say(text: string): void {
    this.#joinNone();
    this.#unsent.push(text);
  }

  #put(at: number, key: string, rows: WrittenAlike): void {
    const there = this.#unsent[at];
    if (there === undefined) this.#unsent.push(rows);
    else if (typeof there === 'object') there.rows.push(...rows.rows);
    this.#alike.set(key, at);
    for (const { uuid } of rows.rows) if (uuid !== undefined) this.#written.set(`${rows.table} ${uuid}`, at);
  }

  #joinNone(): void {
    for (const places of [this.#alike, this.#added, this.#written]) places.clear();
  }

  #send(statement: Unsent): void {
    const isRight = ({ rowCount }: pg.QueryResult) =>
      typeof statement === 'string' || rowCount === statement.rows.length;
    this.#waiting.push(
      this.#sending.send(statement).then(
        (result) => {
          if (!isRight(result)) this.#failure ??= new Unforeseen();
        },
        (thrown) => {
          this.#failure ??= this.#meaningOf(thrown);
        },
      ),
    );
  }

  /** A value that is there already, for example: its write hears so when it is run again. */
  #meaningOf(thrown: unknown): unknown {
    const error = this.#sending.explain(thrown);
    return isStorageError(error) || isWorthRepeating(error) ? error : new Unforeseen({ cause: error });
  }
}
