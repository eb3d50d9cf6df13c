/**
 * Whose certificates a BMC may show, as the `_verify_ca` keys of driver_info name them: files beside the agent, below one folder. Whoever
 * may edit a node names the file, so nothing else on the agent's host is opened, and nothing about it is told.
 */
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { untilAborted } from '../core/signals.ts';

/** Which certificates a connection accepts. */
export interface TlsTrust {
  readonly rejectUnauthorized: boolean;
  readonly ca?: Buffer[];
  /** The same, ready for connections that have no options of their own: to make one takes 15 ms for the authorities of a system. */
  readonly secureContext?: SecureContext;
}

/** All files of one value together. The authorities of a whole system have about 230,000 bytes. */
const SIZE_LIMIT = 512 * 1024;
const MOST_FILES = 1000;
/** How long what was read is used again, in milliseconds. A new file is used without a restart. */
const FRESH_MS = 10_000;
/** How many values are remembered. */
const MOST_REMEMBERED = 100;

interface Known {
  readonly trust: Promise<TlsTrust>;
  readonly at: number;
}

/** The authorities below one folder. */
export class Authorities {
  readonly #folder: string | null;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  /** @param folder the only one that is read; null reads nothing */
  constructor(folder: string | null, clock: Clock) {
    this.#folder = folder === null ? null : resolve(folder);
    this.#clock = clock;
  }

  /**
   * What a `_verify_ca` value accepts. What was read is used again for ten seconds, and read once for all who ask meanwhile.
   * @param verify `true`, `false`, or the name of a PEM file, or of a folder of them, below the folder
   * @param key the key of driver_info that has the value
   * @throws DRIVER_INFO_INVALID if there is no folder, for whatever is not below it, always in the same words, and for what cannot be
   *   used; at an abort its reason
   */
  async trust(verify: string, key: string, signal: AbortSignal): Promise<TlsTrust> {
    if (verify === 'true' || verify === 'false') return { rejectUnauthorized: verify === 'true' };
    const path = this.#pathOf(verify, key);
    try {
      return await untilAborted(this.#read(path), signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      throw fail(
        'DRIVER_INFO_INVALID',
        `driver_info.${key}: the agent cannot use ${verify} (${code ?? message})`,
        error,
      );
    }
  }

  /** Decided by the name alone: nothing outside of the folder is looked at. Links in it are the administrator's, and followed. */
  #pathOf(verify: string, key: string): string {
    if (this.#folder === null)
      throw fail(
        'DRIVER_INFO_INVALID',
        `driver_info.${key} names a file, and the agent reads none; set bmc_ca_dir in its configuration, or use true or false`,
      );
    const path = resolve(this.#folder, verify);
    if (!verify.includes('\0') && (path === this.#folder || path.startsWith(join(this.#folder, sep)))) return path;
    throw fail('DRIVER_INFO_INVALID', `driver_info.${key} names no file below bmc_ca_dir of the agent`);
  }

  #read(path: string): Promise<TlsTrust> {
    const known = this.#known.get(path);
    if (known && this.#clock.monotonic() - known.at < FRESH_MS) return known.trust;
    const trust = readAll(path).then((ca) => ({
      rejectUnauthorized: true,
      ca,
      secureContext: createSecureContext({ ca }),
    }));
    const made = { trust, at: this.#clock.monotonic() };
    this.#known.delete(path);
    this.#known.set(path, made);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    // A failure is not remembered.
    trust.catch(() => this.#known.get(path) === made && this.#known.delete(path));
    return trust;
  }
}

async function readAll(path: string): Promise<Buffer[]> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (names === null) {
    const file = await readFile(path, SIZE_LIMIT);
    if (file === null) throw new Error('it is no file');
    return [file];
  }
  if (names.length > MOST_FILES) throw new Error(`it has more than ${MOST_FILES} files`);
  const files: Buffer[] = [];
  let left = SIZE_LIMIT;
  for (const name of names) {
    const file = await readFile(join(path, name), left);
    if (file === null) continue;
    left -= file.length;
    files.push(file);
  }
  return files;
}

/**
 * The bytes of a regular file; null for anything else. A pipe or a device is neither waited for nor read.
 * @throws an error of the system; one that says so if there are more than `limit` bytes
 */
async function readFile(path: string, limit: number): Promise<Buffer | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return null;
    const bytes = Buffer.alloc(Math.min(stat.size, limit) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    if (length > limit) throw new Error(`it has more than ${SIZE_LIMIT} bytes`);
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
