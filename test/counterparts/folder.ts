import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A new folder. Remove it. */
export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'countermand-'));

/** A new folder that is gone after the test. */
export async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await makeFolder();
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
