/** Between the rows and words of the conductor and the messages of the proto. */
import { isErrorCode } from '../core/errors.ts';
import { KEPT_LIMITS } from '../core/limits.ts';
import { MASK } from '../core/masking.ts';
import {
  type NodeTraits,
  type OnOff,
  POWER_STATE_NAMES,
  POWER_STATES,
  type PowerState,
  type Reading,
  TARGET_TABLE,
  TARGETS,
  type Target,
} from '../core/power.ts';
import type { Report } from '../core/report.ts';
import { isAtRest } from '../core/states.ts';
import * as agentProto from '../gen/countermand/v1/agent.ts';
import type { Node } from '../gen/countermand/v1/node.ts';
import * as powerProto from '../gen/countermand/v1/power.ts';
import { provingGuidOf } from './store/identity.ts';
import { actionOf } from './store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, Problem } from './store/rows.ts';

/** A time for the wire. */
export function date(at: number | null): Date | undefined {
  return at === null ? undefined : new Date(at);
}

/** The name of an enum's value without prefix, or null for unspecified and unknown values. */
export function nameOf<Name extends string>(
  values: Readonly<Record<Name, number>>,
  value: number,
): Exclude<Name, 'UNSPECIFIED' | 'UNRECOGNIZED'> | null {
  const name = (Object.keys(values) as Name[]).find((candidate) => values[candidate] === value);
  if (name === undefined || name === 'UNSPECIFIED' || name === 'UNRECOGNIZED') return null;
  return name as Exclude<Name, 'UNSPECIFIED' | 'UNRECOGNIZED'>;
}

/** A power state for the wire; unknown is UNSPECIFIED. */
export function toPowerState(state: PowerState | null): powerProto.PowerState {
  return powerProto.PowerState[state === null ? 'UNSPECIFIED' : POWER_STATE_NAMES[state]];
}

/** A target for the wire; none is UNSPECIFIED. */
export function toTarget(target: Target | null): powerProto.PowerTarget {
  return powerProto.PowerTarget[target === null ? 'UNSPECIFIED' : TARGET_TABLE[target].name];
}

/** A target from the wire, or null. */
export function fromTarget(value: powerProto.PowerTarget): Target | null {
  return TARGETS.find((target) => powerProto.PowerTarget[TARGET_TABLE[target].name] === value) ?? null;
}

function fromOnOff(value: powerProto.PowerState): OnOff | null {
  const state = POWER_STATES.find((candidate) => powerProto.PowerState[POWER_STATE_NAMES[candidate]] === value);
  return state === undefined || state === 'error' ? null : state;
}

/** A reading that came over the wire at `now`; null if it is absent or says neither on nor off. */
export function fromReading(reading: agentProto.Reading | undefined, now: number): Reading | null {
  const powerState = reading ? fromOnOff(reading.powerState) : null;
  if (!reading || powerState === null) return null;
  const host = nameOf(agentProto.Host, reading.host)?.toLowerCase() as Reading['host'] | undefined;
  const { boots, guid, place } = reading;
  const readAt = now - Math.max(0, reading.ageMs);
  const doubt = reading.doubtful ? { doubt: { before: null } } : {};
  return { powerState, host, boots, readAt, guid: guid || undefined, place: place || undefined, ...doubt };
}

/** A text of an agent or a BMC, as it is kept: no longer than its limit. */
export const cut = (text: string): string => text.slice(0, KEPT_LIMITS.agent_text.limit);

/** What an agent says is wrong. A code that we do not know becomes INTERNAL. */
export function fromTaskError(error: agentProto.TaskError | undefined): Report['error'] {
  if (!error) return null;
  return { code: isErrorCode(error.code) ? error.code : 'INTERNAL', message: cut(error.message) };
}

/** A report that came over the wire at `now`. */
export function fromReport(report: agentProto.TaskReport, now: number): Report {
  const abort = report.abort;
  return {
    taskUuid: report.taskUuid,
    fence: report.fence,
    phase: nameOf(powerProto.PowerTaskPhase, report.phase) ?? 'WHOLE',
    sending: nameOf(agentProto.Sending, report.sending),
    before: fromReading(report.before, now),
    observed: fromReading(report.observed, now),
    seenDown: report.seenDown,
    traits: fromTraits(report.traits),
    sent: cut(report.sent),
    error: fromTaskError(report.error),
    unreadable: fromTaskError(report.unreadable),
    abort: abort
      ? {
          outcome: nameOf(powerProto.AbortOutcome, abort.outcome) ?? 'FAILED',
          reason: cut(abort.reason),
          observed: fromReading(abort.observed, now),
        }
      : null,
  };
}

/** What a node's hardware can do, from the wire; null if it is not said. */
export function fromTraits(traits: agentProto.NodeTraits | undefined): NodeTraits | null {
  if (traits === undefined) return null;
  const recalls = traits.recalls.map(fromTarget).filter((target) => target !== null);
  return { recalls, softRebootInOneCommand: traits.softRebootInOneCommand };
}

/** What a node's hardware can do, for the wire; absent if it was not asked. */
export function toTraits(traits: NodeTraits | null): agentProto.NodeTraits | undefined {
  return traits === null ? undefined : { ...traits, recalls: traits.recalls.map(toTarget) };
}

/** The BMC of a node for an agent, with its secrets. For the agent's stream only. */
export function toBmc(node: NodeRow): agentProto.Bmc {
  const guid = provingGuidOf(node) ?? '';
  return { nodeUuid: node.uuid, driver: node.driver, driverInfo: { ...node.driverInfo }, fence: node.fence, guid };
}

/** Keys that are masked whatever their driver says, or if nothing is known of it any more. */
const LOOKS_SECRET = /pass|secret|key|token|community|credential/i;

/** True for a key whose value is a secret. */
export const isSecretKey = (key: string, secretKeys: ReadonlySet<string>): boolean =>
  secretKeys.has(key) || LOOKS_SECRET.test(key);

/** driver_info for an answer: secrets masked, also where only the name says so. References to secrets are not secret. */
export function maskSecrets(info: NodeRow['driverInfo'], secretKeys: ReadonlySet<string>): Record<string, string> {
  const masked = (key: string, value: string): string => {
    return isSecretKey(key, secretKeys) && !/^(file|env):/.test(value) ? MASK : value;
  };
  return Object.fromEntries(Object.entries(info).map(([key, value]) => [key, masked(key, value)]));
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
export function toPowerTask(task: PowerTaskRow, possible: string[]): powerProto.PowerTask {
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
    possible,
    timeout: Math.ceil(task.timeoutMs / 1000),
    onTimeout: powerProto.OnTimeout[task.onTimeout],
    createdAt: date(task.createdAt),
    sendingAt: date(task.sendingAt),
    deadlineAt: isAtRest(task.state) ? undefined : date(task.deadlineAt),
    endedAt: date(task.endedAt),
    mayStillChangeUntil: date(task.mayChangeUntil),
    revision: task.revision,
    problem: toProblem(task.problem),
  };
}

/** How far an order can be recalled, for the wire. */
export function toRecall(recall: PowerTaskRow['recall']): powerProto.Recall {
  return powerProto.Recall[recall];
}
