/**
 * The database file: its folder, its lock, its checks, and the one connection to it. What is wrong with a file is found
 * here, before anything is read from it as truth.
 */
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import createKnex, { type Knex } from 'knex';
import { syncPath } from '../../../core/durable_file.ts';
import { CountermandError, fail } from '../../../core/errors.ts';
import { openCancellation } from '../../../core/signals.ts';
import { isStorageError } from '../failures.ts';
import type { Change } from '../feed.ts';
import type { OwnProcess } from '../own_process.ts';
import { HEAD_LENGTH, keyIdsOf, type SealingKeys } from '../sealing.ts';
import { BESIDE, databaseIn, FILE, lockIn, reserveIn } from './data_folder.ts';
import { explainSqlite, REPAIR } from './errors.ts';
import { lockFolder } from './lock.ts';
import { migrate } from './migrate.ts';
import { makeNewborn } from './newborn.ts';
import { findOwner, hasOpen, hasTable, inUse, takeOwnership } from './owner.ts';
import { openReserve, RESERVE_BYTES, type Reserve } from './reserve.ts';
import { takeTurns } from './straight.ts';

/** `CMND`, as the file command and other programs find it in the header of the file. */
const APPLICATION_ID = 0x434d4e44;
/** Files up to this size are checked at each start, which takes a third of a second; larger ones after an unclean end. */
const CHECKED_ALWAYS_BYTES = 256 * 2 ** 20;

/**
 * Says in the header of the file that no secret was ever written plain into it, or that it was written anew since. Set with the new
 * file; a file of an earlier version has 0.
 */
const NO_PLAIN_COPIES = 1;

/** An open file, with all that ends with it. */
export interface OpenFile {
  readonly knex: Knex;
  readonly connection: BetterSqlite3.Database;
  /** Raised by each start; 0 if nothing else can open it, which is then not checked. */
  readonly generation: number;
  /** Null for a database in memory. */
  readonly reserve: Reserve | null;
  /** Told of each commit, at the moment when it is durable and before anyone else, and waited for: the simulation listens there. */
  readonly afterCommit?: (changes: readonly Change[]) => Promise<void> | undefined;
  /** Closes the connection and gives up the lock. */
  close(): Promise<void>;
}

/** A connection that several use in turns. Whoever hands it in decides whose turn it is, and can let any statement fail. */
interface SharedTurns {
  readonly connection: BetterSqlite3.Database;
  /** The generation of whoever opens it; 0 for one that only looks. */
  readonly generation: number;
  /** Resolves when it is our turn. */
  take(): Promise<BetterSqlite3.Database>;
  give(): void;
  readonly afterCommit?: OpenFile['afterCommit'];
}

/**
 * Opens the database of a data folder: makes the folder and the file, takes the lock, checks the file, brings the schema
 * up to date. All files are for the owner alone, whatever the umask and the mode of the folder.
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_DAMAGED, DATABASE_NEWER, DATABASE_UNUSABLE, DISK_FULL
 */
export async function openFileIn(
  folder: string,
  self: OwnProcess,
  reserveBytes: number = RESERVE_BYTES,
  keys?: SealingKeys,
): Promise<OpenFile> {
  const unlock = lockFolder(folder);
  try {
    const path = databaseIn(folder);
    if (isNew(path)) create(path);
    else examine(path, folder, self, keys);
    closeModes(path, folder);
    return await openChecked(path, folder, self, openReserve(reserveIn(folder), reserveBytes), unlock);
  } catch (thrown) {
    unlock();
    throw explainSqlite(thrown);
  }
}

/** True if there is a database in this folder. */
export function hasDatabase(folder: string): boolean {
  return existsSync(join(folder, FILE));
}

async function openChecked(
  path: string,
  folder: string,
  self: OwnProcess,
  reserve: Reserve,
  unlock: () => void,
): Promise<OpenFile> {
  const knex = connect(path);
  try {
    await migrate(knex);
    const connection = await connectionOf(knex);
    takeTurns(knex, connection);
    const generation = takeOwnership(self, folder, connection);
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    await reserve.refill(openCancellation([]).signal);
    const close = async (): Promise<void> => {
      try {
        endCleanly(generation, connection);
      } finally {
        await knex.destroy();
        unlock();
      }
    };
    return { knex, connection, generation, reserve, close };
  } catch (error) {
    await knex.destroy();
    throw error;
  }
}

/** Only the present owner ends cleanly. A disk that is full is no reason to fail here: the next start checks the file. */
function endCleanly(generation: number, connection: BetterSqlite3.Database): void {
  try {
    connection.prepare('update database_owner set ended_cleanly = 1 where generation = ?').run(generation);
  } catch (thrown) {
    if (!isStorageError(explainSqlite(thrown))) throw thrown;
  }
}

/** A database in memory, as its bytes, so that the schema is made once for thousands of worlds. */
let newborn: Buffer | null = null;

/** Opens a new database in memory. */
export async function openFileInMemory(): Promise<OpenFile> {
  newborn ??= imageOfNewborn();
  const knex = connect(newborn);
  const connection = await connectionOf(knex);
  takeTurns(knex, connection);
  return { knex, connection, generation: 0, reserve: null, close: () => knex.destroy() };
}

/** A file over a connection that is handed in, with its schema up to date: how the simulation puts faults below the database. */
export function openFileOver({ connection, generation, take, give, afterCommit }: SharedTurns): OpenFile {
  const knex = connect(':memory:');
  // The pool of knex is never asked.
  knex.client.acquireConnection = take;
  knex.client.releaseConnection = async () => give();
  const close = (): Promise<void> => knex.destroy();
  return { knex, connection, generation, reserve: null, close, ...(afterCommit ? { afterCommit } : {}) };
}

/** A new database as bytes, schema included. */
export function imageOfNewborn(): Buffer {
  const connection = new BetterSqlite3(':memory:');
  try {
    makeNewborn(connection);
    connection.pragma(`user_version = ${NO_PLAIN_COPIES}`);
    return connection.serialize();
  } finally {
    connection.close();
  }
}

/** True if there is no database yet. A write-ahead log without its database is what is left of one. */
function isNew(path: string): boolean {
  if (!existsSync(path)) {
    if (existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0)
      throw damaged(`${path} is missing, but its write-ahead log ${path}-wal is there`);
    return true;
  }
  if (statSync(path).size === 0) throw damaged(`${path} is empty`);
  return false;
}

/** Made under another name, and renamed when the schema is there: a crash in between leaves no half of a database. */
function create(path: string): void {
  const draft = `${path}.new`;
  for (const suffix of ['', ...BESIDE]) rmSync(`${draft}${suffix}`, { force: true });
  closeSync(openSync(draft, 'w', 0o600));
  const connection = new BetterSqlite3(draft);
  try {
    preparePragmas(connection);
    makeNewborn(connection);
    connection.pragma(`user_version = ${NO_PLAIN_COPIES}`);
  } finally {
    connection.close();
  }
  renameSync(draft, path);
  syncPath(dirname(path));
}

/** Looks at a file that is there, before it is opened for work, and changes nothing in it. */
function examine(path: string, folder: string, self: OwnProcess, keys?: SealingKeys): void {
  const raw = new BetterSqlite3(path);
  try {
    if (!isOurs(raw)) throw damaged(`${path} is not a database of countermand`);
    const owner = findOwner(raw);
    if (owner && hasOpen(owner, self)) throw inUse(folder, owner.pid);
    if (owner?.endedCleanly !== true || statSync(path).size <= CHECKED_ALWAYS_BYTES) quickCheck(path, raw);
    keys?.check(keysInUse(raw));
  } catch (thrown) {
    const error = explainSqlite(thrown);
    if (error !== thrown && error instanceof CountermandError && error.code === 'DATABASE_DAMAGED')
      throw damaged(`${path} cannot be read as a database`, thrown);
    throw error;
  } finally {
    raw.close();
  }
}

/** The ids of the keys without which a conductor can do nothing with the file. */
function keysInUse(raw: BetterSqlite3.Database): string[] {
  const read = (sql: string): string[] => raw.prepare(sql).pluck().all() as string[];
  const heads = hasTable('nodes', raw) ? read(`select distinct substr(driver_info, 1, ${HEAD_LENGTH}) from nodes`) : [];
  const noted = hasTable('sealing_key', raw) ? read('select id from sealing_key') : [];
  return [...new Set([...keyIdsOf(heads), ...noted])];
}

/**
 * Writes the whole file anew if it is of a version that did not seal: what was overwritten or deleted is in none of its pages, nor
 * in its log. Call it when all rows are sealed. Done once; a crash meanwhile leaves it to the next start. It needs as much room as the file has.
 * @throws DISK_FULL, DATABASE_UNUSABLE
 */
export function forgetPlain(connection: BetterSqlite3.Database): void {
  if (connection.pragma('user_version', { simple: true }) === NO_PLAIN_COPIES) return;
  try {
    // A large file would not fit into memory. What stands in the temporary one is sealed.
    connection.pragma('temp_store = FILE');
    connection.exec('vacuum');
    connection.pragma('temp_store = MEMORY');
    connection.pragma('wal_checkpoint(TRUNCATE)');
    connection.pragma(`user_version = ${NO_PLAIN_COPIES}`);
  } catch (thrown) {
    throw explainSqlite(thrown);
  }
}

/** True for a database of countermand, of whatever version. */
export function isOurs(raw: BetterSqlite3.Database): boolean {
  const id = raw.pragma('application_id', { simple: true });
  return (id === APPLICATION_ID || id === 0) && hasTable('knex_migrations', raw);
}

/** The pages are checked for what a crash of the machine or a bad disk may have done to them. */
function quickCheck(path: string, connection: BetterSqlite3.Database): void {
  const found = connection.pragma('quick_check(1)', { simple: true });
  if (found !== 'ok') throw damaged(`${path} did not pass its check: ${String(found).split('\n').at(-1)}`);
}

const damaged = (what: string, cause?: unknown) => fail('DATABASE_DAMAGED', `${what}; ${REPAIR}`, cause);

/** Files of an earlier version, or made under another umask. */
function closeModes(path: string, folder: string): void {
  const files = [...['', ...BESIDE].map((suffix) => `${path}${suffix}`), lockIn(folder), reserveIn(folder)];
  for (const file of files) if (existsSync(file)) chmodSync(file, 0o600);
}

/**
 * Opens one connection, as a conductor has it. It is made at the first use, and then throws what SQLite throws.
 * @param file its path, or the bytes of a database that is then in memory
 */
export function connect(file: string | Buffer): Knex {
  return createKnex({
    client: 'better-sqlite3',
    // knex hands on what it is given here; better-sqlite3 takes either.
    connection: { filename: file as string },
    useNullAsDefault: true,
    // An error names the statement, never the values that were bound: passwords are among them.
    compileSqlOnError: false,
    // What goes wrong is thrown, and said once.
    log: { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} },
    pool: { min: 1, max: 1, idleTimeoutMillis: 2 ** 31 - 1, afterCreate: prepareConnection },
  });
}

async function connectionOf(knex: Knex): Promise<BetterSqlite3.Database> {
  const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
  await knex.client.releaseConnection(connection);
  return connection;
}

function prepareConnection(connection: BetterSqlite3.Database, done: (error: unknown) => void): void {
  try {
    preparePragmas(connection);
    done(null);
  } catch (error) {
    done(error);
  }
}

function preparePragmas(connection: BetterSqlite3.Database): void {
  connection.pragma('journal_mode = WAL');
  // FULL, so that a commit survives the plug: what was promised to a client or told to an agent must be on the disk.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  // What a savepoint would undo is noted page by page: in memory, as in files it is most of what is written.
  connection.pragma('temp_store = MEMORY');
  // 16 MB: rows are found by random uuids, so that few pages would be in the 2 MB that there are otherwise.
  connection.pragma('cache_size = -16384');
  // At most 32 MB wait in the log: a large plan then pays for one checkpoint where it would pay for many.
  connection.pragma('wal_autocheckpoint = 8000');
  // After a checkpoint the log shrinks again, so that a small disk gets its room back.
  connection.pragma('journal_size_limit = 4194304');
  // What was deleted or overwritten is zeroed: secrets that an operator has changed are not left in free pages.
  if (!connection.memory) connection.pragma('secure_delete = ON');
}
