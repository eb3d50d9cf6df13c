/** What is done with a database as a whole, whichever engine it is on. It brings the database, so it is loaded when it is used. */
import { resolve } from 'node:path';
import { fail } from '../../core/errors.ts';
import { copyRows } from '../../server/store/copy.ts';
import { backUpFile, backUpRows, checkFolder, restoreFile, vacuumFolder } from '../../server/store/sqlite/backup.ts';
import { checkFile, type FileFacts } from '../../server/store/sqlite/check.ts';
import type { Terminal } from '../shared/terminal.ts';
import { bytesWords } from '../shared/words.ts';
import type { Configuration } from './configuration.ts';
import { passwordOf } from './open_database.ts';

/** Where a database is. */
export type DatabaseHome = Pick<Configuration, 'dataFolder' | 'databaseUrl' | 'databasePasswordFile'>;

/** What was done, in words: the place, and what it holds. */
interface Done {
  readonly where: string;
  readonly what: string;
}

/**
 * Writes a backup into a new file, while a conductor may run.
 * @throws BACKUP_REFUSED, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL, CONFIGURATION_INVALID: then
 *   there is no file
 */
export async function backUp(file: string, place: DatabaseHome, terminal: Terminal): Promise<Done> {
  const where = resolve(file);
  const parts = { draft: `${where}.${terminal.chance.uuid().slice(0, 8)}.part`, now: terminal.clock.now() };
  const { databaseUrl: url, databasePasswordFile: passwordFile } = place;
  if (url === null) return { where, what: wordsOf(await backUpFile(place.dataFolder, where, parts)) };
  const { readAtOneMoment, readPostgresUrl } = await import('../../server/store/postgres/open.ts');
  const address = readPostgresUrl(url, passwordOf({ passwordFile, passwordFrom: 'database_password_file' }, terminal));
  const copy = (to: Parameters<typeof copyRows>[1]) =>
    readAtOneMoment(address, terminal.clock, (from) => copyRows(from, to));
  return { where, what: wordsOf(await backUpRows(where, parts, copy)) };
}

/** Puts a backup into a data folder that has no database. @throws as `restoreFile`; DATABASE_REFUSED for PostgreSQL */
export async function restore(file: string, place: DatabaseHome, { clock }: Terminal): Promise<Done> {
  refusePostgres(
    place,
    "restore into an empty folder with --data, then copy it: 'countermand database copy --from FOLDER --to URL'",
  );
  const facts = await restoreFile(resolve(file), place.dataFolder, clock.now());
  return { where: place.dataFolder, what: wordsOf(facts) };
}

/** Checks a file, or the database of `place` if none is named. @throws as `checkFile`; DATABASE_REFUSED for PostgreSQL */
export function check(file: string | undefined, place: DatabaseHome): Done {
  if (file !== undefined) return { where: resolve(file), what: wordsOf(checkFile(resolve(file))) };
  refusePostgres(place, 'pg_amcheck checks it');
  return { where: place.dataFolder, what: wordsOf(checkFolder(place.dataFolder)) };
}

/** Writes a database anew, while no conductor runs. @throws as `vacuumFolder`; DATABASE_REFUSED for PostgreSQL */
export function vacuum(place: DatabaseHome): Done {
  refusePostgres(place, 'its autovacuum does this by itself; VACUUM FULL gives room back to the disk');
  const { before, after } = vacuumFolder(place.dataFolder);
  return { where: place.dataFolder, what: `${bytesWords(before)} before, ${bytesWords(after)} now` };
}

/** What the server itself does better. */
function refusePostgres({ databaseUrl }: DatabaseHome, instead: string): void {
  if (databaseUrl !== null) throw fail('DATABASE_REFUSED', `the database is of PostgreSQL; ${instead}`);
}

function wordsOf({ bytes, schema, rows }: FileFacts): string {
  const counts = [...rows].map(([table, count]) => `${count} ${table}`).join(', ');
  return `${counts}; schema ${schema}; ${bytesWords(bytes)}`;
}
