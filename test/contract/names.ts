/** Which node a name means, in every implementation of `Database`. */
import type { ExecutionContext } from 'ava';
import type { Database } from '../../src/server/store/database.ts';
import { findNode, getNode, insertNodeRow, listAllNodes, saveNode } from '../../src/server/store/nodes.ts';
import { nodeRow } from '../server/rows.ts';
import { fault, insert } from './writes.ts';

/** A name that was looked up before means another node once that has it: at once in the write that does it, and for all others after its commit. */
export async function namesAreThoseOfNow(
  t: ExecutionContext,
  { database }: { readonly database: Database },
): Promise<void> {
  const [one, other] = [nodeRow({ name: 'n1' }), nodeRow({ name: 'n2' })];
  await database.write(insert(one));
  const named = async (name: string, sql = database.read) => (await findNode(name, sql))?.uuid ?? null;
  t.deepEqual([await named('n1'), await named('n1'), await named('n2')], [one.uuid, one.uuid, null]);
  const rename = (fails: boolean) =>
    database.write(async (transaction) => {
      await saveNode(await getNode(one.uuid, transaction.sql), { name: 'old' }, transaction);
      await insertNodeRow({ ...other, name: 'n1' }, transaction);
      const seen = [await named('n1', transaction.sql), await named('old', transaction.sql)];
      if (fails) throw fault();
      return seen;
    });
  await t.throwsAsync(rename(true));
  t.deepEqual([await named('n1'), await named('old')], [one.uuid, null]);
  t.deepEqual(await rename(false), [other.uuid, one.uuid]);
  t.deepEqual([await named('n1'), await named('old'), await named('n1')], [other.uuid, one.uuid, other.uuid]);
}

/** Whoever reads every node reads pages, in no write, and gets them in the order of their names. */
export async function allNodesAreReadOutsideOfWrites(
  t: ExecutionContext,
  { database }: { readonly database: Database },
): Promise<void> {
  const wanted = Array.from({ length: 1001 }, (_, at) => `n${2000 - at}`);
  await database.write(async (transaction) => {
    for (const name of wanted) await insertNodeRow(nodeRow({ name }), transaction);
  });
  t.deepEqual(
    (await listAllNodes(database.read)).map(({ name }) => name),
    wanted.toReversed(),
  );
  await t.throwsAsync(
    database.write(({ sql }) => listAllNodes(sql)),
    { message: /must not read every node/ },
  );
}
