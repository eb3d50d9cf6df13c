/** What was there before an action changed it: the one column of an action that is written apart from its state. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { keptActionBehind } from './kept.ts';
import { type ActionRow, actionCodec } from './plan_rows.ts';

/** Stores what was there before an action changes it: in the transaction that changes it, or in an earlier one. */
export async function setBeforeImage(
  actionUuid: string,
  beforeImage: NonNullable<ActionRow['beforeImage']>,
  { sql, direct, keep }: Transaction,
): Promise<void> {
  const written = actionCodec.encode({ beforeImage });
  if ((await direct.update('actions', written, { uuid: actionUuid, before_image: null })) === 0) return;
  const { action, plan } = keptActionBehind(sql, actionUuid);
  if (action && plan) keep({ kind: 'plan', plan, actions: [{ ...action, beforeImage }] });
}

/** True if an action has changed what it is about, or is about to. */
export async function hasBeforeImage(actionUuid: string, sql: Knex): Promise<boolean> {
  const row = await sql('actions').where({ uuid: actionUuid }).whereNotNull('before_image').first('uuid');
  return row !== undefined;
}
