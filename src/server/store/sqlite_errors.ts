/** What SQLite's result codes mean to an operator. See https://www.sqlite.org/rescode.html. */
import { CountermandError, fail } from '../../core/errors.ts';

/** The error codes that say that the database, and not the caller, is at fault. */
const STORAGE_CODES = ['DISK_FULL', 'DATABASE_DAMAGED', 'DATABASE_UNUSABLE'] as const;

/** How to get a damaged database back. */
export const REPAIR =
  'stop the conductor, keep a copy of the folder, and restore a backup; without one, run: ' +
  "sqlite3 countermand.db '.recover' | sqlite3 recovered.db";

/**
 * Translates an error of SQLite into an error of ours. Anything else, for example a violated constraint, is returned
 * unchanged: it is a fault of the program.
 */
export function explainSqlite(thrown: unknown): unknown {
  if (thrown instanceof CountermandError) return thrown;
  const code = codeOf(thrown);
  if (code === null) return thrown;
  if (code === 'SQLITE_FULL')
    return fail('DISK_FULL', 'the disk of the data folder is full; nothing was written; free some space', thrown);
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB'))
    return fail('DATABASE_DAMAGED', `the database file is damaged; nothing was written; ${REPAIR}`, thrown);
  if (UNUSABLE.some((prefix) => code.startsWith(prefix)))
    return fail(
      'DATABASE_UNUSABLE',
      `the database cannot be read or written (${code}); nothing was written; check the disk of the data folder`,
      thrown,
    );
  return thrown;
}

const UNUSABLE = ['SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_PROTOCOL'];

function codeOf(thrown: unknown): string | null {
  const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : null;
}

/** True if the database itself failed: SQLite may then have rolled back the whole transaction. */
export function isStorageError(thrown: unknown): thrown is CountermandError {
  return thrown instanceof CountermandError && STORAGE_CODES.some((code) => code === thrown.code);
}

/** True if something failed because the database did, also if that stands behind an error of ours: later it may succeed. */
export function isStorageFailure(thrown: unknown): boolean {
  if (isStorageError(explainSqlite(thrown))) return true;
  return (
    thrown instanceof CountermandError && thrown.code === 'INTERNAL' && isStorageError(explainSqlite(thrown.cause))
  );
}
