/**
 * New databases for houses. To make the schema costs a conductor a third of what its start costs, and hardly a test is about
 * it: so the schema is made once for all test processes, and each house gets a copy with an id of its own.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';

const MIGRATIONS = fileURLToPath(new URL('../../src/server/store/migrations/', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/countermand-databases/', import.meta.url));

/** Puts a new database into a data folder. */
export async function putNewDatabase(data: string): Promise<void> {
  schema ??= await readSchema();
  // The types of better-sqlite3 do not know that it takes bytes.
  const database = new BetterSqlite3(schema as never);
  database.exec('update database_id set id = lower(hex(randomblob(16)))');
  writeFileSync(join(data, 'countermand.db'), database.serialize(), { mode: 0o600 });
  database.close();
}

let schema: Buffer | null = null;

/** The schema by the migrations as they are now; made by whoever comes first. */
async function readSchema(): Promise<Buffer> {
  const hash = createHash('sha256');
  for (const name of readdirSync(MIGRATIONS).toSorted()) hash.update(name).update(readFileSync(join(MIGRATIONS, name)));
  const path = join(CACHE, `${hash.digest('hex').slice(0, 16)}.db`);
  if (!existsSync(path)) await makeSchema(path);
  return readFileSync(path);
}

/** Made under another name: processes that begin at the same time replace a whole file by a whole file. */
async function makeSchema(path: string): Promise<void> {
  const { imageOfNewborn } = await import('../../src/server/store/sqlite/file.ts');
  mkdirSync(CACHE, { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, imageOfNewborn());
  renameSync(draft, path);
}
