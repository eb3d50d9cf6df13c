/** With which keys the rows of a database are sealed. */
import type pg from 'pg';
import { HEAD_LENGTH, keyIdsOf } from '../sealing.ts';

/** The ids of the keys without which a conductor can do nothing with a database. */
export async function keysInUse(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query(
    "select to_regclass('nodes') is not null as nodes, to_regclass('sealing_key') is not null as sealing_key",
  );
  const [there] = rows;
  if (!there.nodes) return [];
  const heads = await client.query(`select distinct left(driver_info, ${HEAD_LENGTH}) as head from nodes`);
  const noted = there.sealing_key ? await client.query('select id from sealing_key') : { rows: [] };
  return [...new Set([...keyIdsOf(heads.rows.map(({ head }) => head)), ...noted.rows.map(({ id }) => id)])];
}
