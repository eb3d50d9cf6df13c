/** Between the rows and words of the conductor and the messages of the proto. */

import type { Possible } from '../../core/possible.ts';
import { POWER_STATE_NAMES, type PowerState } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import type { Actor } from '../../gen/countermand/v1/actor.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import * as powerProto from '../../gen/countermand/v1/power.ts';
import { toTarget } from '../agents/wire.ts';
import { maskSecrets } from '../nodes/secrets.ts';
import { actionOf } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, Problem } from '../store/rows.ts';
import { possibleFields } from './possible.ts';

/** A time for the wire. */
export function date(at: number | null): Date | undefined {
  return at === null ? undefined : new Date(at);
}

/** Who did something, for an answer; absent if that is not known. */
export function toActor(identity: string | null, onBehalfOf: string | null): Actor | undefined {
  return identity === null ? undefined : { identity, onBehalfOf: onBehalfOf ?? '' };
}

/** A power state for the wire; unknown is UNSPECIFIED. */
export function toPowerState(state: PowerState | null): powerProto.PowerState {
  return powerProto.PowerState[state === null ? 'UNSPECIFIED' : POWER_STATE_NAMES[state]];
}

/** A problem for an answer. */
function toProblem(problem: Problem | null): powerProto.Problem | undefined {
  return problem === null ? undefined : { ...problem, since: date(problem.since) };
}

/** A node for an answer. */
export function toNode(node: NodeRow, secretKeys: ReadonlySet<string>): Node {
  return {
    uuid: node.uuid,
    name: node.name,
    driver: node.driver,
    driverInfo: maskSecrets(node.driverInfo, secretKeys),
    zone: node.zone,
    labels: { ...node.labels },
    maintenance: node.maintenance,
    maintenanceReason: node.maintenanceReason,
    powerState: toPowerState(node.powerState),
    targetPowerState: toTarget(node.targetPowerState),
    powerStateReadAt: date(node.powerStateReadAt),
    lastError: node.lastError,
    heldBy: node.heldBy ?? '',
    mayStillChangeUntil: date(node.mayChangeUntil),
    createdAt: date(node.createdAt),
    updatedAt: date(node.updatedAt),
    revision: node.revision,
    problem: toProblem(node.problem),
    guid: node.bmcGuid ?? '',
    otherGuid: node.otherGuid ?? '',
    frozen: '',
  };
}

function toAbort(task: PowerTaskRow): powerProto.PowerTaskAbort | undefined {
  if (task.abortRequestedAt === null) return undefined;
  return {
    taskUuid: task.abortTaskUuid ?? '',
    outcome: powerProto.AbortOutcome[task.abortOutcome ?? 'UNSPECIFIED'],
    reason: task.abortReason,
    observed: toPowerState(task.abortObserved),
    requestedAt: date(task.abortRequestedAt),
  };
}

/** What is going on, or how it ended, and what the BMC was sent. */
function messageOf({ message, sent }: PowerTaskRow): string {
  const words = sent.length === 0 ? '' : `sent: ${sent.join(', then ')}`;
  return [message, words].filter((part) => part !== '').join('; ');
}

/** A power task for an answer, with what may be ordered about it. */
export function toPowerTask(task: PowerTaskRow, possible: readonly Possible[]): powerProto.PowerTask {
  return {
    uuid: task.uuid,
    nodeUuid: task.nodeUuid,
    nodeName: task.nodeName,
    target: toTarget(task.target),
    state: powerProto.PowerTaskState[task.state],
    phase: powerProto.PowerTaskPhase[task.phase],
    requestId: task.requestId ?? '',
    actionUuid: actionOf(task) ?? '',
    planUuid: task.planUuid ?? '',
    reason: task.reason,
    beforePowerState: toPowerState(task.beforePowerState),
    observedPowerState: toPowerState(task.observedPowerState),
    message: messageOf(task),
    errorCode: task.errorCode ?? '',
    errorMessage: task.errorMessage,
    recall: toRecall(task.recall),
    abort: toAbort(task),
    abortsTaskUuid: task.abortsTaskUuid ?? '',
    ...possibleFields(possible),
    timeout: Math.ceil(task.timeoutMs / 1000),
    onTimeout: powerProto.OnTimeout[task.onTimeout],
    createdAt: date(task.createdAt),
    updatedAt: date(task.updatedAt),
    sendingAt: date(task.sendingAt),
    deadlineAt: isAtRest(task.state) ? undefined : date(task.deadlineAt),
    endedAt: date(task.endedAt),
    mayStillChangeUntil: date(task.mayChangeUntil),
    revision: task.revision,
    problem: toProblem(task.problem),
    orderedBy: toActor(task.orderedBy, task.orderedFor),
  };
}

/** How far an order can be recalled, for the wire. */
export function toRecall(recall: PowerTaskRow['recall']): powerProto.Recall {
  return powerProto.Recall[recall];
}
