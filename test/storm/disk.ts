/**
 * A disk that vanishes and comes back: a small file system that can be filled, and a limit on the size of files under which
 * every write fails. Both are real, and need no rights that a developer does not have.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startProgram } from '../e2e/processes.ts';

/** The file system under the data folder of a conductor. It lives as long as the process that holds it. */
export class StormDisk {
  /** What comes before a command that is to see the disk. */
  readonly within: readonly string[];
  /** The data folder, as it is seen from here. */
  readonly #seen: string;

  private constructor(holder: number, folder: string, within: readonly string[]) {
    this.within = within;
    this.#seen = `/proc/${holder}/root${folder}`;
  }

  /** Mounts one on the folder, where only those who run `within` see it. */
  static async mount(t: ExecutionContext, folder: string, megabytes: number): Promise<StormDisk> {
    const isRoot = process.getuid?.() === 0;
    const script = `mount -t tmpfs -o size=${megabytes}m,mode=755 small "$0" && echo mounted && exec sleep infinity`;
    const holder = startProgram(t, ['unshare', isRoot ? '-m' : '-Urm', 'sh', '-c', script], [folder]);
    await holder.said.until('the disk to be mounted', (line) => line === 'mounted');
    const spaces = isRoot ? ['--mount'] : ['--user', '--mount', '--preserve-credentials'];
    return new StormDisk(holder.pid, folder, ['nsenter', `--target=${holder.pid}`, ...spaces]);
  }

  /** Fills it to the last page. */
  fill(): Promise<void> {
    const stream = createWriteStream(join(this.#seen, 'filler'));
    const block = Buffer.alloc(2 ** 20, 'x');
    return new Promise((resolve, reject) => {
      stream.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOSPC' ? resolve() : reject(error)));
      const write = (): void => {
        while (stream.write(block));
        stream.once('drain', write);
      };
      write();
    });
  }

  /** Copies what is on it, but for the reserve. SQLite itself would resolve the path to what we see there, which is nothing. */
  async copyTo(folder: string): Promise<void> {
    await cp(this.#seen, folder, { recursive: true, filter: (path) => !path.endsWith('/reserve') });
  }

  /** Gives back what was filled. */
  free(): void {
    rmSync(join(this.#seen, 'filler'), { force: true });
  }
}

/**
 * From now on a process can write no file beyond this size: SQLite is told of an input/output error.
 * @returns false if there is no such process any more
 */
export function failWrites(pid: number, beyondBytes: number): boolean {
  return limitFiles(pid, String(beyondBytes));
}

/** Ends `failWrites`. @returns false if there is no such process any more */
export function healWrites(pid: number): boolean {
  return limitFiles(pid, 'unlimited');
}

/** The soft limit only: raising it again takes no rights. */
function limitFiles(pid: number, limit: string): boolean {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${limit}:`], { encoding: 'utf8' });
  if (status !== 0 && !stderr.includes('No such process')) throw new Error(stderr);
  return status === 0;
}
