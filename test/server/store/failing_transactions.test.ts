/** Statements that fail where a transaction begins and ends: nothing is half written, and the next write goes on. */
import test from 'ava';
import { DiskFailure } from '../../world/process.ts';
import type { ConnectionUser } from '../../world/shared_connection.ts';
import { SharedConnection } from '../../world/shared_connection.ts';
import { nodeRow, putRows } from '../rows.ts';

/** Fails the statements whose number, from the call of `arm` on, is in the list. */
function failing() {
  let number = 0;
  let which: readonly number[] = [];
  const user: ConnectionUser = {
    alive: true,
    statement() {
      number += 1;
      if (which.includes(number)) throw new DiskFailure();
    },
    afterCommit: () => {},
  };
  const arm = (...numbers: number[]): void => {
    number = 0;
    which = numbers;
  };
  return { user, arm, count: () => number };
}

test('whichever statements of a commit fail, one or several in a row, its writes are there whole or not at all', async (t) => {
  const connection = SharedConnection.create();
  const { user, arm, count } = failing();
  const database = connection.open(user);
  const observer = connection.observe();
  t.teardown(async () => {
    await database.close();
    await observer.close();
  });
  const names = async (): Promise<string[]> => (await observer.read('nodes').select('name')).map(({ name }) => name);
  arm();
  await putRows(database, nodeRow({ name: 'whole' }), null);
  const statements = count();
  t.true(statements >= 3, 'BEGIN, a row, COMMIT');
  for (let first = 1; first <= statements; first += 1) {
    for (const length of [1, 2, 4]) {
      const [one, two] = [`${first}-${length}-a`, `${first}-${length}-b`];
      arm(...Array.from({ length }, (_, at) => first + at));
      const results = await Promise.allSettled([
        putRows(database, nodeRow({ name: one }), null),
        putRows(database, nodeRow({ name: two }), null),
      ]);
      const there = await names();
      for (const [at, name] of [one, two].entries())
        t.is(there.includes(name), results[at]?.status === 'fulfilled', `${name}: ${results[at]?.status}`);
      arm();
      await putRows(database, nodeRow({ name: `${one} after` }), null);
      t.true((await names()).includes(`${one} after`));
      t.false(connection.inTransaction, `${one}: no transaction is left open`);
    }
  }
});
