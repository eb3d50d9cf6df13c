/**
 * Room in reserve: a file that is deleted when the disk is full, so that aborts, reports and the write-ahead log still
 * have room while the operator frees space. Without it, a full disk could not even be checkpointed.
 */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** The size of the reserve. It covers the write-ahead log at its largest (32 MB) and what a checkpoint adds to the file. */
export const RESERVE_BYTES = 48 * 2 ** 20;

/** Room for work beside the reserve, as a part of it. */
const SPARE = 0.25;

const BLOCK = Buffer.alloc(2 ** 20);

/** The reserve of one data folder. */
export interface Reserve {
  /** True while the file is there in full. */
  readonly isThere: boolean;
  /** Deletes the file. */
  release(): void;
  /**
   * Makes the file if it is not there. Returns false if the disk has not room for it and for some work beside it: then
   * nothing is left of it.
   */
  refill(): boolean;
}

/** The reserve at `path`, of `bytes` bytes. */
export function openReserve(path: string, bytes: number): Reserve {
  const isThere = (): boolean => existsSync(path) && statSync(path).size >= bytes;
  const release = (): void => rmSync(path, { force: true });
  return {
    get isThere() {
      return isThere();
    },
    release,
    refill() {
      if (isThere()) return true;
      // Without room beside it, the next write would release it again.
      if (freeBytesIn(dirname(path)) < bytes * (1 + SPARE)) return false;
      try {
        fill(path, bytes);
        return true;
      } catch {
        release();
        return false;
      }
    },
  };
}

function freeBytesIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Writes zeros: only what was written and synced is certain to be there. */
function fill(path: string, bytes: number): void {
  const file = openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC, 0o600);
  try {
    for (let left = bytes; left > 0; ) left -= writeSync(file, BLOCK, 0, Math.min(left, BLOCK.length));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
