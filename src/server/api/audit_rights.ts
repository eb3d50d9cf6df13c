/** What making an audit takes: its plan is held to what its maker may do, and what starts by itself later to more. */
import { failAt } from '../../core/errors.ts';
import { FailurePolicy } from '../../gen/countermand/v1/action_plan.ts';
import { AuditType, type CreateAuditRequest } from '../../gen/countermand/v1/audit.ts';
import type { Verb } from '../access/verbs.ts';
import type { Conductor } from '../conductor.ts';
import type { Permit } from '../plans/permit.ts';
import { noAuditTemplate } from '../store/audit_templates.ts';
import { findAuditByRequestId } from '../store/audits.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import { ACTION_VERBS } from './step_verbs.ts';
import type { View } from './view.ts';

/** Later runs of an audit that starts its plans are asked nothing: who makes it could start them for every node. */
const UNWATCHED: readonly Verb[] = ['node.read', 'audit.create', 'plan.start', 'plan.rollback', ...ACTION_VERBS];

/**
 * The permit for the audit of a request.
 * @throws PERMISSION_DENIED if later runs, or runs for every node, would do more than its maker may
 */
export function permitOf(request: CreateAuditRequest, view: View): Permit {
  const { autoTrigger, auditType, onFailure, all } = request;
  if (autoTrigger && auditType === AuditType.CONTINUOUS) view.needEverywhere(UNWATCHED);
  if (all) view.needEverywhere(['node.read', 'audit.create']);
  const undoes = autoTrigger && onFailure === FailurePolicy.ROLLBACK;
  return view.permit(autoTrigger ? ['audit.create', 'plan.start'] : ['audit.create'], undoes);
}

/**
 * The permit to look at what the audit of a request would do.
 * @throws PERMISSION_DENIED for one about every node: what it would do tells of each of them
 */
export function previewPermitOf({ all }: CreateAuditRequest, view: View): Permit {
  if (all) view.needEverywhere(['node.read', 'audit.read']);
  return view.permit(null);
}

/** @throws PERMISSION_DENIED as `permitOf`, for an audit that is to run again */
export function refuseUnwatched({ autoTrigger, intervalMs }: AuditRow, view: View): void {
  if (autoTrigger && intervalMs !== null) view.needEverywhere(UNWATCHED);
}

/**
 * Templates are for those who may see every audit: their scopes name any nodes.
 * @throws AUDIT_TEMPLATE_NOT_FOUND for a template, REQUEST_ID_TAKEN for an audit, that the caller may not see
 */
export async function refuseHidden(request: CreateAuditRequest, view: View, { orders }: Conductor): Promise<void> {
  const { requestId, auditTemplate } = request;
  if (auditTemplate !== '' && !view.rights.everywhere('audit.read')) throw noAuditTemplate(auditTemplate);
  if (view.isWhole || requestId === '') return;
  const earlier = await findAuditByRequestId(requestId, orders.store.database.read);
  if (earlier && (await view.audits([earlier])).length === 0)
    throw failAt(
      'REQUEST_ID_TAKEN',
      'request_id',
      `request_id '${requestId}' was used for another audit; choose another`,
    );
}
