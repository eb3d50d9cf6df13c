/** The keys with which a conductor seals driver_info, from the places that the configuration names. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Chance } from '../../core/chance.ts';
import { syncPath } from '../../core/durable_file.ts';
import { fail } from '../../core/errors.ts';
import { makeFolder } from '../../core/folders.ts';
import { readAtStart } from '../../core/small_file.ts';
import { KEY_BYTES, Sealer, type SealingKey, type SealingKeys, sealingKey } from '../../server/store/sealing.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';

/** The key that the conductor makes for itself where none is configured, and the one that is to follow it. */
const OWN_KEY = 'secrets.key';
const NEXT_KEY = 'secrets.key.next';

/** What says where the keys are. */
export type SealedPlace = Pick<Configuration, 'dataFolder' | 'secretsKey' | 'secretsKeyPrevious'>;

/** The keys of one conductor. */
export interface ConductorKeys extends SealingKeys {
  /** Call it when all rows are sealed with the present key. Answers the file in which an own key of before is kept, or null. */
  settle(): string | null;
}

/**
 * The keys that are configured, and those in the data folder.
 * @param rotating a key that is not configured is followed by a new one, which is made when the database is open
 * @throws CONFIGURATION_INVALID for a key that cannot be read, or is none
 */
export function openKeys(
  place: SealedPlace,
  rotating: boolean,
  { environment, chance }: Pick<Terminal, 'environment' | 'chance'>,
): ConductorKeys {
  const own = join(place.dataFolder, OWN_KEY);
  const next = join(place.dataFolder, NEXT_KEY);
  const read = (name: 'secrets_key' | 'secrets_key_previous', reference: string | null): SealingKey | null =>
    reference === null ? null : keyOf(textOf(name, reference, environment), `${name} ${reference}`);
  const readIfThere = (path: string): SealingKey | null => (isThere(path) ? keyOf(fileText(path, path), path) : null);
  const configured = read('secrets_key', place.secretsKey);
  const previous = read('secrets_key_previous', place.secretsKeyPrevious);
  const [ownKey, nextKey] = [readIfThere(own), readIfThere(next)];
  const present = configured ?? nextKey ?? ownKey;
  const known = [configured, nextKey, ownKey, previous].filter((key) => key !== null);
  const open = (): SealingKey => {
    if (configured !== null || nextKey !== null) return configured ?? (nextKey as SealingKey);
    if (ownKey === null) return makeKey(own, chance);
    return rotating ? makeKey(next, chance) : ownKey;
  };
  let sealer: Sealer | null = null;
  return {
    // Each term of a process asks. What an earlier one has sealed, it may have sealed with a key that it had made itself.
    check(idsInUse) {
      const made = sealer?.keyId ?? null;
      const missing = idsInUse.find((id) => id !== made && !known.some((key) => key.id === id));
      if (missing !== undefined) throw wrong(missing, present, place.secretsKey === null ? own : 'secrets_key');
    },
    sealer() {
      if (sealer !== null) return sealer;
      const key = open();
      // One that was made just now is checked again when the conductor leads again.
      known.push(key);
      sealer = new Sealer(key, known, chance);
      return sealer;
    },
    settle() {
      if (!existsSync(next) || ownKey === null) return null;
      const kept = `${own}.${ownKey.id}`;
      rmSync(kept, { force: true });
      linkSync(own, kept);
      renameSync(next, own);
      syncPath(place.dataFolder);
      return kept;
    },
  };
}

/** A link to a disk that is not mounted is there: a new key in its place would not open what the old one has sealed. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A folder that is none, or that we may not look into: whoever opens the database tells of it.
    return false;
  }
}

function wrong(missing: string, key: SealingKey | null, where: string): Error {
  const has = key === null ? `${where} does not exist` : `${where} is the key ${key.id}`;
  return fail(
    'SECRETS_KEY_WRONG',
    `driver_info in the database was sealed with the key ${missing}, and ${has}; nothing was written; ` +
      'name the key with secrets_key, or with secrets_key_previous to seal everything anew; where the conductor that wrote ' +
      `the database made its key by itself, it is the file ${OWN_KEY} in its data folder`,
  );
}

const BASE64 = /^[\w+/-]{43}=?$/;
const HEX = /^[0-9a-f]{64}$/i;

function keyOf(text: string, what: string): SealingKey {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, HEX.test(trimmed) ? 'hex' : 'base64');
  if (bytes.length === KEY_BYTES && (HEX.test(trimmed) || BASE64.test(trimmed))) return sealingKey(bytes);
  throw fail(
    'CONFIGURATION_INVALID',
    `${what} must be ${KEY_BYTES} bytes in base64 or hexadecimal, and is something else; 'openssl rand -base64 32' makes a key`,
  );
}

function textOf(name: string, reference: string, environment: Terminal['environment']): string {
  const [kind, rest] = [reference.slice(0, reference.indexOf(':')), reference.slice(reference.indexOf(':') + 1)];
  if (kind === 'file') return fileText(rest, `${name} ${reference}`);
  if (kind === 'credential') {
    const folder = environment.CREDENTIALS_DIRECTORY;
    if (folder) return fileText(resolve(folder, rest), `${name} ${reference}`);
    throw fail(
      'CONFIGURATION_INVALID',
      `${name} ${reference} cannot be read: systemd has handed no credentials over; name it with LoadCredential= in the unit`,
    );
  }
  const value = environment[rest];
  if (value) return value;
  throw fail('CONFIGURATION_INVALID', `${name} ${reference} is not set in the environment`);
}

function fileText(path: string, what: string): string {
  try {
    return readAtStart(path);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `${what} cannot be read: ${(error as Error).message}`);
  }
}

/** Durable before anything is sealed with it, and never half of one. */
function makeKey(path: string, chance: Chance): SealingKey {
  const bytes = Buffer.from(chance.bytes(KEY_BYTES));
  const draft = `${path}.new`;
  try {
    makeFolder(dirname(path));
    const file = openSync(draft, 'w', 0o600);
    chmodSync(draft, 0o600);
    writeSync(file, `${bytes.toString('base64')}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
    syncPath(dirname(path));
  } catch (error) {
    throw fail(
      'DATA_FOLDER_UNUSABLE',
      `the key ${path} cannot be made: ${(error as Error).message}; name another place with secrets_key`,
    );
  }
  return sealingKey(bytes);
}
