/** Why an audit is not made or moved. */
import { type CountermandError, failAt, failWith } from '../../core/errors.ts';
import { possibleWords } from '../../core/possible.ts';
import type { AuditEvent } from '../../core/states.ts';
import { auditPossible } from '../plans/possible.ts';
import type { AuditRow } from '../store/plan_rows.ts';

/** A request_id that has made another audit. */
export function requestIdTaken({ requestId, name, uuid }: AuditRow): CountermandError {
  return failAt(
    'REQUEST_ID_TAKEN',
    'request_id',
    `request_id '${requestId}' was used for another audit, '${name}' (${uuid}); choose another`,
  );
}

/** An audit that is in a state which the move does not leave. */
export function wrongAuditState(audit: AuditRow, verb: AuditEvent): CountermandError {
  const possible = auditPossible(audit);
  const instead = possible.length === 0 ? 'nothing can be done with it any more' : possibleWords(possible);
  return failWith(
    'AUDIT_STATE',
    `audit '${audit.name}' (${audit.uuid}) is ${audit.state}; it cannot be ${PAST[verb]}; ${instead}`,
    { resource: { type: 'audit', name: audit.uuid }, possible, facts: { state: audit.state } },
  );
}

const PAST: Partial<Record<AuditEvent, string>> = {
  cancel: 'cancelled',
  suspend: 'suspended',
  resume: 'resumed',
  delete: 'deleted',
};
