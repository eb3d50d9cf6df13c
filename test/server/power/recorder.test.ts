/** Readings that come while the transaction of others is under way: what becomes of that is not theirs. */
import test from 'ava';
import { Recorder } from '../../../src/server/power/readings.ts';
import type { Database, Transaction } from '../../../src/server/store/database.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { endWorld, worldWith } from '../plan_making.ts';

test('a transaction that fails takes along the readings that it was begun for, and no other', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const { store } = world.conductor;
  const [first, second] = [await getNode('n1', store.database.read), await getNode('n2', store.database.read)];
  const reading = (readAt: number) => ({ powerState: 'power off' as const, readAt });
  let late: ReturnType<Recorder['record']> | null = null;
  let transactions = 0;
  const write = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    transactions += 1;
    if (transactions > 1) return store.database.write(work);
    return store.database.write(async (transaction) => {
      await work(transaction);
      late ??= recorder.record(second, reading(2));
      throw new Error('the plug was pulled');
    });
  };
  const recorder: Recorder = new Recorder({ ...store, database: { write } as Database });
  await t.throwsAsync(recorder.record(first, reading(1)), { message: 'the plug was pulled' });
  t.like(await late, { uuid: second.uuid, powerState: 'power off' });
  t.is((await getNode('n1', store.database.read)).powerState, first.powerState);
  t.is(transactions, 2);
  await endWorld(world);
});
