/** The process that has a database open, so that it can be told from another one with the same pid. */
import { readFileSync } from 'node:fs';
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
  /** When a process of this host was started, as in `startedAt`; null if there is no such process. */
  readonly startOf: (pid: number) => string | null;
}

/** This process, as other conductors on this host recognise it. */
export function thisProcess(): OwnProcess {
  return { host: hostId(), pid: process.pid, startedAt: startOf(process.pid) ?? '', startOf };
}

/** The host name and the boot: a pid means nothing after a reboot. */
function hostId(): string {
  return `${hostname()} ${readOr('/proc/sys/kernel/random/boot_id', '').trim()}`;
}

/**
 * Field 22 of /proc/PID/stat; null if there is no such process, or if it has ended and only its parent has not looked yet (state Z or X).
 * The command in field 2 may contain blanks and brackets.
 */
function startOf(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`, '');
  const [state = 'X', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 'ZX'.includes(state) ? null : (fields[18] ?? null);
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** True if the owner is another process that runs on this host. */
export function isAlive(owner: ProcessId, self: OwnProcess): boolean {
  if (owner.host !== self.host || owner.startedAt === '') return false;
  return owner.pid !== self.pid && self.startOf(owner.pid) === owner.startedAt;
}
