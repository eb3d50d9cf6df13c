/** Brings all rows under the present key: those of a version before there were keys, and those that an earlier key has sealed. */
import type { Database } from './database.ts';
import { ROWS_AT_ONCE } from './portions.ts';
import type { Sealer } from './sealing.ts';
import { SINK_SETTINGS } from './sinks.ts';

/** Where sealed texts stand. */
interface Sealed {
  readonly table: string;
  readonly column: string;
  /** What its texts are bound to. */
  readonly what?: string;
}

const NODES: Sealed = { table: 'nodes', column: 'driver_info' };
const SINKS: Sealed = { table: 'sinks', column: 'settings', what: SINK_SETTINGS };

/** A row as it stands in the database. */
interface Stored {
  readonly uuid: string;
  readonly text: string;
}

/**
 * Seals what is plain, and seals anew what another key has sealed, in portions: after a crash it goes on where it was. What opens with no
 * known key stays as it is. Call it before anything else writes.
 * @returns how many nodes were written
 */
export async function resealNodes(database: Pick<Database, 'read' | 'write'>, sealer: Sealer): Promise<number> {
  await resealTable(SINKS, database, sealer);
  const count = await resealTable(NODES, database, sealer);
  await noteKey(database, sealer.keyId);
  return count;
}

async function resealTable(
  sealed: Sealed,
  database: Pick<Database, 'read' | 'write'>,
  sealer: Sealer,
): Promise<number> {
  const { table, column } = sealed;
  let count = 0;
  for (let after = ''; ; ) {
    const rows: Stored[] = await database
      .read(table)
      .where('uuid', '>', after)
      .orderBy('uuid')
      .limit(ROWS_AT_ONCE)
      .select('uuid', { text: column });
    const old = rows.filter(({ text }) => !sealer.isCurrent(text));
    if (old.length > 0) count += await reseal(old, sealed, database, sealer);
    const last = rows[ROWS_AT_ONCE - 1];
    if (last === undefined) return count;
    after = last.uuid;
  }
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
function reseal(
  rows: readonly Stored[],
  { table, column, what }: Sealed,
  database: Pick<Database, 'write'>,
  sealer: Sealer,
): Promise<number> {
  return database.write(async ({ direct, scrub }) => {
    let count = 0;
    for (const { uuid, text } of rows) {
      const plain = text.startsWith('{') ? text : sealer.open(text, uuid, what);
      if (plain !== null)
        count += await direct.update(table, { [column]: sealer.seal(plain, uuid, what) }, { uuid, [column]: text });
    }
    scrub();
    return count;
  });
}
