/** With which keys the rows of a database are sealed. */
import type pg from 'pg';
import { HEAD_LENGTH, keyIdsOf } from '../sealing.ts';

/** The ids of the keys without which a conductor can do nothing with a database. */
export async function keysInUse(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query("select to_regclass('nodes') is not null as nodes");
  if (!rows[0].nodes) return [];
  const heads = await client.query(`select distinct left(driver_info, ${HEAD_LENGTH}) as head from nodes`);
  return [...new Set([...keyIdsOf(heads.rows.map(({ head }) => head)), ...(await notedKeys(client))])];
}

/** The ids of the keys that conductors have noted as theirs. It reads a row or two. */
export async function notedKeys(client: pg.Client): Promise<string[]> {
  const { rows: there } = await client.query("select to_regclass('sealing_key') is not null as keys");
  if (!there[0].keys) return [];
  const { rows } = await client.query('select id from sealing_key');
  return rows.map(({ id }) => id);
}
