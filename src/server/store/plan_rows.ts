/** The rows of action plans, their actions and the audits behind them. Times are milliseconds since 1970. */
import type { ErrorCode } from '../../core/errors.ts';
import type { ActionPlanState, ActionState, AuditState } from '../../core/states.ts';
import { codecOf } from './columns.ts';

/** What a plan does when an action fails. */
export const FAILURE_POLICIES = ['STOP', 'CONTINUE', 'ROLLBACK'] as const;
export type FailurePolicy = (typeof FAILURE_POLICIES)[number];

/** Where a plan is that a second person has to agree to. */
type Approval = 'WANTED' | 'GIVEN' | 'REFUSED';

/** Why a plan exists. */
export interface AuditRow {
  readonly uuid: string;
  readonly name: string;
  readonly auditType: 'ONESHOT' | 'CONTINUOUS';
  readonly state: AuditState;
  /** The state before the last write: the true old state of notifications. */
  readonly previousState: AuditState | null;
  readonly statusMessage: string;
  /** A strategy of server/plans/strategies.ts. */
  readonly strategy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly scope: readonly unknown[];
  /** Its request said that it is about every node. */
  readonly everyNode: boolean;
  /** Chosen by the client; null for an audit that a plan has brought with it. */
  readonly requestId: string | null;
  /** A digest of what the request said; null where there was none. */
  readonly requestDigest: string | null;
  /** How often a continuous audit runs. */
  readonly intervalMs: number | null;
  /** When it runs next, while it is ONGOING. */
  readonly nextRunAt: number | null;
  /** Its plans start by themselves. */
  readonly autoTrigger: boolean;
  /** How its plans are run; 0 is the default. */
  readonly maxParallel: number;
  readonly onFailure: FailurePolicy;
  /** The identity that made it, and the one for which it did so; null where that is not known, or is the same. */
  readonly createdBy: string | null;
  readonly createdFor: string | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt: number | null;
}

/** One thing that a plan is good for, in Watcher's words. */
export interface Efficacy {
  readonly name: string;
  readonly description: string;
  readonly unit: string | null;
  readonly value: number;
}

/** One action plan. */
export interface ActionPlanRow {
  readonly uuid: string;
  readonly name: string;
  /** Why it was made, as its client said. */
  readonly reason: string;
  readonly auditUuid: string;
  readonly state: ActionPlanState;
  readonly previousState: ActionPlanState | null;
  readonly statusMessage: string;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string;
  readonly requestId: string;
  /** A digest of what the request said, to tell a repetition from another plan. */
  readonly requestDigest: string;
  /** The limit of actions that run at the same time. */
  readonly maxParallel: number;
  /** How many must succeed before the rest start; 0 is none. */
  readonly canary: number;
  readonly onFailure: FailurePolicy;
  /** How many actions it has. */
  readonly size: number;
  /** What it is good for, as the strategy that made it counts. */
  readonly globalEfficacy: readonly Efficacy[];
  readonly startedAt: number | null;
  /** Grows with each plan that is started: the order of those that wait for their turn. */
  readonly startOrder: number | null;
  readonly launchedAt: number | null;
  readonly endedAt: number | null;
  /** When those actions that could not be aborted are given up. */
  readonly cancelDeadlineAt: number | null;
  /** Until when it can be rolled back; null if it never ran to an end. */
  readonly rollbackUntil: number | null;
  /** The plan that this one undoes. */
  readonly rollbackOf: string | null;
  /** The last plan that was to undo this one. */
  readonly rolledBackBy: string | null;
  /** Its cancel goes on to roll it back. */
  readonly rollsBack: boolean;
  /** The revision of the cluster model that it was made at; 0 if nothing had ever changed. */
  readonly modelRevision: number;
  /** An operator started it however old it was. */
  readonly forced: boolean;
  /** The identity that made it, and the one for which it did so; null where that is not known, or is the same. */
  readonly createdBy: string | null;
  readonly createdFor: string | null;
  /** The identity that started it, and the one for which it did so. */
  readonly startedBy: string | null;
  readonly startedFor: string | null;
  /** Whether a second person has to agree to its start, and has; null if none has to. */
  readonly approval: Approval | null;
  /** The rule that wants it; empty if none does. */
  readonly approvalWhy: string;
  /** The identity that approved or rejected it, and the one for which it did so. */
  readonly decidedBy: string | null;
  readonly decidedFor: string | null;
  readonly decidedAt: number | null;
  /** Where its span hangs: the trace context of whoever started it; null if it is in no trace. */
  readonly trace: string | null;
  /** The span of the call that cancelled it. */
  readonly linkedTrace: string | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt: number | null;
}

/** One action. */
export interface ActionRow {
  readonly uuid: string;
  readonly planUuid: string;
  /** Its name within the plan. */
  readonly name: string;
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
  /** The uuids of the actions that must be done before it. */
  readonly parents: readonly string[];
  /** Its place in the plan as it was written. */
  readonly position: number;
  /** The length of the longest way to it from an action without parents. */
  readonly rank: number;
  readonly state: ActionState;
  readonly previousState: ActionState | null;
  readonly statusMessage: string;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string;
  /** The node that it is about, if it is about one. */
  readonly nodeUuid: string | null;
  /** How long it may take, waiting included. */
  readonly timeoutMs: number;
  /** What was there before it changed anything. */
  readonly beforeImage: Readonly<Record<string, unknown>> | null;
  /** The action of another plan that this one undoes. */
  readonly undoes: string | null;
  /** Its outcome. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt: number | null;
}

/** What audits can be made from. */
export interface AuditTemplateRow {
  readonly uuid: string;
  readonly name: string;
  readonly description: string;
  readonly goal: string;
  /** Empty: the only one for the goal. */
  readonly strategy: string;
  readonly scope: readonly unknown[];
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The table of templates, both ways. */
export const auditTemplateCodec = codecOf<AuditTemplateRow>({
  uuid: 'plain',
  name: 'plain',
  description: 'plain',
  goal: 'plain',
  strategy: 'plain',
  scope: 'json',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
});

/** The audit table, both ways. */
export const auditCodec = codecOf<AuditRow>({
  uuid: 'plain',
  name: 'plain',
  auditType: 'plain',
  state: 'plain',
  previousState: 'plain',
  statusMessage: 'plain',
  strategy: 'plain',
  parameters: 'json',
  scope: 'json',
  requestId: 'plain',
  requestDigest: 'plain',
  intervalMs: 'plain',
  nextRunAt: 'plain',
  autoTrigger: 'flag',
  everyNode: 'flag',
  maxParallel: 'plain',
  onFailure: 'plain',
  createdBy: 'plain',
  createdFor: 'plain',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
  deletedAt: 'plain',
});

/** The action plan table, both ways. */
export const actionPlanCodec = codecOf<ActionPlanRow>({
  uuid: 'plain',
  name: 'plain',
  reason: 'plain',
  auditUuid: 'plain',
  state: 'plain',
  previousState: 'plain',
  statusMessage: 'plain',
  errorCode: 'plain',
  errorMessage: 'plain',
  requestId: 'plain',
  requestDigest: 'plain',
  maxParallel: 'plain',
  canary: 'plain',
  onFailure: 'plain',
  size: 'plain',
  globalEfficacy: 'json',
  startedAt: 'plain',
  startOrder: 'plain',
  launchedAt: 'plain',
  endedAt: 'plain',
  cancelDeadlineAt: 'plain',
  rollbackUntil: 'plain',
  rollbackOf: 'plain',
  rolledBackBy: 'plain',
  rollsBack: 'flag',
  modelRevision: 'plain',
  forced: 'flag',
  createdBy: 'plain',
  createdFor: 'plain',
  startedBy: 'plain',
  startedFor: 'plain',
  approval: 'plain',
  approvalWhy: 'plain',
  decidedBy: 'plain',
  decidedFor: 'plain',
  decidedAt: 'plain',
  trace: 'plain',
  linkedTrace: 'plain',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
  deletedAt: 'plain',
});

/** The action table, both ways. */
export const actionCodec = codecOf<ActionRow>({
  uuid: 'plain',
  planUuid: 'plain',
  name: 'plain',
  actionType: 'plain',
  inputParameters: 'json',
  parents: 'json',
  position: 'plain',
  rank: 'plain',
  state: 'plain',
  previousState: 'plain',
  statusMessage: 'plain',
  errorCode: 'plain',
  errorMessage: 'plain',
  nodeUuid: 'plain',
  timeoutMs: 'plain',
  beforeImage: 'json',
  undoes: 'plain',
  result: 'json',
  startedAt: 'plain',
  endedAt: 'plain',
  revision: 'plain',
  createdAt: 'plain',
  updatedAt: 'plain',
  deletedAt: 'plain',
});
