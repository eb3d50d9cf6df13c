/** Opens the database that the configuration or a command names. */
import { type ErrorCode, fail } from '../../core/errors.ts';
import { openSmallFile } from '../../core/small_file.ts';
import type { CopyTarget } from '../../server/store/copy.ts';
import type { Database } from '../../server/store/database.ts';
import type { Elections } from '../../server/store/postgres/stand_by.ts';
import { resealNodes } from '../../server/store/reseal.ts';
import type { SealingKeys } from '../../server/store/sealing.ts';
import { openDatabaseFile } from '../../server/store/sqlite/database.ts';
import { hasDatabase } from '../../server/store/sqlite/file.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import { openKeys, type SealedPlace } from './secrets_keys.ts';

export type { ConductorName } from '../../server/store/postgres/owner.ts';
export type { StandByListener, Won } from '../../server/store/postgres/stand_by.ts';

/** A database that is open. */
export interface Opened extends CopyTarget {
  /** Writes files anew that may have plain copies of what is sealed. */
  readonly forgetPlain: () => void;
}

/** Where a database is. */
export interface DatabasePlace {
  /** A URL of PostgreSQL, or a data folder. */
  readonly place: string;
  /** The file with the password, and the flag or key that names it. */
  readonly passwordFile: string | null;
  readonly passwordFrom: string;
  /** Where there is no database, none is made. */
  readonly mustExist: boolean;
  /** Without them, driver_info is read and written as it is stored. */
  readonly keys?: SealingKeys;
}

/**
 * Opens a PostgreSQL database, or the file in a data folder.
 * @throws CONFIGURATION_INVALID if the URL or the file of the password cannot be used; DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE,
 *   DATABASE_IN_USE, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL,
 *   SECRETS_KEY_WRONG
 */
export async function openPlace(named: DatabasePlace, terminal: Terminal): Promise<Opened> {
  const { place, mustExist, keys } = named;
  if (/^\w+:\/\//.test(place)) {
    const { continueNumbers, openPostgres, readPostgresUrl } = await import('../../server/store/postgres/open.ts');
    const address = readPostgresUrl(place, passwordOf(named, terminal));
    const database = await openPostgres(address, { clock: terminal.clock, mustExist, keys });
    return { database, where: address.words, continueNumbers, forgetPlain: () => {} };
  }
  if (mustExist && !hasDatabase(place)) throw fail('DATABASE_REFUSED', `there is no database in the folder ${place}`);
  const opened = await openDatabaseFile(place, undefined, keys);
  return { ...opened, where: place, continueNumbers: async () => {} };
}

/** A database that is open, with all of its rows sealed. */
interface OpenedSealed extends Opened {
  /** How many nodes were sealed when it was opened. */
  readonly resealed: number;
  /** Where the own key of before is kept, if it was replaced; else null. */
  readonly keptKey: string | null;
}

/**
 * Opens the PostgreSQL database that is configured, or else the file in the data folder, and seals what is not sealed with the present
 * key.
 * @param rotating the key is followed by a new one, and a database must be there
 * @throws as `openPlace`; CONFIGURATION_INVALID for a key that cannot be read
 */
export async function openConfigured(
  configuration: SealedPlace & Pick<Configuration, 'databaseUrl' | 'databasePasswordFile'>,
  terminal: Terminal,
  rotating = false,
): Promise<OpenedSealed> {
  const { databaseUrl, databasePasswordFile: passwordFile, dataFolder } = configuration;
  const keys = openKeys(configuration, rotating, terminal);
  const named = { passwordFile, passwordFrom: 'database_password_file', mustExist: rotating, keys };
  const opened = await openPlace({ ...named, place: databaseUrl ?? dataFolder }, terminal);
  try {
    const resealed = await resealNodes(opened.database, keys.sealer());
    opened.forgetPlain();
    return { ...opened, resealed, keptKey: keys.settle() };
  } catch (error) {
    await opened.database.close();
    throw error;
  }
}

/** The elections of a conductor that has keys. */
interface SealedElections extends Elections {
  /** Seals what is not sealed with the present key. Call it when the conductor leads, before anything else writes. */
  readonly seal: (database: Database) => Promise<void>;
}

/**
 * Connects to the PostgreSQL database that is configured, on which other conductors may stand.
 * @throws CONFIGURATION_INVALID, DATABASE_REFUSED, DATABASE_UNUSABLE, SECRETS_KEY_WRONG: then nothing was written
 */
export async function openElections(
  url: string,
  configuration: SealedPlace & Pick<Configuration, 'databasePasswordFile' | 'leaderLeaseMs'>,
  terminal: Terminal,
): Promise<SealedElections> {
  const { databasePasswordFile: passwordFile, leaderLeaseMs: leaseMs } = configuration;
  const keys = openKeys(configuration, false, terminal);
  const postgres = await import('../../server/store/postgres/open.ts');
  const named = { passwordFile, passwordFrom: 'database_password_file' };
  const address = postgres.readPostgresUrl(url, passwordOf(named, terminal));
  const elections = await postgres.openElections(address, { clock: terminal.clock, leaseMs, keys });
  const seal = async (database: Database): Promise<void> => {
    await resealNodes(database, keys.sealer());
    keys.settle();
  };
  return { ...elections, seal };
}

/**
 * The password, or what reads it anew for each connection: one that was changed on the server and in the file is used without a restart. It
 * stands in no flag, as everybody can read the arguments of a process.
 * @throws CONFIGURATION_INVALID for a file without a password. What is returned throws DATABASE_REFUSED then
 */
export function passwordOf(
  { passwordFile: path, passwordFrom }: Pick<DatabasePlace, 'passwordFile' | 'passwordFrom'>,
  { environment }: Terminal,
): string | (() => string) | null {
  if (path === null) return environment.COUNTERMAND_DATABASE_PASSWORD || null;
  let code: ErrorCode = 'CONFIGURATION_INVALID';
  const textNow = openSmallFile(path, ({ message }) => fail(code, `${passwordFrom} cannot be read: ${message}`));
  const passwordNow = (): string => {
    const [line] = textNow().split(/\r?\n/);
    if (line) return line;
    throw fail(code, `${passwordFrom} ${path} begins with an empty line; its first line is the password`);
  };
  passwordNow();
  code = 'DATABASE_REFUSED';
  return passwordNow;
}
