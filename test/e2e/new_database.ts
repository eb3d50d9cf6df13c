/** New databases in data folders before a conductor starts there: for tests that need rows, a backup or a full disk at its start. */
import { writeFileSync } from 'node:fs';
import { databaseIn } from '../../src/server/store/sqlite/data_folder.ts';
import { imageOfNewborn } from '../../src/server/store/sqlite/file.ts';

/** Puts a new database into a data folder. */
export function putNewDatabase(data: string): void {
  writeFileSync(databaseIn(data), imageOfNewborn(), { mode: 0o600 });
}
