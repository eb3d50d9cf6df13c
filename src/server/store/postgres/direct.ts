/** Statements about few rows, past knex: each is prepared once for the life of the connection, under a name. */
import type pg from 'pg';
import { fail } from '../../../core/errors.ts';
import type { ColumnValues } from '../database.ts';
import type { DirectWithSavepoint } from '../groups.ts';
import { portionsOfFewLengths } from '../portions.ts';
import { SentAhead, type WrittenAlike } from './sent_ahead.ts';

/** This many rows are inserted by one statement. */
const ROWS_IN_ONE = 256;

/** The names of statements, by their texts. The texts are few: see `portionsOfFewLengths`. */
export type StatementNames = Map<string, string>;

const quoted = (name: string): string => `"${name}"`;

type Run = (text: string, values: unknown[]) => Promise<pg.QueryResult>;

const runOn =
  (client: pg.Client, names: StatementNames): Run =>
  (text, values) => {
    const name = names.get(text) ?? `s${names.size}`;
    names.set(text, name);
    return client.query({ name, text, values });
  };

/** Over the connection of the transaction that is open on it. Every statement is waited for. */
export function openDirect(client: pg.Client, names: StatementNames): DirectWithSavepoint {
  const run = runOn(client, names);
  let behind = false;
  return {
    async insert(table, rows) {
      const columns = columnsOf(rows);
      for (const part of portionsOfFewLengths(rows, ROWS_IN_ONE)) await run(...insertion(table, columns, part));
    },
    async update(table, values, where) {
      return (await run(...change(table, values, where))).rowCount ?? 0;
    },
    find: async (table, where) => (await run(...question(table, where))).rows,
    async savepoint() {
      await client.query(behind ? 'release savepoint one; savepoint one' : 'savepoint one');
      behind = true;
    },
    release: () => mustBeOpen(client),
    undo: async () => void (await client.query('rollback to savepoint one')),
  };
}

interface DirectAhead extends DirectWithSavepoint {
  readonly sent: SentAhead;
}

/**
 * As `openDirect`, for a transaction that sends ahead what need not be waited for.
 * @param explain translates an error of the engine
 */
export function openAhead(
  client: pg.Client,
  names: StatementNames,
  explain: (thrown: unknown) => unknown,
): DirectAhead {
  const run = runOn(client, names);
  const { stream } = client.connection;
  const sent = new SentAhead({
    send: (statement) => (typeof statement === 'string' ? client.query(statement) : run(...writing(statement))),
    together(send) {
      stream.cork();
      send();
      stream.uncork();
    },
    explain,
  });
  return {
    sent,
    async insert(table, rows) {
      if (rows.length > 0) sent.insert(table, columnsOf(rows), rows);
    },
    async update(table, values, where, expected) {
      const { revision } = values;
      const { uuid, revision: before, ...others } = where;
      const isKnown = expected === 1 && typeof revision === 'number' && revision - 1 === before;
      if (isKnown && typeof uuid === 'string' && Object.keys(others).length === 0) {
        sent.update(table, uuid, { ...values, revision });
        return expected;
      }
      sent.flush();
      return (await run(...change(table, values, where))).rowCount ?? 0;
    },
    async find(table, where) {
      sent.flush();
      return (await run(...question(table, where))).rows;
    },
    savepoint: async () => sent.savepoint(),
    release: async () => {},
    undo: async () => sent.undo(),
  };
}

/** A column that is not named is null; of a new power task, half of them are. */
const columnsOf = (rows: readonly ColumnValues[]): string[] =>
  Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null));

type Statement = [text: string, values: unknown[]];

/** One row is written by a statement of its own; of many, the server reads the types of their columns from the table. */
function writing({ kind, table, columns, rows }: WrittenAlike): Statement {
  const [row, second] = rows;
  if (row !== undefined && second === undefined) {
    if (kind === 'insert') return insertion(table, columns, rows);
    const { uuid, ...values } = row;
    return change(table, values, { uuid, revision: Number(values.revision) - 1 });
  }
  const given = `json_populate_recordset(null::${quoted(table)}, $1)`;
  const names = columns.map(quoted);
  const values = [JSON.stringify(rows)];
  if (kind === 'insert') return [`insert into ${quoted(table)} (${names}) select ${names} from ${given}`, values];
  const set = names.map((name) => `${name} = given.${name}`);
  const found = `old.uuid = given.uuid and old.revision = given.revision - 1`;
  return [`update ${quoted(table)} old set ${set} from ${given} given where ${found}`, values];
}

function insertion(table: string, columns: readonly string[], rows: readonly ColumnValues[]): Statement {
  const values = rows.flatMap((row) => columns.map((name) => row[name]));
  const places = rows.map((_, at) => `(${columns.map((_, column) => `$${at * columns.length + column + 1}`)})`);
  return [`insert into ${quoted(table)} (${columns.map(quoted)}) values ${places}`, values];
}

function change(table: string, values: ColumnValues, where: ColumnValues): Statement {
  const names = Object.keys(values);
  const found = conditionOf(where, names.length);
  const set = names.map((name, at) => `${quoted(name)} = $${at + 1}`);
  return [`update ${quoted(table)} set ${set} where ${found.text}`, [...Object.values(values), ...found.values]];
}

function question(table: string, where: ColumnValues): Statement {
  const found = conditionOf(where, 0);
  return [`select * from ${quoted(table)} where ${found.text}`, found.values];
}

/**
 * True if the transaction has not failed. An error and the state that follows from it are two messages, so that `pg` may have heard of
 * one of them only: whoever asks between the two waits for the second.
 */
export async function isOpen(client: pg.Client): Promise<boolean> {
  const { readyForQuery } = client as pg.Client & { readonly readyForQuery: boolean };
  // The answer to what is asked now comes behind it.
  if (!readyForQuery) await client.query('');
  return client.getTransactionStatus() === 'T';
}

/**
 * After an error PostgreSQL undoes the transaction whatever follows, and answers COMMIT as if all was well.
 * @throws INTERNAL if a callback has kept an error of the database to itself
 */
export async function mustBeOpen(client: pg.Client): Promise<void> {
  if (!(await isOpen(client)))
    throw fail(
      'INTERNAL',
      'a write went on after an error of the database, which undoes all of it; nothing was written',
    );
}

interface Condition {
  readonly text: string;
  readonly values: unknown[];
}

/** @param before how many values the statement has already */
function conditionOf(where: ColumnValues, before: number): Condition {
  const values: unknown[] = [];
  const parts = Object.entries(where).map(([name, value]) => {
    if (value === null) return `${quoted(name)} is null`;
    const place = `$${before + values.push(value)}`;
    return `${quoted(name)} = ${Array.isArray(value) ? `any(${place})` : place}`;
  });
  return { text: parts.join(' and '), values };
}
