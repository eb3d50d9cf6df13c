/**
 * Where the tests have their temporary files: in memory, if there is room. They write some ten thousand files and wait for the disk at each
 * commit, and nothing of it outlives them. A process that is killed loses nothing there either.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file system in memory that every Linux has. */
const SHARED_MEMORY = '/dev/shm';
/** More than the tests need at any moment. */
const ROOM_BYTES = 6 * 1024 ** 3;

/** True if a file system in memory is mounted here, as /proc/mounts says it, on which programs may run. */
export function isUsable(mounts: string, place: string): boolean {
  const fields = mounts.split('\n').map((line) => line.split(' '));
  const [, , type, options = ''] = fields.findLast(([, mountedAt]) => mountedAt === place) ?? [];
  const said = options.split(',');
  return type === 'tmpfs' && said.includes('rw') && !said.includes('noexec');
}

function hasRoom(place: string): boolean {
  const { bavail, bsize } = statfsSync(place);
  return Math.min(bavail * bsize, process.availableMemory()) >= ROOM_BYTES;
}

/** The folder for temporary folders: that of TMPDIR if it is set, else one in memory, else the system's. */
function placeOf(): string {
  if (process.env.TMPDIR || process.platform !== 'linux') return tmpdir();
  const usable = isUsable(readFileSync('/proc/mounts', 'utf8'), SHARED_MEMORY);
  return usable && hasRoom(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
}

/** Makes a folder for temporary files that every user may use. */
export function makeTemporary(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(placeOf(), 'countermand-'));
  chmodSync(folder, 0o1777);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
