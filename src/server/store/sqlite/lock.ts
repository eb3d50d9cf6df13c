/** The lock of a data folder: one process at a time has its database. */
import { closeSync, constants, openSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { CountermandError, fail } from '../../../core/errors.ts';
import { makeFolder } from '../../../core/folders.ts';
import { checkFilesIn, lockIn } from './data_folder.ts';
import { inUse } from './owner.ts';

/** What cannot even be looked at is told as well. Nothing is written. @throws DATA_FOLDER_UNUSABLE, DATABASE_UNUSABLE */
export function lookInto(folder: string): void {
  try {
    checkFilesIn(folder);
  } catch (error) {
    throw error instanceof CountermandError ? error : explainLock(folder, error as Error);
  }
}

/**
 * Makes the folder if it is not there, and takes its lock. The lock is a transaction that is never committed, on a file of its own: it
 * ends with the process, however that ends, and the database itself can be read beside us. If the file is deleted, `owner.ts` still
 * tells a living conductor.
 * @returns what gives it up
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_UNUSABLE
 */
export function lockFolder(folder: string): () => void {
  lookInto(folder);
  try {
    makeFolder(folder);
    const path = lockIn(folder);
    // Not to be waited for, if it has become a FIFO since it was looked at.
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600));
    const lock = new BetterSqlite3(path, { timeout: 0 });
    try {
      lock.exec('begin exclusive');
    } catch (error) {
      lock.close();
      throw error;
    }
    return () => lock.close();
  } catch (error) {
    throw explainLock(folder, error as Error & { code?: string });
  }
}

function explainLock(folder: string, error: Error & { code?: string }): Error {
  if (error.code?.startsWith('SQLITE_BUSY')) return inUse(folder, null, error);
  if (error.code?.startsWith('SQLITE_NOTADB'))
    return fail(
      'DATA_FOLDER_UNUSABLE',
      `${lockIn(folder)} is not the lock that it should be; remove it if no conductor runs on this folder, and start again`,
      error,
    );
  return fail(
    'DATA_FOLDER_UNUSABLE',
    `the data folder ${folder} cannot be used: ${error.message}; choose another (data)`,
    error,
  );
}
