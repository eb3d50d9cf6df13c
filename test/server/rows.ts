import { firstPhase } from '../../src/core/power.ts';
import type { Database } from '../../src/server/store/database.ts';
import {
  type ActionPlanRow,
  type ActionRow,
  type AuditRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
} from '../../src/server/store/plan_rows.ts';
import { type NodeRow, nodeCodec, type PowerTaskRow, powerTaskCodec } from '../../src/server/store/rows.ts';

let count = 0;

/** A uuid that no other row of this process has. */
export function nextUuid(): string {
  count += 1;
  return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
}

/** A node as it is enrolled, with what the test wants of it. */
export function nodeRow(more: Partial<NodeRow> = {}): NodeRow {
  const uuid = nextUuid();
  return {
    uuid,
    name: `node-${uuid.slice(-6)}`,
    driver: 'fake',
    driverInfo: { fake_address: uuid },
    zone: 'default',
    labels: {},
    maintenance: false,
    maintenanceReason: '',
    powerState: 'power on',
    goodPowerState: 'power on',
    targetPowerState: null,
    powerStateReadAt: null,
    lastError: '',
    problem: null,
    bmcKey: uuid,
    bmcGuid: null,
    guidShared: false,
    otherGuid: null,
    bmcPlace: '',
    sameBmcAs: null,
    agentUuid: null,
    fence: 0,
    heldBy: null,
    mayChangeUntil: null,
    revision: 1,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

/** A power task of a node, with what the test wants of it. */
export function taskRow(node: NodeRow, more: Partial<PowerTaskRow> = {}): PowerTaskRow {
  const uuid = nextUuid();
  const target = more.target ?? 'soft power off';
  return {
    uuid,
    nodeUuid: node.uuid,
    nodeName: node.name,
    bmcKey: node.bmcKey,
    bmcGuid: null,
    target,
    state: 'QUEUED',
    previousState: null,
    phase: firstPhase(target),
    requestId: uuid,
    actionUuid: null,
    abortsActionUuid: null,
    planUuid: null,
    orderedBy: null,
    orderedFor: null,
    requestBody: '{}',
    reason: '',
    recall: 'STOP_WAITING_ONLY',
    traits: null,
    sent: [],
    timeoutMs: 600_000,
    onTimeout: 'FAIL',
    fence: 1,
    beforePowerState: null,
    observedPowerState: null,
    observedReadAt: null,
    seenDown: false,
    message: '',
    errorCode: null,
    errorMessage: '',
    problem: null,
    abortTaskUuid: null,
    abortsTaskUuid: null,
    abortOutcome: null,
    abortReason: '',
    abortObserved: null,
    abortRequestedAt: null,
    abortDeadlineAt: null,
    startDeadlineAt: null,
    sendingAt: null,
    deadlineAt: null,
    endedAt: null,
    mayChangeUntil: null,
    trace: null,
    linkedTrace: null,
    revision: 1,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

/** Puts rows into a database as they are: what an earlier process may have left there. */
export async function putRows(database: Database, node: NodeRow, task: PowerTaskRow | null): Promise<void> {
  await database.write(async ({ sql }) => {
    await sql('nodes').insert(nodeCodec.encode(node));
    if (task) await sql('power_tasks').insert(powerTaskCodec.encode(task));
  });
}

/** An audit that has made its plan, with what the test wants of it. */
export function auditRow(more: Partial<AuditRow> = {}): AuditRow {
  const uuid = nextUuid();
  return {
    uuid,
    name: `audit-${uuid.slice(-6)}`,
    auditType: 'ONESHOT',
    state: 'SUCCEEDED',
    previousState: null,
    statusMessage: '',
    strategy: 'manual',
    parameters: {},
    scope: [],
    requestId: null,
    requestDigest: null,
    intervalMs: null,
    nextRunAt: null,
    autoTrigger: false,
    everyNode: false,
    maxParallel: 0,
    onFailure: 'STOP',
    createdBy: null,
    createdFor: null,
    revision: 1,
    createdAt: 1000,
    updatedAt: 1000,
    deletedAt: null,
    ...more,
  };
}

/** A plan of an audit, with what the test wants of it. */
export function planRow(audit: AuditRow, more: Partial<ActionPlanRow> = {}): ActionPlanRow {
  const uuid = nextUuid();
  return {
    uuid,
    name: `plan-${uuid.slice(-6)}`,
    auditUuid: audit.uuid,
    state: 'RECOMMENDED',
    previousState: null,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    requestId: uuid,
    requestDigest: '',
    maxParallel: 10,
    canary: 0,
    onFailure: 'STOP',
    size: 1,
    globalEfficacy: [],
    startedAt: null,
    startOrder: null,
    launchedAt: null,
    endedAt: null,
    cancelDeadlineAt: null,
    rollbackUntil: null,
    rollbackOf: null,
    rolledBackBy: null,
    rollsBack: false,
    reason: '',
    modelRevision: 0,
    forced: false,
    createdBy: null,
    createdFor: null,
    startedBy: null,
    startedFor: null,
    approval: null,
    approvalWhy: '',
    decidedBy: null,
    decidedFor: null,
    decidedAt: null,
    trace: null,
    linkedTrace: null,
    revision: 1,
    createdAt: 1000,
    updatedAt: 1000,
    deletedAt: null,
    ...more,
  };
}

/** An action of a plan, a nop, with what the test wants of it. */
export function actionRow(plan: ActionPlanRow, more: Partial<ActionRow> = {}): ActionRow {
  const uuid = nextUuid();
  return {
    uuid,
    planUuid: plan.uuid,
    name: `action-${uuid.slice(-6)}`,
    actionType: 'nop',
    inputParameters: {},
    parents: [],
    position: 0,
    rank: 0,
    state: 'PENDING',
    previousState: null,
    statusMessage: '',
    errorCode: null,
    errorMessage: '',
    nodeUuid: null,
    timeoutMs: 3_600_000,
    beforeImage: null,
    undoes: null,
    result: null,
    startedAt: null,
    endedAt: null,
    revision: 1,
    createdAt: 1000,
    updatedAt: 1000,
    deletedAt: null,
    ...more,
  };
}

/** Puts a plan with its audit and its actions into a database as they are, and makes it a plan about `nodes`. */
export async function putPlan(
  database: Database,
  audit: AuditRow,
  plan: ActionPlanRow,
  actions: readonly ActionRow[],
  nodes: readonly string[] = [],
): Promise<void> {
  await database.write(async ({ sql }) => {
    await sql('audits').insert(auditCodec.encode(audit));
    await sql('action_plans').insert(actionPlanCodec.encode(plan));
    for (const action of actions) await sql('actions').insert(actionCodec.encode(action));
    for (const node of nodes) await sql('plan_nodes').insert({ plan_uuid: plan.uuid, node_uuid: node });
  });
}
