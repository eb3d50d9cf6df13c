/** What is written in rows without a revision is compared by its own value: what another write has left stays. */
import test from 'ava';
import { insertFreeze, listFreezes, saveLifted } from '../../../src/server/store/freezes.ts';
import { insertSink, listSinks, saveOffReason, savePosition } from '../../../src/server/store/sinks.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import { insertToken, listTokens, saveRevoked } from '../../../src/server/store/tokens.ts';
import { nextUuid } from '../rows.ts';

test('a sink does not go back, and is switched by who knows why it is off', async (t) => {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const uuid = nextUuid();
  const named = { uuid, name: 'a', kind: 'webhook', settings: {}, eventTypes: [] };
  const sink = { ...named, position: 5, createdAt: 1, createdBy: '', offReason: null };
  await database.write((tx) => insertSink(sink, tx));
  const stored = async () => (await listSinks(database.read))[0];
  await database.write((tx) => savePosition(uuid, 7, tx));
  await database.write((tx) => savePosition(uuid, 6, tx));
  t.is((await stored())?.position, 7);
  const turn = (from: string | null, to: string | null) =>
    database.write((tx) => saveOffReason({ uuid, offReason: from }, to, tx));
  await turn(null, 'gone');
  await turn(null, 'gone again');
  await turn('another reason', null);
  t.is((await stored())?.offReason, 'gone');
  await turn('gone', null);
  t.is((await stored())?.offReason, null);
});

test('a freeze is lifted once, and a token revoked once: the first time stands', async (t) => {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const [freeze, token] = [nextUuid(), nextUuid()];
  const frozen = { uuid: freeze, zone: 'z', labels: {}, reason: 'r', createdAt: 1, createdBy: '', until: null };
  const made = { uuid: token, name: 't', digest: 'd', agentZones: [], role: null, createdAt: 1, createdBy: '' };
  await database.write(async (tx) => {
    await insertFreeze({ ...frozen, liftedAt: null }, tx);
    await insertToken({ ...made, expiresAt: 9, revokedAt: null }, tx);
  });
  for (const at of [2, 3])
    await database.write(async (tx) => {
      await saveLifted(freeze, at, tx);
      await saveRevoked(token, at, tx);
    });
  t.deepEqual(await listFreezes(0, 1, database.read), []);
  t.is((await database.read('freezes').first()).lifted_at, 2);
  t.is((await listTokens(database.read))[0]?.revokedAt, 2);
});
