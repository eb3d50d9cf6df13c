/** Values of driver_info that stand for secrets kept beside the agent: `file:NAME` and `env:NAME`, and `vault:MOUNT/PATH#KEY`. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fail } from '../core/errors.ts';
import { isReference, UNOPENED } from '../core/references.ts';
import type { DriverInfo } from '../drivers/driver.ts';
import type { Vault } from './vault.ts';

/** Where secrets may be read. */
export interface SecretSources {
  /** The only folder below which `file:` is read; null reads none. */
  readonly folder: string | null;
  /** The environment; only COUNTERMAND_SECRET_* of it is used. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where `vault:` is read; without it, it is not. */
  readonly vault?: Vault | null;
  /** Who reads, and for what, in the words of errors; absent: an agent for driver_info. */
  readonly reader?: SecretReader;
}

/** Who reads secrets: `the agent`, for `driver_info`. */
interface SecretReader {
  readonly who: string;
  readonly what: string;
}

const AGENT: SecretReader = { who: 'the agent', what: 'driver_info' };

/** Longer files are not secrets. */
const SIZE_LIMIT = 4096;
const ENVIRONMENT_PREFIX = 'COUNTERMAND_SECRET_';

/**
 * driver_info with its references replaced by what they stand for. Only secret keys may have one: what any other key
 * stands for is shown, in messages and arguments.
 * @param secretKeys the keys whose values are kept secret
 * @throws SECRET_UNREADABLE naming key and reference, never the secret; DRIVER_INFO_INVALID for a key that is no secret
 */
export function resolveSecrets(
  driverInfo: DriverInfo,
  secretKeys: ReadonlySet<string>,
  sources: SecretSources,
): DriverInfo {
  if (UNOPENED in driverInfo)
    throw fail(
      'SECRET_UNREADABLE',
      'the stored driver_info does not open: it was changed in the database, or sealed for another node or by a lost key; ' +
        `remove driver_info.${UNOPENED}, and set all other keys again`,
    );
  const resolve = (key: string, value: string): string => {
    if (isReference(value) && !secretKeys.has(key))
      throw fail(
        'DRIVER_INFO_INVALID',
        `${(sources.reader ?? AGENT).what}.${key}: file:, env: and vault: stand for secrets, and ${key} is none`,
      );
    if (value.startsWith('file:')) return readSecretFile(key, value.slice('file:'.length), sources);
    if (value.startsWith('env:')) return readSecretVariable(key, value.slice('env:'.length), sources);
    if (value.startsWith('vault:')) return readVault(key, value, sources);
    return value;
  };
  return Object.fromEntries(Object.entries(driverInfo).map(([key, value]) => [key, resolve(key, value)]));
}

function readSecretFile(key: string, name: string, { folder, reader: { who, what } = AGENT }: SecretSources): string {
  const unreadable = (why: string): Error => fail('SECRET_UNREADABLE', `${what}.${key}: file:${name} ${why}`);
  if (folder === null) throw unreadable(`cannot be read: ${who} has no secrets_dir`);
  const path = join(folder, name);
  // Neither dots nor links lead out of the folder, and no sentence tells whether something is there outside of it.
  if (!path.startsWith(join(folder, sep)) || (existsSync(folder) && !isBelow(path, folder)))
    throw unreadable(`is not below ${who}'s secrets_dir`);
  if (!existsSync(path)) throw unreadable(`does not exist below ${who}'s secrets_dir`);
  const file = statSync(path);
  // Reading a pipe would wait for whoever writes to it.
  if (!file.isFile()) throw unreadable('is no file');
  if (file.size > SIZE_LIMIT) throw unreadable(`is larger than ${SIZE_LIMIT} bytes`);
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw unreadable(`cannot be read by ${who}`);
  }
}

/** True if a path, or what there is of it, is below a folder when all links are followed. */
function isBelow(path: string, folder: string): boolean {
  const root = realpathSync(folder);
  for (let there = path; ; there = dirname(there)) {
    if (!existsSync(there) && there !== dirname(there)) continue;
    const real = realpathSync(there);
    return real.startsWith(join(root, sep)) || (real === root && there !== path);
  }
}

/** It was read before: see `unreadIn`. */
function readVault(key: string, reference: string, { vault, reader: { who, what } = AGENT }: SecretSources): string {
  if (!vault)
    throw fail('SECRET_UNREADABLE', `${what}.${key}: ${reference} cannot be read: ${who} has no vault_address`);
  try {
    return vault.get(reference);
  } catch (error) {
    throw fail('SECRET_UNREADABLE', `${what}.${key}: ${(error as Error).message}`);
  }
}

/** What has to be read from Vault before a driver_info can be resolved. */
export function unreadIn(driverInfo: DriverInfo, { vault }: SecretSources): string[] {
  if (!vault) return [];
  return Object.values(driverInfo).filter((value) => value.startsWith('vault:') && !vault.has(value));
}

function readSecretVariable(
  key: string,
  name: string,
  { environment, reader: { who, what } = AGENT }: SecretSources,
): string {
  const reference = `${what}.${key}: env:${name}`;
  if (!name.startsWith(ENVIRONMENT_PREFIX)) {
    throw fail(
      'SECRET_UNREADABLE',
      `${reference} is not allowed; only variables that begin with ${ENVIRONMENT_PREFIX} are`,
    );
  }
  const value = environment[name];
  if (value === undefined) throw fail('SECRET_UNREADABLE', `${reference} is not set in ${who}'s environment`);
  return value;
}
