/** What was there before an action changed it: the one column of an action that is written apart from its state. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { type ActionRow, actionCodec } from './plan_rows.ts';

/** Stores what was there before an action changes it: in the transaction that changes it, or in an earlier one. */
export async function setBeforeImage(
  actionUuid: string,
  beforeImage: NonNullable<ActionRow['beforeImage']>,
  { sql }: Transaction,
): Promise<void> {
  await sql('actions')
    .where({ uuid: actionUuid })
    .whereNull('before_image')
    .update(actionCodec.encode({ beforeImage }));
}

/** True if an action has changed what it is about, or is about to. */
export async function hasBeforeImage(actionUuid: string, sql: Knex): Promise<boolean> {
  const row = await sql('actions').where({ uuid: actionUuid }).whereNotNull('before_image').first('uuid');
  return row !== undefined;
}
