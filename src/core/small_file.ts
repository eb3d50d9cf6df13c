/** Files that are read whole: tokens, passwords, certificates and settings. What is no such file does not fill the memory. */
import { closeSync, openSync, readSync } from 'node:fs';

const MIB = 2 ** 20;
/** No such file is larger; a device such as /dev/zero never ends. */
const LIMIT = 8 * MIB;

/**
 * The text of a file of at most 8 MiB. A pipe is read to its end.
 * @throws an error of the system with its `code`; EFBIG for what is larger
 */
export function readSmallFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; length <= LIMIT; ) {
      const chunk = Buffer.allocUnsafe(MIB / 16);
      const count = readSync(file, chunk);
      if (count === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(chunk.subarray(0, count));
      length += count;
    }
  } finally {
    closeSync(file);
  }
  throw Object.assign(new Error(`EFBIG: larger than ${LIMIT / MIB} MiB, read '${path}'`), { code: 'EFBIG' });
}
