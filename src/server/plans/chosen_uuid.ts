/** The uuid of a new plan or audit, where the client chose it. */
import { failAt } from '../../core/errors.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import type { Transaction } from '../store/database.ts';
import { findUsed } from '../store/newest.ts';

/** Checks its form; an empty or absent one is for the conductor to choose. @throws ARGUMENT_INVALID */
export function checkChosenUuid(uuid = ''): void {
  if (uuid !== '' && !CANONICAL_UUID.test(uuid))
    throw failAt('ARGUMENT_INVALID', 'uuid', `uuid '${uuid.slice(0, 100)}' is not a uuid in lower case`);
}

/**
 * Refuses one by which another row can be named: commands take a uuid and a request_id alike, and must not mean another plan.
 * @throws UUID_TAKEN
 */
export async function refuseUsedUuid(
  table: 'action_plans' | 'audits',
  uuid = '',
  sql: Transaction['sql'],
): Promise<void> {
  const other = uuid === '' ? null : await findUsed(table, uuid, sql);
  if (other === null) return;
  const noun = table === 'audits' ? 'audit' : 'plan';
  throw failAt(
    'UUID_TAKEN',
    'uuid',
    `uuid ${uuid} is the uuid or the request_id of ${noun} '${other.name}' (${other.uuid}); choose another`,
  );
}
