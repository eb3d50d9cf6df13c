/** Between what agents say and the words of the conductor. */
import { isErrorCode } from '../../core/errors.ts';
import {
  type NodeTraits,
  type OnOff,
  POWER_STATE_NAMES,
  POWER_STATES,
  type Reading,
  TARGET_TABLE,
  TARGETS,
  type Target,
} from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import * as agentProto from '../../gen/countermand/v1/agent.ts';
import * as powerProto from '../../gen/countermand/v1/power.ts';

/** The name of an enum's value without prefix, or null for unspecified and unknown values. */
export function nameOf<Name extends string>(
  values: Readonly<Record<Name, number>>,
  value: number,
): Exclude<Name, 'UNSPECIFIED' | 'UNRECOGNIZED'> | null {
  const name = (Object.keys(values) as Name[]).find((candidate) => values[candidate] === value);
  if (name === undefined || name === 'UNSPECIFIED' || name === 'UNRECOGNIZED') return null;
  return name as Exclude<Name, 'UNSPECIFIED' | 'UNRECOGNIZED'>;
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

/** What an agent says is wrong. A code that we do not know becomes INTERNAL. */
function fromTaskError(error: agentProto.TaskError | undefined): Report['error'] {
  if (!error) return null;
  return { code: isErrorCode(error.code) ? error.code : 'INTERNAL', message: error.message };
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
    sent: report.sent,
    error: fromTaskError(report.error),
    unreadable: fromTaskError(report.unreadable),
    abort: abort
      ? {
          outcome: nameOf(powerProto.AbortOutcome, abort.outcome) ?? 'FAILED',
          reason: abort.reason,
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

/** The node that a message lets an agent do something with, if it does. */
export function nodeOf(message: NonNullable<agentProto.AttachResponse['message']>): string | null {
  if (message.$case === 'start' || message.$case === 'observe' || message.$case === 'abort')
    return message.value.bmc?.nodeUuid ?? null;
  if (message.$case !== 'ask') return null;
  const { question } = message.value;
  return question?.$case === 'read' || question?.$case === 'probe' ? (question.value.bmc?.nodeUuid ?? null) : null;
}
