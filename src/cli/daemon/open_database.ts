/** Opens the database that the configuration names. */
import { readFileSync } from 'node:fs';
import { fail } from '../../core/errors.ts';
import type { Database } from '../../server/store/database.ts';
import { openDatabase } from '../../server/store/sqlite/database.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';

/** A database that is open. */
export interface Opened {
  readonly database: Database;
  /** In words, without the password. */
  readonly where: string;
}

/**
 * Opens the PostgreSQL database that is configured, or else the file in the data folder.
 * @throws CONFIGURATION_INVALID if the URL of the database cannot be used; DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_IN_USE,
 *   DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL
 */
export async function openConfigured(configuration: Configuration, terminal: Terminal): Promise<Opened> {
  const { databaseUrl, dataFolder } = configuration;
  if (databaseUrl === null) return { database: await openDatabase(dataFolder), where: dataFolder };
  const { openPostgres, readPostgresUrl } = await import('../../server/store/postgres/open.ts');
  const address = readPostgresUrl(databaseUrl, passwordOf(configuration, terminal));
  return { database: await openPostgres(address, { clock: terminal.clock }), where: address.words };
}

/** The password stands in no flag: everybody can read the arguments of a process. */
function passwordOf({ databasePasswordFile: path }: Configuration, { environment }: Terminal): string | null {
  if (path === null) return environment.COUNTERMAND_DATABASE_PASSWORD || null;
  try {
    const [line] = readFileSync(path, 'utf8').split(/\r?\n/);
    if (line) return line;
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `database_password_file cannot be read: ${(error as Error).message}`);
  }
  throw fail(
    'CONFIGURATION_INVALID',
    `database_password_file ${path} begins with an empty line; its first line is the password`,
  );
}
