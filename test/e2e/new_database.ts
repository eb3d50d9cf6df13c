/** New databases in data folders whose conductor cannot make one, as the disk is full or the folder is about to be looked at. */
import { writeFileSync } from 'node:fs';
import { databaseIn } from '../../src/server/store/sqlite/data_folder.ts';
import { imageOfNewborn } from '../../src/server/store/sqlite/file.ts';

/** Puts a new database into a data folder. */
export function putNewDatabase(data: string): void {
  writeFileSync(databaseIn(data), imageOfNewborn(), { mode: 0o600 });
}
