/**
 * Who owns the database: one row with a generation, which each start raises by one. Every transaction checks it, so that
 * a conductor whose lock file was deleted stops writing as soon as another has opened the database.
 */
import type BetterSqlite3 from 'better-sqlite3';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { isAlive, type OwnProcess, type ProcessId } from '../own_process.ts';

/** The row, as it was read. */
interface OwnerRow extends ProcessId {
  readonly generation: number;
  readonly endedCleanly: boolean;
}

/** True if the database has this table. */
export function hasTable(name: string, connection: BetterSqlite3.Database): boolean {
  return connection.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== undefined;
}

/** The owner's row, or null in a database of a version before 0008. */
export function findOwner(connection: BetterSqlite3.Database): OwnerRow | null {
  if (!hasTable('database_owner', connection)) return null;
  const row = connection
    .prepare('select generation, host, pid, started_at as startedAt, ended_cleanly from database_owner')
    .get() as (Omit<OwnerRow, 'endedCleanly'> & { ended_cleanly: number }) | undefined;
  if (row === undefined) return null;
  const { ended_cleanly, ...owner } = row;
  return { ...owner, endedCleanly: ended_cleanly === 1 };
}

/** True if the owner may still write: it has not closed the database, and its process runs on this host. */
export const hasOpen = (owner: OwnerRow, self: OwnProcess): boolean => !owner.endedCleanly && isAlive(owner, self);

const TAKE = `
  insert into database_owner (id, generation, host, pid, started_at, ended_cleanly) values (1, 1, ?, ?, ?, 0)
  on conflict (id) do update set generation = generation + 1, host = excluded.host, pid = excluded.pid,
    started_at = excluded.started_at, ended_cleanly = 0
  returning generation`;

/**
 * Makes this process the owner. @returns the new generation
 * @throws DATA_FOLDER_IN_USE if the owner has not closed the database, and its process still runs on this host
 */
export function takeOwnership(self: OwnProcess, folder: string, connection: BetterSqlite3.Database): number {
  const take = connection.transaction((): number => {
    const owner = findOwner(connection);
    if (owner && hasOpen(owner, self)) throw inUse(folder, owner.pid);
    const taken = connection.prepare(TAKE).get(self.host, self.pid, self.startedAt) as { generation: number };
    return taken.generation;
  });
  // Immediate: two processes that start at once do not both find the owner dead.
  return take.immediate();
}

/** @param pid of the other conductor, if it is known */
export function inUse(folder: string, pid: number | null, cause?: unknown): CountermandError {
  const who = pid === null ? 'another conductor' : `another conductor (pid ${pid})`;
  return fail('DATA_FOLDER_IN_USE', `${who} uses the data folder ${folder}; stop it, or choose another (data)`, cause);
}
