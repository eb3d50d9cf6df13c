import { statfsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** Where Linux has a file system in memory. */
const IN_MEMORY = '/dev/shm';
/** A container has 64 MB there, which a few houses fill. */
const ROOM = 2 ** 30;

/** A new folder. Remove it. */
export const makeFolder = (): Promise<string> => makeFolderIn(tmpdir());

/** A new folder that is gone after the test. */
export async function newFolder(t: ExecutionContext): Promise<string> {
  return goneAfter(t, await makeFolder());
}

/** One for what is written often and synced, and is not about the disk: in memory, if there is room, it costs half as much. */
export async function newQuickFolder(t: ExecutionContext): Promise<string> {
  return goneAfter(t, await makeFolderIn(hasRoom() ? IN_MEMORY : tmpdir()));
}

const makeFolderIn = (parent: string): Promise<string> => mkdtemp(join(parent, 'countermand-'));

function goneAfter(t: ExecutionContext, folder: string): string {
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= ROOM;
  } catch {
    return false;
  }
}
