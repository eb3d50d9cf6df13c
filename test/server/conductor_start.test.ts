/** A start that fails anywhere in recovery rejects with the reason and leaves nothing behind that would keep a process alive. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { openStore, startConductor } from '../../src/server/conductor.ts';
import type { Log } from '../../src/server/log.ts';
import { saveAgent } from '../../src/server/store/agents.ts';
import type { Database } from '../../src/server/store/database.ts';
import { openDatabase, openMemoryDatabase } from '../../src/server/store/sqlite/database.ts';
import { newFolder } from '../counterparts/folder.ts';
import { seededChance } from '../world/chance.ts';
import { AGENT_LEASE_MS } from '../world/conductors.ts';
import { DEFAULT_LIMITS } from '../world/settings.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { nodeRow, putRows, taskRow } from './rows.ts';

const RESERVE_BYTES = 2 ** 16;
const LOG = { info: () => {}, warn: () => {}, error: () => {} };

/** A database with a node that a task holds, so that there is something to recover before the damage is met. */
async function usedFolder(folder: string): Promise<void> {
  const database = await openDatabase(folder, RESERVE_BYTES);
  const node = nodeRow({ name: 'n1' });
  await putRows(database, node, taskRow(node));
  await database.close();
}

/** Overwrites the root pages of a table and of its indexes: whoever reads it is told. */
function damage(path: string, table: string): void {
  const raw = new BetterSqlite3(path);
  raw.pragma('wal_checkpoint(TRUNCATE)');
  const size = raw.pragma('page_size', { simple: true }) as number;
  const roots = raw.prepare('select rootpage from sqlite_master where tbl_name = ?').all(table) as {
    rootpage: number;
  }[];
  raw.close();
  const bytes = readFileSync(path);
  for (const { rootpage } of roots) bytes.fill(0xaa, (rootpage - 1) * size, rootpage * size);
  writeFileSync(path, bytes);
}

function start(database: Database, clock: VirtualClock, log: Log = LOG) {
  const store = openStore({ database, clock, chance: seededChance(1), publisherId: 'test' });
  return startConductor({ store, limits: DEFAULT_LIMITS, agentLeaseMs: AGENT_LEASE_MS, log });
}

test('an agent that an earlier conductor has given a longer lease is waited for as long as that lasts', async (t) => {
  const clock = new VirtualClock();
  const database = await openMemoryDatabase();
  const agents = { long: 2 * AGENT_LEASE_MS, short: 1000, unknown: null };
  await database.write(async (transaction) => {
    for (const [name, leaseMs] of Object.entries(agents)) {
      const agent = { uuid: name, name, embedded: false, identity: null, attachedAt: 0, leaseMs };
      await saveAgent(agent, [], transaction);
    }
  });
  const movable: unknown[] = [];
  const warn = (fields: object): void =>
    void movable.push((fields as { agent_uuids?: string[] }).agent_uuids?.toSorted());
  const { attachments, stop } = await start(database, clock, { ...LOG, warn });
  const ownerOf = (agentUuid: string) =>
    attachments.ownerOf({ uuid: `of ${agentUuid}`, agentUuid, zone: 'default', driver: 'fake' });
  const lost = (agentUuid: string, movableInMs: number) => ({ kind: 'lost', agentUuid, movableInMs });
  t.deepEqual(ownerOf('long'), lost('long', 4 * AGENT_LEASE_MS) as never);
  for (const usual of ['short', 'unknown']) t.deepEqual(ownerOf(usual), lost(usual, 2 * AGENT_LEASE_MS) as never);
  await clock.turn(2 * AGENT_LEASE_MS);
  t.deepEqual(ownerOf('long'), lost('long', 2 * AGENT_LEASE_MS) as never);
  for (const usual of ['short', 'unknown']) t.is(ownerOf(usual).kind, 'none');
  t.deepEqual(movable, [['short', 'unknown']]);
  await clock.turn(2 * AGENT_LEASE_MS);
  t.is(ownerOf('long').kind, 'none');
  t.deepEqual(movable, [['short', 'unknown'], ['long']]);
  await stop();
  await database.close();
});

for (const table of ['agents', 'power_tasks', 'nodes', 'action_plans', 'audits']) {
  test(`${table} cannot be read`, async (t) => {
    const folder = await newFolder(t);
    await usedFolder(folder);
    // After the check that each start begins with.
    const database = await openDatabase(folder, RESERVE_BYTES);
    damage(join(folder, 'countermand.db'), table);
    t.teardown(() => database.close());
    const clock = new VirtualClock();
    await t.throwsAsync(start(database, clock), { code: 'DATABASE_DAMAGED' } as never);
    await clock.settle();
    t.is(clock.timers, 0);
  });
}
