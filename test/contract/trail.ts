/** What every implementation of `Database` does with the audit trail. */
import type { ExecutionContext } from 'ava';
import { TrailCheck, trailDigest } from '../../src/core/trail.ts';
import { type Also, writeAlso } from '../../src/server/store/also.ts';
import type { Database } from '../../src/server/store/database.ts';
import { listTrail, pruneTrail, trailCodec } from '../../src/server/store/trail.ts';
import { nodeRow } from '../server/rows.ts';
import { fault, insert, names, outcomes } from './writes.ts';

const EVERY_ENTRY = { identity: '', node: '', rpc: '', refused: false, since: 0, oldestFirst: true };

/** Writes an entry of this text. */
function noting(entry: string): Also {
  const row = { at: 1, identity: 'a', rpc: 'b', node: null, outcome: 'OK', entry };
  const actor = { identity: 'a', onBehalfOf: null };
  return { actor, note: (transaction) => transaction.append('trail', [trailCodec.encode(row)]), done: () => {} };
}

/** Entries are there with their changes or not at all, and each fits the one before. */
export async function trailIsWhole(t: ExecutionContext, { database }: { readonly database: Database }): Promise<void> {
  const touched = () => ({});
  const write = (name: string, fails: boolean) =>
    writeAlso(database, noting(name), touched, async (transaction) => {
      await insert(nodeRow({ name }))(transaction);
      if (fails) throw fault();
    });
  for (let round = 0; round < 3; round += 1)
    await outcomes(Array.from({ length: 8 }, (_, at) => write(`n${round}.${at}`, at % 3 === 1)));
  const listed = () => listTrail(EVERY_ENTRY, null, 100, database.read);
  const entries = await listed();
  t.deepEqual(entries.map(({ entry }) => entry).sort(), await names(database));
  let before = '';
  for (const { entry, digest } of entries) {
    t.is(digest, trailDigest(before, entry));
    before = digest;
  }
  const refused = database.write(async (transaction) => {
    await noting('never').note(transaction, {});
    throw fault();
  });
  await t.throwsAsync(refused);
  t.is((await listed()).length, entries.length);
  // What is deleted as old is deleted with an entry that says so, from which the chain goes on.
  const old = { before: 2, manyTo: 0, manyBefore: 0, now: 5 };
  t.is(await database.write((transaction) => pruneTrail(old, transaction)), entries.length - 1);
  const left = await listTrail({ ...EVERY_ENTRY, oldestFirst: true }, null, 100, database.read);
  t.deepEqual(
    left.map(({ rpc }) => rpc),
    ['b', 'Retention'],
  );
  const check = new TrailCheck();
  t.deepEqual([...left.map((entry) => check.add(entry)), check.end()], [null, null, null]);
  t.is(check.prunedTo, (left[0]?.sequence ?? 0) - 1);
  t.is(await database.write((transaction) => pruneTrail({ ...old, before: 1 }, transaction)), 0);
}
