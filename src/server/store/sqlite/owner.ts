/**
 * Who owns the database: one row with a generation, which each start raises by one. Every transaction checks it, so that
 * a conductor whose lock file was deleted stops writing as soon as another has opened the database.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type BetterSqlite3 from 'better-sqlite3';
import { type CountermandError, fail } from '../../../core/errors.ts';

/** A process, so that it can be told from another with the same pid. */
interface ProcessId {
  readonly host: string;
  readonly pid: number;
  /** When the kernel started it, in clock ticks since boot; empty where /proc does not say. */
  readonly startedAt: string;
}

/** The process that opens the database. */
export interface OwnProcess extends ProcessId {
  /** When a process of this host was started, as in `startedAt`; null if there is no such process. */
  readonly startOf: (pid: number) => string | null;
}

/** The row, as it was read. */
interface OwnerRow extends ProcessId {
  readonly generation: number;
  readonly endedCleanly: boolean;
}

/** This process, as other conductors on this host recognise it. */
export function thisProcess(): OwnProcess {
  return { host: hostId(), pid: process.pid, startedAt: startOf(process.pid) ?? '', startOf };
}

/** The host name and the boot: a pid means nothing after a reboot. */
function hostId(): string {
  return `${hostname()} ${readOr('/proc/sys/kernel/random/boot_id', '').trim()}`;
}

/** Field 22 of /proc/PID/stat; null if there is no such process. The command in field 2 may contain blanks and brackets. */
function startOf(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`, '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
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

/** True if the owner is another process that runs on this host. */
export function isAlive(owner: ProcessId, self: OwnProcess): boolean {
  if (owner.host !== self.host || owner.startedAt === '') return false;
  return owner.pid !== self.pid && self.startOf(owner.pid) === owner.startedAt;
}

const TAKE = `
  insert into database_owner (id, generation, host, pid, started_at, ended_cleanly) values (1, 1, ?, ?, ?, 0)
  on conflict (id) do update set generation = generation + 1, host = excluded.host, pid = excluded.pid,
    started_at = excluded.started_at, ended_cleanly = 0
  returning generation`;

/**
 * Makes this process the owner. @returns the new generation
 * @throws DATA_FOLDER_IN_USE if the owner still runs on this host
 */
export function takeOwnership(self: OwnProcess, folder: string, connection: BetterSqlite3.Database): number {
  const take = connection.transaction((): number => {
    const owner = findOwner(connection);
    if (owner && isAlive(owner, self)) throw inUse(folder, owner.pid);
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
