/**
 * The notifications of action plans, actions and audits: envelope, names and keys are those of Watcher's versioned
 * notifications; docs/decisions/030_watcher_payloads.md says where ours differ. Every state they carry is true
 * (docs/decisions/031_notifications_carry_true_state.md).
 */

import type { ErrorCode } from '../../core/errors.ts';
import type { ActionPlanState, ActionState, AuditState } from '../../core/states.ts';
import { type Announcement, toldActor } from '../events/announce.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from '../store/plan_rows.ts';
import { parametersSpec } from './strategies/strategy.ts';
import { strategyOf } from './strategies.ts';

type Data = Record<string, unknown>;

/** Times inside payloads have whole seconds, as in Watcher's. Most of those of one turn are the same few. */
function timeText(at: number | null): string | null {
  if (at === null) return null;
  const second = Math.floor(at / 1000);
  const known = SECONDS.get(second);
  if (known !== undefined) return known;
  const text = `${new Date(at).toISOString().slice(0, 19)}Z`;
  if (SECONDS.size >= SECONDS_LIMIT) SECONDS.clear();
  SECONDS.set(second, text);
  return text;
}

const SECONDS = new Map<number, string>();
const SECONDS_LIMIT = 100;

const orNull = (text: string): string | null => (text === '' ? null : text);

function versioned(name: string, data: Data): Data {
  return {
    'watcher_object.namespace': 'watcher',
    'watcher_object.name': name,
    'watcher_object.version': '1.0',
    'watcher_object.data': data,
  };
}

function stamps(row: { createdAt: number; updatedAt: number; deletedAt: number | null; revision: number }): Data {
  return {
    created_at: timeText(row.createdAt),
    updated_at: row.revision === 1 ? null : timeText(row.updatedAt),
    deleted_at: timeText(row.deletedAt),
  };
}

function fault(origin: string, code: ErrorCode | null, message: string): Data | null {
  if (code === null) return null;
  return versioned('ExceptionPayload', {
    module_name: 'countermand',
    function_name: origin,
    exception: code,
    exception_message: message,
  });
}

function stateUpdate(name: string, oldState: string | null, state: string, message: string): Data {
  return versioned(name, { old_state: oldState, state, status_message: orNull(message) });
}

function strategyPayload(audit: AuditRow): Data {
  const strategy = strategyOf(audit.strategy);
  const { uuid, name, displayName } = strategy;
  const born = { created_at: timeText(audit.createdAt), updated_at: null, deleted_at: null };
  return versioned('StrategyPayload', {
    uuid,
    name,
    display_name: displayName,
    parameters_spec: parametersSpec(strategy),
    ...born,
  });
}

function auditData(audit: AuditRow): Data {
  const strategy = strategyOf(audit.strategy);
  return {
    uuid: audit.uuid,
    name: audit.name,
    audit_type: audit.auditType,
    state: audit.state,
    status_message: orNull(audit.statusMessage),
    parameters: audit.parameters,
    interval: audit.intervalMs === null ? null : String(audit.intervalMs / 1000),
    scope: audit.scope,
    goal_uuid: strategy.goal.uuid,
    strategy_uuid: strategy.uuid,
    auto_trigger: audit.autoTrigger,
    next_run_time: audit.state === 'ONGOING' ? timeText(audit.nextRunAt) : null,
    ...stamps(audit),
  };
}

function terseAudit(audit: AuditRow): Data {
  return versioned('TerseAuditPayload', auditData(audit));
}

/** What the payloads are called, by the types of their notifications without the phase. */
export const PAYLOAD_NAMES = {
  'action_plan.create': 'ActionPlanCreatePayload',
  'action_plan.update': 'ActionPlanUpdatePayload',
  'action_plan.delete': 'ActionPlanDeletePayload',
  'action_plan.execution': 'ActionPlanActionPayload',
  'action_plan.cancel': 'ActionPlanCancelPayload',
  'action_plan.rollback': 'ActionPlanRollbackPayload',
  'action.create': 'ActionCreatePayload',
  'action.update': 'ActionUpdatePayload',
  'action.delete': 'ActionDeletePayload',
  'action.execution': 'ActionExecutionPayload',
  'action.cancel': 'ActionCancelPayload',
  'audit.create': 'AuditCreatePayload',
  'audit.update': 'AuditUpdatePayload',
  'audit.delete': 'AuditDeletePayload',
} as const;
/** A type without the phase. */
export type PayloadKind = keyof typeof PAYLOAD_NAMES;

interface Parsed {
  readonly eventType: string;
  readonly kind: PayloadKind;
  readonly verb: string;
  readonly phase: string;
  /** It carries the state before the move. */
  readonly before: boolean;
}

/** `action.cancel.start (before)` in its parts. */
function parse(notification: string): Parsed {
  const [eventType = '', mark] = notification.split(' ');
  const [thing = '', verb = '', phase = ''] = eventType.split('.');
  return { eventType, kind: `${thing}.${verb}` as PayloadKind, verb, phase, before: mark === '(before)' };
}

function announcement({ eventType, kind, phase }: Parsed, data: Data): Announcement {
  const priority = phase === 'error' ? 'ERROR' : 'INFO';
  return { eventType, priority, payload: versioned(PAYLOAD_NAMES[kind], data) };
}

/** Only some verbs have a fault; it is null unless something is wrong. */
function withFault(verb: string, phase: string, found: Data | null): Data {
  if (verb !== 'execution' && verb !== 'cancel') return {};
  return { fault: phase === 'error' ? found : null };
}

/** A notification of the state table about a plan, as the row now is. */
export function planAnnouncement(notification: string, plan: ActionPlanRow, audit: AuditRow): Announcement {
  const parsed = parse(notification);
  return announcement(parsed, planData(parsed, plan, audit));
}

/** What a plan says when the rollback that is to undo it moves. */
export function rollbackAnnouncement(
  phase: 'start' | 'end' | 'error',
  plan: ActionPlanRow,
  audit: AuditRow,
  rollback: ActionPlanRow,
): Announcement {
  const parsed = parse(`action_plan.rollback.${phase}`);
  // A rollback that was cancelled has no error of its own.
  const { errorCode, errorMessage, statusMessage } = rollback;
  const found = fault('action_plan', errorCode ?? 'ACTION_PLAN_CANCELLED', errorCode ? errorMessage : statusMessage);
  return announcement(parsed, {
    ...planData(parsed, plan, audit),
    fault: phase === 'error' ? found : null,
    rollback_uuid: rollback.uuid,
    rollback_state: rollback.state,
    rollback_status_message: orNull(rollback.statusMessage),
  });
}

function planData({ verb, phase, before }: Parsed, plan: ActionPlanRow, audit: AuditRow): Data {
  const state: ActionPlanState = before ? (plan.previousState ?? plan.state) : plan.state;
  const update = stateUpdate('ActionPlanStateUpdatePayload', plan.previousState, plan.state, plan.statusMessage);
  return {
    uuid: plan.uuid,
    name: plan.name,
    state,
    status_message: orNull(plan.statusMessage),
    global_efficacy: plan.globalEfficacy,
    audit_uuid: plan.auditUuid,
    audit: terseAudit(audit),
    strategy_uuid: strategyOf(audit.strategy).uuid,
    strategy: strategyPayload(audit),
    ...(verb === 'update' ? { state_update: update } : {}),
    ...withFault(verb, phase, fault('action_plan', plan.errorCode, plan.errorMessage)),
    created_by: toldActor(plan.createdBy, plan.createdFor),
    started_by: toldActor(plan.startedBy, plan.startedFor),
    approval: approvalData(plan),
    ...stamps(plan),
  };
}

/** The agreement of a second person; null if none has to agree. */
function approvalData({ approval, approvalWhy, decidedBy, decidedFor }: ActionPlanRow): Data | null {
  if (approval === null) return null;
  return { state: approval, why: approvalWhy, decided_by: toldActor(decidedBy, decidedFor) };
}

function tersePlan(plan: ActionPlanRow, strategyUuid: string): Data {
  return versioned('TerseActionPlanPayload', {
    uuid: plan.uuid,
    state: plan.state,
    status_message: orNull(plan.statusMessage),
    global_efficacy: plan.globalEfficacy,
    audit_uuid: plan.auditUuid,
    strategy_uuid: strategyUuid,
    ...stamps(plan),
  });
}

/** A notification of the state table about an action, as the row now is. */
export function actionAnnouncement(
  notification: string,
  action: ActionRow,
  plan: ActionPlanRow,
  audit: AuditRow,
): Announcement {
  const parsed = parse(notification);
  const { verb, phase, before } = parsed;
  const state: ActionState = before ? (action.previousState ?? action.state) : action.state;
  const update = stateUpdate('ActionStateUpdatePayload', action.previousState, action.state, action.statusMessage);
  const data = {
    uuid: action.uuid,
    name: action.name,
    action_type: action.actionType,
    input_parameters: action.inputParameters,
    state,
    status_message: orNull(action.statusMessage),
    parents: action.parents,
    action_plan: tersePlan(plan, strategyOf(audit.strategy).uuid),
    ...(verb === 'update' ? { state_update: update } : {}),
    ...withFault(verb, phase, fault(action.actionType, action.errorCode, action.errorMessage)),
    ...stamps(action),
  };
  return announcement(parsed, data);
}

/** A notification of the state table about an audit, as the row now is. */
export function auditAnnouncement(notification: string, audit: AuditRow): Announcement {
  const parsed = parse(notification);
  const { goal } = strategyOf(audit.strategy);
  const born = { created_at: timeText(audit.createdAt), updated_at: null, deleted_at: null };
  const goalData = {
    uuid: goal.uuid,
    name: goal.name,
    display_name: goal.displayName,
    efficacy_specification: goal.indicators,
    ...born,
  };
  const oldState: AuditState | null = audit.previousState;
  const update = stateUpdate('AuditStateUpdatePayload', oldState, audit.state, audit.statusMessage);
  const data = {
    ...auditData(audit),
    goal: versioned('GoalPayload', goalData),
    strategy: strategyPayload(audit),
    ...(parsed.verb === 'update' ? { state_update: update } : {}),
  };
  return announcement(parsed, data);
}
