/** A set of changes in one transaction: in order, all or each by itself, and none takes another along. */
import test from 'ava';
import { type Outcome, writeTogether } from '../../../src/server/power/together.ts';
import type { Transaction } from '../../../src/server/store/database.ts';
import { nodeCodec } from '../../../src/server/store/rows.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import { nodeRow } from '../rows.ts';

const nothing = async (): Promise<null> => null;

async function open(t: { teardown(end: () => Promise<void>): void }) {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const names = async (): Promise<string[]> => (await database.read('nodes').orderBy('name')).map(({ name }) => name);
  return { database, names };
}

const adding =
  (name: string) =>
  async ({ sql }: Transaction): Promise<string> => {
    await sql('nodes').insert(nodeCodec.encode(nodeRow({ name, bmcKey: name })));
    return name;
  };

const words = (outcomes: readonly Outcome<string>[]): string[] =>
  outcomes.map((outcome) => ('error' in outcome ? `error: ${(outcome.error as Error).message}` : outcome.value));

test('nothing to write opens no transaction', async (t) => {
  t.deepEqual(await writeTogether([], { write: () => Promise.reject(new Error('a transaction')) }, nothing), []);
});

test('a set is one transaction, in order', async (t) => {
  const { database, names } = await open(t);
  let transactions = 0;
  const write: typeof database.write = (work) => {
    transactions += 1;
    return database.write(work);
  };
  const outcomes = await writeTogether(['c', 'a', 'b'].map(adding), { write }, nothing);
  t.deepEqual(words(outcomes), ['c', 'a', 'b']);
  t.deepEqual(await names(), ['a', 'b', 'c']);
  t.is(transactions, 1);
});

test('one that fails takes no other along, and what it has written is undone', async (t) => {
  const { database, names } = await open(t);
  const failing = async (transaction: Transaction): Promise<string> => {
    await adding('half')(transaction);
    throw new Error('the plug was pulled');
  };
  const outcomes = await writeTogether([adding('a'), failing, adding('b'), adding('a')], database, nothing);
  t.deepEqual(words(outcomes).slice(0, 3), ['a', 'error: the plug was pulled', 'b']);
  t.regex(words(outcomes)[3] ?? '', /UNIQUE/);
  t.deepEqual(await names(), ['a', 'b']);
});

test('one by itself fails by itself', async (t) => {
  const { database, names } = await open(t);
  const outcomes = await writeTogether([() => Promise.reject(new Error('no'))], database, nothing);
  t.deepEqual(words(outcomes), ['error: no']);
  t.deepEqual(await names(), []);
});
