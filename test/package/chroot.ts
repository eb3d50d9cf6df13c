/** A system to install packages in: this one, with all that is written kept apart and thrown away. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';

/** The result of a command. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The system. It is gone after the test. */
export interface Chroot {
  /** Where its files are; only processes in it see them. */
  readonly prefix: readonly string[];
  /** Runs a command in it, as root, with nothing of our environment. */
  run(...words: readonly string[]): Promise<Ended>;
  /** The same; throws with what it said if it fails. */
  must(...words: readonly string[]): Promise<string>;
}

/**
 * Mounts of its own, which end with its last process; then it says so, and waits until it is killed. Without that file dpkg
 * does not index all manual pages of the system again, which is not what is tested and costs ten seconds.
 */
const HOLD = `
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/system" &&
mount --bind /dev "$1/system/dev" && mount -t proc proc "$1/system/proc" && mount -t tmpfs tmpfs "$1/system/run" &&
mount --bind "$1/given" "$1/system/mnt" && rm -f "$1/system/var/lib/man-db/auto-update" && echo mounted && exec sleep infinity`;

/**
 * Opens one. The files of `given` in the folder that it answers are seen in it at /mnt.
 * Null where that is not possible: without root, or where an overlay cannot be mounted.
 */
export async function openChroot(t: ExecutionContext): Promise<{ chroot: Chroot; given: string } | null> {
  const folder = await newFolder(t);
  for (const name of ['upper', 'work', 'system', 'given']) await mkdir(join(folder, name));
  const words = [
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    HOLD,
    'sh',
    folder,
  ];
  const holder = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(holder, 'close');
  t.teardown(async () => {
    holder.kill('SIGKILL');
    await ended;
  });
  if (!(await isMounted(holder))) return null;
  const prefix = ['nsenter', '--target', String(holder.pid), '--mount', 'chroot', join(folder, 'system')];
  const run = (...command: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const [program = '', ...rest] = [...prefix, ...command];
      const env = {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C.UTF-8',
        DEBIAN_FRONTEND: 'noninteractive',
      };
      execFile(program, rest, { env }, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      );
    });
  const must = async (...command: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(...command);
    if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout;
  };
  return { chroot: { prefix, run, must }, given: join(folder, 'given') };
}

async function isMounted({ stdout }: ChildProcess): Promise<boolean> {
  if (stdout === null) return false;
  for await (const line of createInterface(stdout)) return line === 'mounted';
  return false;
}
