/** A sealed text opens with its key, for its node, as it was written; and in no other case. */
import test from 'ava';
import { systemChance } from '../../../src/core/chance.ts';
import { UNOPENED } from '../../../src/core/references.ts';
import { resealNodes } from '../../../src/server/store/reseal.ts';
import { keyIdsOf, nodeCodecOf, Sealer, sealBehind, sealingKey } from '../../../src/server/store/sealing.ts';
import { insertSink, listSinks, SINK_SETTINGS } from '../../../src/server/store/sinks.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import { nodeRow } from '../rows.ts';

const key = (byte: number) => sealingKey(Buffer.alloc(32, byte));
const sealerOf = (byte: number, ...others: number[]) => new Sealer(key(byte), others.map(key), systemChance);
const PLAIN = '{"ipmi_password":"pAss-4f7Qz"}';

test('a text opens for its node alone, with its key alone, and only whole', (t) => {
  const sealer = sealerOf(1);
  const sealed = sealer.seal(PLAIN, 'node-1');
  t.is(sealer.open(sealed, 'node-1'), PLAIN);
  t.is(sealerOf(2, 1).open(sealed, 'node-1'), PLAIN, 'an earlier key');
  t.is(sealerOf(2).open(sealed, 'node-1'), null, 'another key');
  t.is(sealer.open(sealed, 'node-2'), null, 'another node');
  t.is(sealerOf(2, 1).open(sealed.replace(key(1).id, key(2).id), 'node-1'), null, 'the id of another key');
  for (let at = sealed.lastIndexOf(':') + 1; at < sealed.length - 3; at += 1) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
    t.is(sealer.open(changed, 'node-1'), null, `character ${at}`);
    t.is(sealer.open(sealed.slice(0, at), 'node-1'), null, `cut at ${at}`);
  }
});

test('a text tells the id of its key, and nothing of what is in it but its length', (t) => {
  const [one, two] = [sealerOf(1).seal(PLAIN, 'n'), sealerOf(1).seal(PLAIN, 'n')];
  t.not(one, two);
  t.deepEqual(keyIdsOf([one, two, PLAIN, sealerOf(2).seal(PLAIN, 'n')]), [key(1).id, key(2).id].sort());
  t.false(key(1).secret.export().toString('hex').includes(key(1).id));
  t.true(sealerOf(1, 2).isCurrent(one));
  t.false(sealerOf(2, 1).isCurrent(one));
  t.false(sealerOf(1).isCurrent(PLAIN));
});

test('what does not open is a node whose driver_info says so', async (t) => {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const { read } = database;
  const node = nodeRow({ driverInfo: { ipmi_password: 'pAss-4f7Qz' } });
  sealBehind(read, sealerOf(1));
  const codec = nodeCodecOf(node.uuid, read);
  const stored = codec.encode(node);
  t.notRegex(JSON.stringify(stored), /pAss/);
  t.deepEqual(codec.decode(stored), node);
  const elsewhere = { ...node, uuid: 'another' };
  t.deepEqual(codec.decode({ ...stored, uuid: 'another' }), {
    ...elsewhere,
    driverInfo: { [UNOPENED]: String(stored.driver_info) },
  });
});

test('settings of sinks are sealed for their sink, and anew with the next key', async (t) => {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const settings = { webhook_secret: 'pAss-4f7Qz' };
  const sink = { ...{ uuid: 's1', name: 'a', kind: 'webhook', settings, eventTypes: [] }, position: 0 };
  const row = { ...sink, createdAt: 1, createdBy: 'x', offReason: null };
  sealBehind(database.read, sealerOf(1));
  await database.write((transaction) => {
    sealBehind(transaction.sql, sealerOf(1));
    return insertSink(row, transaction);
  });
  const stored = async (): Promise<string> => (await database.read('sinks').first('settings')).settings;
  t.true(sealerOf(1).isCurrent(await stored()));
  t.deepEqual((await listSinks(database.read))[0]?.settings, settings);
  t.is(await resealNodes(database, sealerOf(2, 1)), 0, 'no node');
  t.is(sealerOf(2).open(await stored(), 's1', SINK_SETTINGS), JSON.stringify(settings));
  t.is(sealerOf(2).open(await stored(), 's1'), null, 'as driver_info it does not open');
  t.is((await listSinks(database.read))[0]?.settings, null, 'without its key');
});
