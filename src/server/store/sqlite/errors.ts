/** What SQLite's result codes mean to an operator. See https://www.sqlite.org/rescode.html. */
import { CountermandError, fail } from '../../../core/errors.ts';
import { UniqueViolation } from '../database.ts';

/** The disk of the file. */
export const DISK = 'the disk of the data folder';

/** How to get a damaged database back. */
export const REPAIR =
  'stop the conductor, keep a copy of the folder, and restore a backup; without one, save what can be read: ' +
  "sqlite3 countermand.db '.recover' | sqlite3 recovered.db";

/**
 * Translates an error of SQLite into one of those that `Database` names. Anything else, for example a violated check, is
 * returned unchanged: it is a fault of the program.
 */
export function explainSqlite(thrown: unknown): unknown {
  if (thrown instanceof CountermandError) return thrown;
  const code = codeOf(thrown);
  if (code === null) return thrown;
  if (UNIQUE.includes(code)) return new UniqueViolation(thrown as Error);
  if (code === 'SQLITE_FULL') return fail('DISK_FULL', `${DISK} is full; nothing was written; free some space`, thrown);
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB'))
    return fail('DATABASE_DAMAGED', `the database file is damaged; nothing was written; ${REPAIR}`, thrown);
  if (UNUSABLE.some((prefix) => code.startsWith(prefix)))
    return fail(
      'DATABASE_UNUSABLE',
      `the database cannot be read or written (${code}); nothing was written; check ${DISK}`,
      thrown,
    );
  return thrown;
}

const UNIQUE = ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY'];
const UNUSABLE = ['SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_PROTOCOL'];

function codeOf(thrown: unknown): string | null {
  const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : null;
}
