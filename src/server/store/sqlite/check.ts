/** A database file that is looked at, and not worked on: a conductor may write it meanwhile. */
import { statSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { CountermandError, fail } from '../../../core/errors.ts';
import { explainSqlite } from './errors.ts';
import { isOurs } from './file.ts';
import { hasTable } from './owner.ts';

/** Tables whose rows are counted for people. */
const COUNTED = ['nodes', 'power_tasks', 'action_plans', 'events'];

/** Columns that name a row, and the table in which that must be. */
const REFERENCES = [
  ['nodes', 'held_by', 'power_tasks'],
  ['actions', 'plan_uuid', 'action_plans'],
  ['plan_nodes', 'plan_uuid', 'action_plans'],
  ['action_plans', 'audit_uuid', 'audits'],
] as const;

/** What a file holds. */
export interface FileFacts {
  readonly bytes: number;
  /** The newest migration that it has. */
  readonly schema: string;
  /** How many rows some of the tables have. */
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * Looks at every page and every reference of a file, at one moment, while a conductor may write it.
 * @throws BACKUP_REFUSED if it cannot be read; DATABASE_NEWER; DATABASE_DAMAGED with what was found first
 */
export function checkFile(path: string): FileFacts {
  return withFile(path, (raw) =>
    raw.transaction((): FileFacts => {
      if (!isOurs(raw)) throw damaged(path, 'it is not a database of countermand');
      const found = raw.pragma('integrity_check(1)', { simple: true });
      if (found !== 'ok') throw damaged(path, String(found).split('\n').at(-1) ?? '');
      refuseDangling(path, raw);
      return factsOf(raw);
    })(),
  );
}

/** What a file holds, without a look at all of it. @throws as `checkFile` */
export function factsOfFile(path: string): FileFacts {
  return withFile(path, factsOf);
}

function refuseDangling(path: string, raw: BetterSqlite3.Database): void {
  for (const [table, column, parent] of REFERENCES) {
    if (![table, parent].every((name) => hasTable(name, raw))) continue;
    const dangling = raw
      .prepare(
        `select ${column} from ${table} where ${column} is not null and ${column} not in (select uuid from ${parent})`,
      )
      .pluck()
      .get();
    if (dangling !== undefined) throw damaged(path, `${column} of ${table} is ${dangling}, which is not in ${parent}`);
  }
}

/**
 * Opens a connection for `work`, and closes it.
 * @throws BACKUP_REFUSED if the file is not there, or is none; DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL; and what `work` throws
 */
export function withFile<T>(path: string, work: (raw: BetterSqlite3.Database) => T): T {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw fail('BACKUP_REFUSED', `${path} is no file, or is not there; name a file that is a backup`);
  let raw: BetterSqlite3.Database | null = null;
  try {
    raw = new BetterSqlite3(path, { fileMustExist: true });
    return work(raw);
  } catch (thrown) {
    const error = explainSqlite(thrown);
    if (error === thrown || !(error instanceof CountermandError) || error.code !== 'DATABASE_DAMAGED') throw error;
    throw damaged(path, (thrown as Error).message);
  } finally {
    raw?.close();
  }
}

function factsOf(raw: BetterSqlite3.Database): FileFacts {
  const read = (sql: string): unknown => raw.prepare(sql).pluck().get();
  const bytes = Number(read('pragma page_count')) * Number(read('pragma page_size'));
  const schema = String(read('select name from knex_migrations order by id desc'));
  const counted = COUNTED.filter((table) => hasTable(table, raw));
  return {
    bytes,
    schema,
    rows: new Map(counted.map((table) => [table, Number(read(`select count(*) from ${table}`))])),
  };
}

/** The error of a file that is not what it has to be. */
export const damaged = (path: string, what: string) =>
  fail(
    'DATABASE_DAMAGED',
    `${path} did not pass its check: ${what}; keep it as it is, and use a backup, or what 'sqlite3 ${path} .recover' finds`,
  );
