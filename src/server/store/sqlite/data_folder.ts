/**
 * The files of a data folder, looked at before the first of them is opened or written: what is no file, or is on a disk that is not
 * mounted, is told, and stays as it is.
 */
import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../../core/errors.ts';

/** The name of the database in its folder. */
export const FILE = 'countermand.db';
/** Where SQLite keeps what belongs to a file. */
export const BESIDE = ['-wal', '-shm', '-journal'];

/** The lock of a data folder. */
export const lockIn = (folder: string): string => join(folder, 'conductor.lock');
/** The reserve of a data folder. */
export const reserveIn = (folder: string): string => join(folder, 'reserve');

/** The database of a data folder; where it is a link, the file itself: what belongs to it is beside that one. */
export function databaseIn(folder: string): string {
  const path = join(folder, FILE);
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/** Why something is not what it has to be; null if it is, or if there is nothing. */
function objectionTo(path: string, wanted: 'file' | 'folder'): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) {
    const kind = kindOf(found);
    return kind === wanted ? null : `is a ${kind}, and has to be a ${wanted}`;
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    return `is a link to ${readlinkSync(path)}, which is not there: its disk may not be mounted`;
  return null;
}

function kindOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}

/** Nothing is written. @throws DATA_FOLDER_UNUSABLE, DATABASE_UNUSABLE naming what is no file, or not there */
export function checkFilesIn(folder: string): void {
  const wrong = objectionTo(folder, 'folder');
  if (wrong !== null) throw fail('DATA_FOLDER_UNUSABLE', `the data folder ${folder} ${wrong}; choose another (data)`);
  const path = join(folder, FILE);
  const ofDatabase = [path, databaseIn(folder), `${path}.new`].flatMap((file) => [
    file,
    ...BESIDE.map((suffix) => `${file}${suffix}`),
  ]);
  const others = [lockIn(folder), reserveIn(folder), `${reserveIn(folder)}.new`];
  for (const file of [...ofDatabase, ...others]) {
    const objection = objectionTo(file, 'file');
    if (objection === null) continue;
    const code = others.includes(file) ? 'DATA_FOLDER_UNUSABLE' : 'DATABASE_UNUSABLE';
    throw fail(code, `${file} ${objection}; nothing was written; see what it is, and bring the file back or remove it`);
  }
}
