/** Values as they are written and read, in every implementation of `Database`. */
import type { ExecutionContext } from 'ava';
import type { Database } from '../../src/server/store/database.ts';
import { nodesWithLabel } from '../../src/server/store/hosts.ts';
import { findNode } from '../../src/server/store/nodes.ts';
import { nodeCodec } from '../../src/server/store/rows.ts';
import { nodeRow } from '../server/rows.ts';
import { insert } from './writes.ts';

interface Given {
  readonly database: Database;
}

/** Of every kind that a column has. */
export async function valuesComeBack(t: ExecutionContext, { database }: Given): Promise<void> {
  const node = nodeRow({
    name: 'Ünïcode ☃ \u{1f600}',
    labels: { rack: 'r1', empty: '', quote: `'"\\` },
    driverInfo: { fake_address: 'ä', number: '007' },
    maintenance: true,
    problem: { code: 'INTERNAL', message: 'm', since: 2 ** 41 },
    mayChangeUntil: 2 ** 53 - 1,
    createdAt: 1_800_000_000_000,
    fence: 2 ** 31 - 1,
  });
  await database.write(insert(node));
  const row = await database.read('nodes').where('uuid', node.uuid).first();
  t.deepEqual(nodeCodec.decode(row), node);
  const { count } = (await database.read('nodes').count({ count: '*' }).first()) as { count: unknown };
  t.is(count, 1, 'a count is a number');
  const [found] = await database.write(({ direct }) => direct.find('nodes', { may_change_until: 2 ** 53 - 1 }));
  t.is(found?.may_change_until, 2 ** 53 - 1);
}

/** Times before 1970, long texts, and texts that only look alike. */
export async function oddValuesComeBack(t: ExecutionContext, { database }: Given): Promise<void> {
  const composed = nodeRow({
    name: '\u00e9',
    createdAt: Date.UTC(1969, 11, 31),
    lastError: '\u{1f600}'.repeat(50_000),
  });
  const apart = nodeRow({
    name: 'e\u0301',
    createdAt: Date.parse('0001-01-01T00:00:00Z'),
    labels: { '%_\\': "100%_'" },
  });
  for (const node of [composed, apart]) await database.write(insert(node));
  for (const node of [composed, apart]) {
    t.deepEqual(nodeCodec.decode(await database.read('nodes').where('uuid', node.uuid).first()), node);
    t.is((await findNode(node.name, database.read))?.uuid, node.uuid);
  }
  t.deepEqual(await nodesWithLabel('%_\\', "100%_'", database.read).then((found) => found.map(({ uuid }) => uuid)), [
    apart.uuid,
  ]);
  t.deepEqual(await nodesWithLabel('%_\\', '100xx-', database.read), []);
}
