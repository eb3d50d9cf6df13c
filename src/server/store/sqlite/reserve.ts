/**
 * Room in reserve: a file that is deleted when the disk is full, so that aborts, reports and the write-ahead log still
 * have room while the operator frees space. Without it, a full disk could not even be checkpointed.
 */
import { existsSync, ftruncateSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The size of the reserve. It covers the write-ahead log at its largest (32 MB) and what a checkpoint adds to the file. */
export const RESERVE_BYTES = 48 * 2 ** 20;

/** Room for work beside the reserve, as a part of it. */
const SPARE = 0.25;

/** How much is written at a time. Others are served between two pieces, and while one is written. */
const PIECE = Buffer.alloc(2 ** 20);

/** The reserve of one data folder. */
export interface Reserve {
  /** True while the file is there in full. */
  readonly isThere: boolean;
  /** Deletes the file, or what there is of it. The room is free when this returns, and a refill that goes on gives up. */
  release(): void;
  /**
   * Makes the file if it is not there. Resolves with false if the disk has not room for it and for some work beside it, or if it was
   * released meanwhile: then nothing is left of it. An abort does the same, and rejects with its reason. Call it again only
   * when it has settled.
   */
  refill(signal: AbortSignal): Promise<boolean>;
}

/** The reserve at `path`, of `bytes` bytes. */
export function openReserve(path: string, bytes: number): Reserve {
  return new ReserveFile(path, bytes);
}

class ReserveFile implements Reserve {
  readonly #path: string;
  /** Under this name it is written. What bears the other name was written whole, and synced. */
  readonly #draft: string;
  readonly #bytes: number;
  #filling: { readonly file: FileHandle; isReleased: boolean } | null = null;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#draft = `${path}.new`;
    this.#bytes = bytes;
  }

  get isThere(): boolean {
    return existsSync(this.#path) && statSync(this.#path).size >= this.#bytes;
  }

  release(): void {
    if (this.#filling) {
      this.#filling.isReleased = true;
      // A file that is open keeps its room, also when it is deleted.
      ftruncateSync(this.#filling.file.fd, 0);
    }
    for (const path of [this.#path, this.#draft]) {
      try {
        rmSync(path, { force: true });
      } catch {
        // What cannot be deleted gives no room. Why room is needed is told by whoever needs it.
      }
    }
  }

  async refill(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.isThere) return true;
    this.release();
    try {
      // Without room beside it, the next write would release it again.
      if ((await freeBytesIn(dirname(this.#path))) < this.#bytes * (1 + SPARE)) return false;
      await this.#fill(signal);
    } catch {
      this.release();
    }
    signal.throwIfAborted();
    return this.isThere;
  }

  /** Writes zeros: only what was written and synced is certain to be there. */
  async #fill(signal: AbortSignal): Promise<void> {
    const file = await open(this.#draft, 'w', 0o600);
    const filling = { file, isReleased: false };
    this.#filling = filling;
    try {
      for (let left = this.#bytes; left > 0 && !filling.isReleased; ) {
        signal.throwIfAborted();
        left -= (await file.write(PIECE, 0, Math.min(left, PIECE.length))).bytesWritten;
      }
      if (!filling.isReleased) await file.sync();
    } finally {
      this.#filling = null;
      await file.close();
    }
    if (!filling.isReleased) await rename(this.#draft, this.#path);
  }
}

async function freeBytesIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
