/** Rows that are written anew: compared as they are, and many at once. */
import type { ExecutionContext } from 'ava';
import { compareAndSet, NODES } from '../../src/server/store/compare_and_set.ts';
import type { Database } from '../../src/server/store/database.ts';
import { saveNode } from '../../src/server/store/nodes.ts';
import { type NodeRow, nodeCodec } from '../../src/server/store/rows.ts';
import { nodeRow } from '../server/rows.ts';
import { insert, names } from './writes.ts';

/** A row that was changed past the conductor is not taken for what the conductor wrote last. */
export async function comparedAsItIs(
  t: ExecutionContext,
  { database }: { readonly database: Database },
): Promise<void> {
  const node = await database.write(insert(nodeRow({ name: 'kept' })));
  const other = await database.write(insert(nodeRow({ name: 'other' })));
  // Whoever does that tells no one.
  await database.read('nodes').where({ uuid: node.uuid }).update({ revision: 7 });
  const name = (before: NodeRow, to: string) =>
    database.write((transaction) => compareAndSet(NODES, before, { name: to }, transaction));
  const results = await Promise.all([name(other, 'renamed'), name(node, 'never'), name(other, 'too late')]);
  t.deepEqual(
    results.map((result) => result?.name),
    ['renamed', undefined, undefined],
  );
  t.deepEqual(await names(database), ['kept', 'renamed']);
}

/** What a statement about many rows writes is what each of them was to be. */
export async function writtenAlike(t: ExecutionContext, { database }: { readonly database: Database }): Promise<void> {
  const nodes = Array.from({ length: 5 }, (_, at) => nodeRow({ name: `n${at}` }));
  for (const node of nodes) await database.write(insert(node));
  const texts = ['plain', 'it\'s \\ "quoted"', 'a\nb\t\u0001', '𝔘 é 漢', ''];
  const saved = await database.write(async (transaction) => {
    const after: (NodeRow | null)[] = [];
    for (const [at, node] of nodes.entries()) {
      const lastError = texts[at] ?? '';
      after.push(await saveNode(node, { lastError, mayChangeUntil: at === 0 ? null : 2 ** 53 - at }, transaction));
    }
    return after;
  });
  const rows = await database.read('nodes').orderBy('name');
  t.deepEqual(rows.map(nodeCodec.decode), saved as NodeRow[]);
  t.deepEqual(
    rows.map(({ last_error }) => last_error),
    texts,
  );
}
