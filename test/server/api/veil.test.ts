/** What an error says to who may not see what it is about. */
import test from 'ava';
import { asCountermandError } from '../../../src/core/errors.ts';
import { Rights } from '../../../src/server/access/rights.ts';
import { veiled } from '../../../src/server/api/veil.ts';
import { View } from '../../../src/server/api/view.ts';
import { heldThrough } from '../../../src/server/power/possible.ts';
import { nodeCodec } from '../../../src/server/store/rows.ts';
import { nodeRow } from '../rows.ts';
import { openRealDatabase } from '../turns.ts';

test('a node that is held through the BMC of another is refused without the name of the other, and its place', async (t) => {
  const database = await openRealDatabase(t);
  const mine = nodeRow({ name: 'mine', labels: { rack: '7' } });
  const twin = nodeRow({ name: 'twin', labels: { rack: '8' }, heldBy: 'a task', bmcPlace: '10.0.0.1:623' });
  await database.write(({ sql }) => sql('nodes').insert([mine, twin].map(nodeCodec.encode)));
  const told = async (rack: string): Promise<string> => {
    const sees = new Rights(
      [{ verbs: ['node.read'], filter: ({ labels }) => rack.includes(labels.rack ?? ''), place: '' }],
      '',
    );
    const error = asCountermandError(await veiled(heldThrough(twin, mine), new View(sees, 'basic:a', database.read)));
    return `${error.code}: ${error.message} ${JSON.stringify(error.details)}`;
  };
  t.regex(await told('78'), /^NODE_HELD: node mine is reached through the same BMC \(10.0.0.1:623\) as node twin/);
  t.notRegex(await told('7'), /twin|10\.0\.0\.1|a task/);
  t.regex(await told('7'), /^NODE_HELD: /);
});
