/** How often a real database is read within one turn of the event loop. That of a simulated conductor lets others in each time. */
import type { ExecutionContext } from 'ava';
import { othersFirst } from '../../src/core/clock.ts';
import type { Database } from '../../src/server/store/database.ts';
import { openDatabase } from '../../src/server/store/sqlite/database.ts';
import { newFolder } from '../counterparts/folder.ts';

/** A database in a file, for one test. */
export async function openRealDatabase(t: ExecutionContext): Promise<Database> {
  const database = await openDatabase(await newFolder(t), 1000);
  t.teardown(() => database.close());
  return database;
}

/** Answers how many statements that match were run during `work`, and at most within one turn of the event loop. */
export async function readingsPerTurn(
  work: () => Promise<unknown>,
  pattern: RegExp,
  { read }: Pick<Database, 'read'>,
): Promise<{ readonly all: number; readonly most: number }> {
  const perTurn: number[] = [0];
  const count = ({ sql }: { sql: string }): void => {
    if (pattern.test(sql)) perTurn.push((perTurn.pop() ?? 0) + 1);
  };
  read.on('query', count);
  let isOver = false;
  const done = work().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    perTurn.push(0);
    await othersFirst();
  }
  await done;
  read.removeListener('query', count);
  return { all: perTurn.reduce((sum, each) => sum + each, 0), most: Math.max(...perTurn) };
}
