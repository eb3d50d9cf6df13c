/**
 * Whether anything is under way, as the kernel tells it: however slow the machine is, a process with something to do is not
 * asleep, and one that has done something since has been awake.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';
import { never } from './signals.ts';

/** Between two looks. A counterpart may sleep for less than a few of them take before it answers. */
const LOOK_MS = 15;

/** Turns of the event loop within which all that waits in the sockets of this process, and what follows from it, is handled. */
const TURNS = 20;

/** Work of this process that goes on in other threads, as Node names it. */
const IN_THREADS = /^(FSReq|GetAddrInfoReq|GetNameInfoReq)/;

/** Asleep, stopped by a signal, or dead. The others run, wait for their turn to run, or wait for the disk. */
const AT_REST = 'STtZX';

/**
 * What is seen at a look. Null while this process waits for a thread of its own, or any process below it has something to
 * do. Otherwise a text that is the same at a later look if nothing was done in between.
 */
export type Stillness = () => string | null;

let next: Promise<Stillness> | null = null;

/**
 * The next look, a moment from now, when this process has handled everything that has arrived. Those who wait at the same
 * time are given the same one, as the kernel takes long to tell of many processes; it is asked if any of them wants to know.
 */
export function nextLook(): Promise<Stillness> {
  next ??= look().finally(() => {
    next = null;
  });
  return next;
}

async function look(): Promise<Stillness> {
  await sleep(LOOK_MS, systemClock, never());
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  let seen: string | null | undefined;
  return () => {
    if (seen === undefined) seen = stillness();
    return seen;
  };
}

function stillness(): string | null {
  if (process.getActiveResourcesInfo().some((name) => IN_THREADS.test(name))) return null;
  const switches: string[] = [];
  // What this process starts is started by its main thread.
  for (const child of childrenOfThread(process.pid, String(process.pid)))
    for (const thread of threadsBelow(child)) {
      if (!thread.atRest) return null;
      switches.push(thread.switches);
    }
  return switches.join('\n');
}

interface Thread {
  readonly atRest: boolean;
  /** Its number, and how often it was given the processor. */
  readonly switches: string;
}

/** The threads of a process, and of all processes below it. */
function* threadsBelow(pid: number): Generator<Thread> {
  for (const id of threadIdsOf(pid)) {
    yield* readThread(`/proc/${pid}/task/${id}/status`);
    for (const child of childrenOfThread(pid, id)) yield* threadsBelow(child);
  }
}

function readThread(path: string): Thread[] {
  const status = readIfThere(path);
  // It has ended just now.
  if (status === '') return [];
  const state = /^State:\t(.)/m.exec(status)?.[1] ?? '';
  const switches = status.match(/^(Pid|(non)?voluntary_ctxt_switches):.*/gm) ?? [];
  return [{ atRest: AT_REST.includes(state), switches: switches.join(' ') }];
}

function childrenOfThread(pid: number, id: string): number[] {
  return readIfThere(`/proc/${pid}/task/${id}/children`)
    .split(' ')
    .filter((child) => child !== '')
    .map(Number);
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
