/** Opens the database that the configuration or a command names. */
import { fail } from '../../core/errors.ts';
import { readSmallFile } from '../../core/small_file.ts';
import type { CopyTarget } from '../../server/store/copy.ts';
import type { Database } from '../../server/store/database.ts';
import type { Elections } from '../../server/store/postgres/stand_by.ts';

import { openDatabase } from '../../server/store/sqlite/database.ts';
import { hasDatabase } from '../../server/store/sqlite/file.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';

export type { ConductorName } from '../../server/store/postgres/owner.ts';
export type { StandByListener, Won } from '../../server/store/postgres/stand_by.ts';

/** A database that is open. */
export type Opened = CopyTarget;

/** Where a database is. */
export interface DatabasePlace {
  /** A URL of PostgreSQL, or a data folder. */
  readonly place: string;
  /** The file with the password, and the flag or key that names it. */
  readonly passwordFile: string | null;
  readonly passwordFrom: string;
  /** Where there is no database, none is made. */
  readonly mustExist: boolean;
}

/**
 * Opens a PostgreSQL database, or the file in a data folder.
 * @throws CONFIGURATION_INVALID if the URL or the file of the password cannot be used; DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE,
 *   DATABASE_IN_USE, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL
 */
export async function openPlace(named: DatabasePlace, terminal: Terminal): Promise<Opened> {
  const { place, mustExist } = named;
  if (/^\w+:\/\//.test(place)) {
    const { continueNumbers, openPostgres, readPostgresUrl } = await import('../../server/store/postgres/open.ts');
    const address = readPostgresUrl(place, passwordOf(named, terminal));
    const database = await openPostgres(address, { clock: terminal.clock, mustExist });
    return { database, where: address.words, continueNumbers };
  }
  if (mustExist && !hasDatabase(place)) throw fail('DATABASE_REFUSED', `there is no database in the folder ${place}`);
  return { database: await openDatabase(place), where: place, continueNumbers: async () => {} };
}

/** Opens the file in a data folder. @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_NEWER, DATABASE_DAMAGED, DISK_FULL */
export const openFolder = (folder: string): Promise<Database> => openDatabase(folder);

/**
 * Connects to the PostgreSQL database that is configured, on which other conductors may stand.
 * @throws CONFIGURATION_INVALID, DATABASE_REFUSED, DATABASE_UNUSABLE: then nothing was written
 */
export async function openElections(
  url: string,
  {
    databasePasswordFile: passwordFile,
    leaderLeaseMs: leaseMs,
  }: Pick<Configuration, 'databasePasswordFile' | 'leaderLeaseMs'>,
  terminal: Terminal,
): Promise<Elections> {
  const postgres = await import('../../server/store/postgres/open.ts');
  const named = { passwordFile, passwordFrom: 'database_password_file' };
  const address = postgres.readPostgresUrl(url, passwordOf(named, terminal));
  return postgres.openElections(address, { clock: terminal.clock, leaseMs });
}

/** The password stands in no flag: everybody can read the arguments of a process. */
function passwordOf(
  { passwordFile: path, passwordFrom }: Pick<DatabasePlace, 'passwordFile' | 'passwordFrom'>,
  { environment }: Terminal,
): string | null {
  if (path === null) return environment.COUNTERMAND_DATABASE_PASSWORD || null;
  try {
    const [line] = readSmallFile(path).split(/\r?\n/);
    if (line) return line;
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `${passwordFrom} cannot be read: ${(error as Error).message}`);
  }
  throw fail(
    'CONFIGURATION_INVALID',
    `${passwordFrom} ${path} begins with an empty line; its first line is the password`,
  );
}
