/** The process that has a database open, so that it can be told from another one with the same pid. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process as the row of the owner names it. */
export interface ProcessId {
  readonly host: string;
  readonly pid: number;
  /** When the kernel started it, in clock ticks since boot; empty where /proc does not say. */
  readonly startedAt: string;
}

/** The process that opens the database. */
export interface OwnProcess extends ProcessId {
  /** When a process of this host was started, as in `startedAt`; null only if it is known that there is no such process. */
  readonly startOf: (pid: number) => string | null;
}

/** This process, as other conductors on this host recognise it. */
export function thisProcess(): OwnProcess {
  return { host: hostId(), pid: process.pid, startedAt: startOf(process.pid) ?? '', startOf };
}

/**
 * The host name, the boot and the namespace of the pids: a pid means nothing after a reboot, and another process in another container,
 * also in one with the same host name.
 */
function hostId(): string {
  const boot = textOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = textOr('', () => readlinkSync('/proc/self/ns/pid'));
  return `${hostname()} ${boot} ${namespace}`;
}

/**
 * Field 22 of /proc/PID/stat; null if there is no such process, or if it has ended and only its parent has not looked yet (state Z or X).
 * The command in field 2 may contain blanks and brackets. A process that /proc hides, as from a unit with ProtectProc, is there.
 */
function startOf(pid: number): string | null {
  const stat = textOr('', () => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === '') return isThere(pid) ? '' : null;
  const [state = 'X', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 'ZX'.includes(state) ? null : (fields[18] ?? '');
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function textOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** True if the owner is another process that runs on this host. */
export function isAlive(owner: ProcessId, self: OwnProcess): boolean {
  if (owner.host !== self.host || owner.startedAt === '') return false;
  return owner.pid !== self.pid && self.startOf(owner.pid) === owner.startedAt;
}

/**
 * True if it is known that an owner on this host runs no more, or is this process itself. Any doubt is false: what was inside a process
 * that still runs may act. Two processes with one pid are in doubt if they were started at different times, as clocks of two
 * time namespaces differ.
 */
export function hasEnded(owner: ProcessId, self: OwnProcess): boolean {
  if (owner.host !== self.host || owner.startedAt === '') return false;
  if (owner.pid === self.pid) return owner.startedAt === self.startedAt;
  return self.startOf(owner.pid) === null;
}
