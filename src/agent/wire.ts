/** Between the words of the agent and the messages of the proto. */
import type { CountermandError } from '../core/errors.ts';
import {
  type NodeTraits,
  type Phase,
  POWER_STATE_NAMES,
  type Reading,
  TARGET_TABLE,
  TARGETS,
  type Target,
} from '../core/power.ts';
import type { Report } from '../core/report.ts';
import { readTraceContext, type TraceContext } from '../core/tracing.ts';
import { type Driver, infoSchemaOf } from '../drivers/driver.ts';
import {
  type DriverDescription,
  Host,
  type Reading as ProtoReading,
  type NodeTraits as ProtoTraits,
  Sending,
  type TaskReport,
  type TraceContext as WireContext,
} from '../gen/countermand/v1/agent.ts';
import { AbortOutcome, PowerState, PowerTarget, PowerTaskPhase } from '../gen/countermand/v1/power.ts';

/** A target from the wire, or null. */
export function fromTarget(value: PowerTarget): Target | null {
  return TARGETS.find((target) => PowerTarget[TARGET_TABLE[target].name] === value) ?? null;
}

/** A target for the wire. */
export function toTarget(target: Target): PowerTarget {
  return PowerTarget[TARGET_TABLE[target].name];
}

/** What a node's hardware can do, for the wire. */
export function toTraits({ recalls, softRebootInOneCommand }: NodeTraits): ProtoTraits {
  return { recalls: recalls.map(toTarget), softRebootInOneCommand };
}

/** Where a span stands; null if it is not said. */
export function fromTrace(trace: WireContext | undefined): TraceContext | null {
  return trace === undefined ? null : readTraceContext(trace.traceparent, trace.tracestate);
}

/** What a node's hardware can do, from the wire; null if it is not said. */
export function fromTraits(traits: ProtoTraits | undefined): NodeTraits | null {
  if (traits === undefined) return null;
  const recalls = traits.recalls.map(fromTarget).filter((target) => target !== null);
  return { recalls, softRebootInOneCommand: traits.softRebootInOneCommand };
}

/** A phase from the wire. */
export function fromPhase(value: PowerTaskPhase): Phase {
  const phases: readonly Phase[] = ['WHOLE', 'DOWN', 'FORCED_DOWN', 'UP'];
  return phases.find((phase) => PowerTaskPhase[phase] === value) ?? 'WHOLE';
}

/** The largest age of a reading that a message has room for. */
const OLDEST_MS = 2 ** 31 - 1;

/** A reading for the wire, sent at `now` by the clock that its time is of. */
export function toReading(reading: Reading, now: number): ProtoReading {
  const host =
    reading.host === undefined ? 'UNSPECIFIED' : (reading.host.toUpperCase() as 'RUNNING' | 'STOPPING' | 'STARTING');
  const ageMs = Math.min(Math.max(0, Math.round(now - (reading.readAt ?? now))), OLDEST_MS);
  const powerState = PowerState[POWER_STATE_NAMES[reading.powerState]];
  const { boots, guid = '', place = '' } = reading;
  const doubtful = reading.doubt !== undefined;
  return { powerState, host: Host[host], boots, guid, place, ageMs, doubtful };
}

/** An error for the wire. */
export function toTaskError({ code, message }: Pick<CountermandError, 'code' | 'message'>): {
  code: string;
  message: string;
} {
  return { code, message };
}

/** A report for the wire, sent at `now` by the clock that the times of its readings are of. */
export function toTaskReport(report: Report, now: number): TaskReport {
  const { abort } = report;
  return {
    taskUuid: report.taskUuid,
    fence: report.fence,
    phase: PowerTaskPhase[report.phase],
    sending: Sending[report.sending ?? 'UNSPECIFIED'],
    before: report.before ? toReading(report.before, now) : undefined,
    observed: report.observed ? toReading(report.observed, now) : undefined,
    seenDown: report.seenDown,
    traits: report.traits ? toTraits(report.traits) : undefined,
    sent: report.sent,
    error: report.error ? toTaskError(report.error) : undefined,
    unreadable: report.unreadable ? toTaskError(report.unreadable) : undefined,
    abort: abort
      ? {
          outcome: AbortOutcome[abort.outcome],
          reason: abort.reason,
          observed: abort.observed ? toReading(abort.observed, now) : undefined,
        }
      : undefined,
  };
}

/** What an agent says of a driver. */
export function describeDriver(driver: Driver): DriverDescription {
  return {
    name: driver.name,
    driverInfoSchema: JSON.stringify(infoSchemaOf(driver)),
    targets: driver.targets.map(toTarget),
    recalls: driver.recalls.map(toTarget),
    softRebootInOneCommand: driver.softRebootInOneCommand,
  };
}
