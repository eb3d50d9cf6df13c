/** The contract of `Database`, held by SQLite: in a file, in memory, and with every callback run twice. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../src/server/store/database.ts';
import type { WriteOptions } from '../../src/server/store/groups.ts';
import { openDatabase } from '../../src/server/store/sqlite/database.ts';
import { newFolder } from '../counterparts/folder.ts';
import { SimulatedProcess } from '../world/process.ts';
import { SharedConnection } from '../world/shared_connection.ts';
import { databaseContract, type Stored } from './database.ts';

/** Small, so that a test writes little. */
const RESERVE_BYTES = 2 ** 16;

/** A crash leaves the files as they are at that moment: they are copied, and opened there. */
async function inFile(t: ExecutionContext): Promise<Stored> {
  let folder = await newFolder(t);
  const open = (): Promise<Database> => openDatabase(folder, RESERVE_BYTES);
  return {
    open,
    async crash() {
      const left = await newFolder(t);
      cpSync(folder, left, { recursive: true });
      folder = left;
    },
    async takeOver() {
      // The lock file is gone, and another host has opened the database.
      rmSync(join(folder, 'conductor.lock'));
      const raw = new BetterSqlite3(join(folder, 'countermand.db'));
      raw.exec("update database_owner set host = 'another'");
      raw.close();
      return open();
    },
  };
}

/** One connection in memory, with the processes of a simulated world around it. */
function inMemory(options: WriteOptions): (t: ExecutionContext) => Promise<Stored> {
  return async (t) => {
    const connection = SharedConnection.create();
    const observer = connection.observe();
    t.teardown(() => observer.close());
    const processes = new Map<Database, SimulatedProcess>();
    const open = async (): Promise<Database> => {
      const process = new SimulatedProcess();
      const user = {
        get alive() {
          return process.alive;
        },
        statement: () => process.statement(),
        afterCommit: () => void process.touch(),
      };
      process.whenDead(() => connection.leave(user));
      const self = { host: `host ${processes.size}`, pid: 1, startedAt: '1', startOf: () => null };
      const database = await connection.openOwned(user, self, options);
      processes.set(database, process);
      return database;
    };
    const crash = async (database: Database): Promise<void> => processes.get(database)?.kill();
    return { open, crash, takeOver: open };
  };
}

databaseContract('in a file', inFile);
databaseContract('in memory', inMemory({}));
databaseContract('in memory, every callback twice', inMemory({ everyWriteTwice: true }));
