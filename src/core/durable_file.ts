/** What makes files outlast a crash of the machine. */
import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Waits until what was written to the file, or was made, renamed or removed in the folder, is on the disk. @throws an error of the system */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
