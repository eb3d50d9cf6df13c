/** A fleet that is there before its conductor starts: to enrol 10,000 nodes one by one would take longer than all tests about them. */
import BetterSqlite3 from 'better-sqlite3';
import { type NodeRow, nodeCodec } from '../../src/server/store/rows.ts';
import { databaseIn } from '../../src/server/store/sqlite/data_folder.ts';
import { putNewDatabase } from '../e2e/new_database.ts';
import { nodeRow } from '../server/rows.ts';

/** Puts a new database into a data folder, with nodes of the driver `fake`: r1n1 to r1n100, r2n1, and so on; and these others. */
export function putFleet(data: string, count: number, others: readonly Partial<NodeRow>[]): void {
  putNewDatabase(data);
  const database = new BetterSqlite3(databaseIn(data));
  const racks = Array.from({ length: count }, (_, at) => ({
    name: `r${Math.floor(at / 100) + 1}n${(at % 100) + 1}`,
    labels: { rack: `${Math.floor(at / 100) + 1}` },
  }));
  const rows = [...racks, ...others].map((node) => {
    const fake = { fake_address: node.name ?? '', fake_soft_ms: 'never' };
    return nodeCodec.encode(nodeRow({ driverInfo: fake, bmcKey: `fake://${node.name}`, ...node }));
  });
  const keys = Object.keys(rows[0] ?? {});
  const insert = database.prepare(`insert into nodes (${keys.join()}) values (${keys.map((key) => `@${key}`).join()})`);
  database.transaction(() => {
    for (const row of rows) insert.run(row);
  })();
  database.close();
}
