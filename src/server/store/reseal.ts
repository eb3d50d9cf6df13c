/** Brings all rows under the present key: those of a version before there were keys, and those that an earlier key has sealed. */
import type { Database } from './database.ts';
import { ROWS_AT_ONCE } from './portions.ts';
import type { Sealer } from './sealing.ts';

/** A row as it stands in the database. */
interface Stored {
  readonly uuid: string;
  readonly driver_info: string;
}

/**
 * Seals what is plain, and seals anew what another key has sealed, in portions: after a crash it goes on where it was. What opens with no
 * known key stays as it is. Call it before anything else writes.
 * @returns how many rows were written
 */
export async function resealNodes(database: Pick<Database, 'read' | 'write'>, sealer: Sealer): Promise<number> {
  let count = 0;
  for (let after = ''; ; ) {
    const rows: Stored[] = await database
      .read('nodes')
      .where('uuid', '>', after)
      .orderBy('uuid')
      .limit(ROWS_AT_ONCE)
      .select('uuid', 'driver_info');
    const old = rows.filter(({ driver_info }) => !sealer.isCurrent(driver_info));
    if (old.length > 0) count += await reseal(old, database, sealer);
    const last = rows[ROWS_AT_ONCE - 1];
    if (last === undefined) break;
    after = last.uuid;
  }
  await noteKey(database, sealer.keyId);
  return count;
}

/** From now on, no conductor without this key is started. */
async function noteKey(database: Pick<Database, 'read' | 'write'>, id: string): Promise<void> {
  const noted: string[] = await database.read('sealing_key').pluck('id');
  if (noted.length === 1 && noted[0] === id) return;
  await database.write(async ({ sql }) => {
    await sql('sealing_key').delete();
    await sql('sealing_key').insert({ id });
  });
}

/** The row means what it meant, so its revision stays, and watchers are told nothing. */
function reseal(rows: readonly Stored[], database: Pick<Database, 'write'>, sealer: Sealer): Promise<number> {
  return database.write(async ({ direct, scrub }) => {
    let count = 0;
    for (const { uuid, driver_info } of rows) {
      const plain = driver_info.startsWith('{') ? driver_info : sealer.open(driver_info, uuid);
      if (plain !== null)
        count += await direct.update('nodes', { driver_info: sealer.seal(plain, uuid) }, { uuid, driver_info });
    }
    scrub();
    return count;
  });
}
