/**
 * A database file as a whole: copied beside a conductor that writes it, checked, put back where none is, and written anew. A copy stands
 * under its name when it is whole and on the disk, or not at all, and replaces no file.
 */
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Knex } from 'knex';
import { syncPath } from '../../../core/durable_file.ts';
import { CountermandError, fail } from '../../../core/errors.ts';
import { thisProcess } from '../own_process.ts';
import { checkFile, damaged, type FileFacts, factsOfFile, withFile } from './check.ts';
import { BESIDE, databaseIn } from './data_folder.ts';
import { explainSqlite } from './errors.ts';
import { connect, hasDatabase, imageOfNewborn, isOurs } from './file.ts';
import { lockFolder, lookInto } from './lock.ts';
import { migrate } from './migrate.ts';
import { findOwner, hasOpen, inUse } from './owner.ts';

/** What belongs to the process that a database was opened by, and not to the installation. */
const OF_THE_PROCESS = ['database_owner', 'conductors'];

/** How a copy is made. */
interface CopyParts {
  /** A name beside the target, under which it is written. No other process uses it. */
  readonly draft: string;
  /** Now, in milliseconds since 1970. */
  readonly now: number;
}

/**
 * Copies the database of a folder, as it is at one moment, into a new file, while a conductor may write it. The copy says that it is one,
 * and has the schema of this version.
 * @throws BACKUP_REFUSED if there is something at `target`, or nothing can be made there; DATABASE_REFUSED if the folder has no database;
 *   DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL. Then nothing is left at the target or beside it
 */
export async function backUpFile(folder: string, target: string, parts: CopyParts): Promise<FileFacts> {
  return makeFile(target, parts, () => copyInto(mustHaveDatabase(folder), parts.draft));
}

/**
 * Makes a backup at `target` from whatever `write` writes into the draft, which is there and empty.
 * @throws as `backUpFile`, and what `write` throws
 */
async function makeFile(
  target: string,
  { draft, now }: CopyParts,
  write: () => Promise<void> | void,
): Promise<FileFacts> {
  refuseTaken(target);
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    await write();
    await finish(draft, now);
    const facts = factsOfFile(draft);
    syncPath(draft);
    giveName(draft, target);
    syncPath(dirname(target));
    return facts;
  } catch (thrown) {
    throw explainTarget(thrown, target);
  } finally {
    removeDraft(draft);
  }
}

/**
 * Makes a backup from the rows of a database of another engine.
 * @param copy writes them into an empty database of this version, in a transaction
 * @throws as `backUpFile`, and what `copy` throws
 */
export async function backUpRows(
  target: string,
  parts: CopyParts,
  copy: (sql: Knex) => Promise<unknown>,
): Promise<FileFacts> {
  return makeFile(target, parts, async () => {
    writeFileSync(parts.draft, imageOfNewborn());
    const knex = connect(parts.draft);
    try {
      await knex.transaction(copy);
    } finally {
      await knex.destroy();
    }
  });
}

/**
 * Puts a backup into a data folder that has no database. A conductor that starts there ends what was under way when the backup was made.
 * @throws BACKUP_REFUSED if the folder has a database, or `file` cannot be read, or is damaged; DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE,
 *   DATABASE_NEWER, DATABASE_UNUSABLE, DISK_FULL: then the folder has no database
 */
export async function restoreFile(file: string, folder: string, now: number): Promise<FileFacts> {
  const facts = checkBackup(file);
  const unlock = lockFolder(folder);
  const path = databaseIn(folder);
  const draft = `${path}.new`;
  try {
    const there = [path, ...BESIDE.map((suffix) => `${path}${suffix}`)].find((each) => existsSync(each));
    if (there !== undefined)
      throw fail(
        'BACKUP_REFUSED',
        `${there} exists already; nothing was written; name another data folder, or move the database away with all of its files`,
      );
    removeDraft(draft);
    closeSync(openSync(draft, 'wx', 0o600));
    copyInto(file, draft);
    await finish(draft, now);
    syncPath(draft);
    renameSync(draft, path);
    syncPath(dirname(path));
    return facts;
  } catch (thrown) {
    throw explainTarget(thrown, path);
  } finally {
    removeDraft(draft);
    unlock();
  }
}

/** As `checkFile`; a damaged file is refused as a backup: no database of a conductor is damaged. */
function checkBackup(file: string): FileFacts {
  try {
    return checkFile(file);
  } catch (thrown) {
    if (!(thrown instanceof CountermandError) || thrown.code !== 'DATABASE_DAMAGED') throw thrown;
    throw fail('BACKUP_REFUSED', thrown.message, thrown);
  }
}

/** As `checkFile`, of the database in a data folder. @throws DATABASE_REFUSED if there is none */
export function checkFolder(folder: string): FileFacts {
  return checkFile(mustHaveDatabase(folder));
}

/**
 * Writes the database of a folder anew, without the room that deleted rows have left. It needs as much room as the file.
 * @returns its size before and after, in bytes
 * @throws DATABASE_REFUSED if there is none; DATA_FOLDER_IN_USE if a conductor has it; DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL:
 *   then it is as it was
 */
export function vacuumFolder(folder: string): { readonly before: number; readonly after: number } {
  const path = mustHaveDatabase(folder);
  const unlock = lockFolder(folder);
  try {
    return withFile(path, (raw) => {
      const owner = findOwner(raw);
      if (owner && hasOpen(owner, thisProcess())) throw inUse(folder, owner.pid);
      raw.pragma('wal_checkpoint(TRUNCATE)');
      const before = statSync(path).size;
      raw.pragma('synchronous = FULL');
      raw.exec('vacuum');
      raw.pragma('wal_checkpoint(TRUNCATE)');
      return { before, after: statSync(path).size };
    });
  } finally {
    unlock();
  }
}

function mustHaveDatabase(folder: string): string {
  lookInto(folder);
  if (!hasDatabase(folder)) throw fail('DATABASE_REFUSED', `there is no database in the folder ${folder}`);
  return databaseIn(folder);
}

/** One statement is one moment. Neither SQLite nor we wait for a disk here: the draft is synced when it is done. */
function copyInto(from: string, draft: string): void {
  withFile(from, (raw) => {
    if (!isOurs(raw)) throw damaged(from, 'it is not a database of countermand');
    raw.prepare('vacuum into ?').run(draft);
  });
}

/** Makes a draft a backup: of this version, opened by no process, and with the time of which it is. One that is a backup keeps its time. */
async function finish(draft: string, now: number): Promise<void> {
  const knex = connect(draft);
  try {
    await migrate(knex);
    await knex('database_id').whereNull('backed_up_at').update({ backed_up_at: now });
    for (const table of OF_THE_PROCESS) await knex(table).delete();
    // Without a log beside it, the file is the whole of it, and can be read where nothing can be written.
    await knex.raw('pragma journal_mode = DELETE');
  } finally {
    await knex.destroy();
  }
}

function refuseTaken(target: string): void {
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined)
    throw fail('BACKUP_REFUSED', `${target} exists already, and a backup replaces no file; name another`);
}

/** A link is made only where nothing is. Where a file system has none, the name was free a moment ago. */
function giveName(draft: string, target: string): void {
  try {
    linkSync(draft, target);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    refuseTaken(target);
    renameSync(draft, target);
  }
}

function removeDraft(draft: string): void {
  for (const suffix of ['', ...BESIDE]) rmSync(`${draft}${suffix}`, { force: true });
}

const FULL = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'DISK_FULL'];

/** What went wrong with a file that was to be made, in terms of that file. */
function explainTarget(thrown: unknown, target: string): unknown {
  const code = codeOf(thrown) ?? codeOf((thrown as Error).cause);
  if (code !== null && FULL.includes(code))
    return fail(
      'DISK_FULL',
      `the disk of ${target} is full; nothing was made; free some space, or name a place on another disk`,
      thrown,
    );
  if (code === 'EEXIST') return fail('BACKUP_REFUSED', `${target} exists already; name another file`, thrown);
  if (code !== null && /^E[A-Z]+$/.test(code))
    return fail('BACKUP_REFUSED', `${target} cannot be made: ${(thrown as Error).message}`, thrown);
  return explainSqlite(thrown);
}

function codeOf(thrown: unknown): string | null {
  const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : null;
}
