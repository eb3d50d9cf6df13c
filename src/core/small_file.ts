/** Files that are read whole: tokens, passwords, certificates and settings. What is no such file neither fills the memory nor holds us up. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

const MIB = 2 ** 20;
/** No such file is larger; a device such as /dev/zero never ends. */
const LIMIT = 8 * MIB;

/** How long a pipe may stay silent at a start. Whoever writes to it may have to decrypt something first. */
const PIPE_WAIT_MS = 5000;
const PIPE_REST_MS = 10;

/**
 * The text of a file of at most 8 MiB. A pipe is read to its end, if that is written.
 * @param pipeWaitMs how long a pipe may stay silent, all its silences together; nothing else happens meanwhile, so a process that has other
 *   work does not wait
 * @throws an error of the system with its `code`; EFBIG for what is larger, ETIMEDOUT for a pipe to which nothing is written
 */
export function readSmallFile(path: string, pipeWaitMs = 0): string {
  // Otherwise the opening of a pipe waits for a writer, for ever, and no signal ends that.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const chunks: Buffer[] = [];
    const mayBegin = fstatSync(file).isFIFO();
    let rests = Math.ceil(pipeWaitMs / PIPE_REST_MS);
    for (let length = 0; length <= LIMIT; ) {
      const chunk = Buffer.allocUnsafe(MIB / 16);
      const count = readWhatIsThere(file, chunk);
      // Before its first byte, a pipe may have no writer yet.
      const isSilent = count === null || (count === 0 && mayBegin && length === 0);
      if (count === 0 && !isSilent) return Buffer.concat(chunks).toString('utf8');
      if (isSilent && rests === 0)
        throw Object.assign(new Error(`ETIMEDOUT: nothing is written to it, read '${path}'`), { code: 'ETIMEDOUT' });
      if (isSilent) {
        rest();
        rests -= 1;
        continue;
      }
      chunks.push(chunk.subarray(0, count));
      length += count;
    }
  } finally {
    closeSync(file);
  }
  throw Object.assign(new Error(`EFBIG: larger than ${LIMIT / MIB} MiB, read '${path}'`), { code: 'EFBIG' });
}

/** As `readSmallFile`, for what a process reads before all else: a pipe may stay silent for 5 s. @throws as `readSmallFile` */
export function readAtStart(path: string): string {
  return readSmallFile(path, PIPE_WAIT_MS);
}

/**
 * A file that is read again and again, because it may be replaced. A pipe can be read once: that is done here, as by `readAtStart`, and its
 * text stays. Call this at a start. What it returns reads without waiting.
 * @param explain makes the error that is thrown of one of the system
 * @throws what `explain` makes: here for a pipe alone, later for any file
 */
export function openSmallFile(path: string, explain: (error: NodeJS.ErrnoException) => Error): () => string {
  const explained = (read: (path: string) => string): string => {
    try {
      return read(path);
    } catch (error) {
      throw explain(error as NodeJS.ErrnoException);
    }
  };
  if (!isPipe(path)) return () => explained(readSmallFile);
  const text = explained(readAtStart);
  return () => text;
}

/** False also for what cannot be looked at: its reading says why. */
function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

/** How many bytes were read; null if there are none yet. */
function readWhatIsThere(file: number, into: Buffer): number | null {
  try {
    return readSync(file, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

/** Files of this kind are read at a start, where nothing else can go on without them. */
function rest(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_REST_MS);
}
