/**
 * Whether anything is under way, as the kernel tells it: however slow the machine is, a process with something to do is not
 * asleep, and one that has done something since has been awake.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Turns of the event loop within which all that waits in the sockets of this process, and what follows from it, is handled. */
const TURNS = 20;

/** Work of this process that goes on in other threads, as Node names it. */
const IN_THREADS = /^(FSReq|GetAddrInfoReq|GetNameInfoReq)/;

/** Asleep, stopped by a signal, or dead. The others run, wait for their turn to run, or wait for the disk. */
const AT_REST = 'STtZX';

/** Lets this process handle everything that has arrived. */
export async function handleArrivals(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Null while this process waits for a thread of its own, or any process below it has something to do. Otherwise a text that
 * is the same at a later call if nothing was done in between.
 */
export function stillness(): string | null {
  if (process.getActiveResourcesInfo().some((name) => IN_THREADS.test(name))) return null;
  const threads = childrenOf(process.pid).flatMap(threadsBelow);
  return threads.some(({ atRest }) => !atRest) ? null : threads.map(({ switches }) => switches).join('\n');
}

interface Thread {
  readonly atRest: boolean;
  /** Its number, and how often it was given the processor. */
  readonly switches: string;
}

/** The threads of a process, and of all processes below it. */
function threadsBelow(pid: number): Thread[] {
  const own = threadIdsOf(pid).flatMap((id) => readThread(`/proc/${pid}/task/${id}/status`));
  return [...own, ...childrenOf(pid).flatMap(threadsBelow)];
}

function readThread(path: string): Thread[] {
  const status = readIfThere(path);
  // It has ended just now.
  if (status === '') return [];
  const state = /^State:\t(.)/m.exec(status)?.[1] ?? '';
  const switches = status.match(/^(Pid|(non)?voluntary_ctxt_switches):.*/gm) ?? [];
  return [{ atRest: AT_REST.includes(state), switches: switches.join(' ') }];
}

function childrenOf(pid: number): number[] {
  return threadIdsOf(pid).flatMap((id) =>
    readIfThere(`/proc/${pid}/task/${id}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
}

function threadIdsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
