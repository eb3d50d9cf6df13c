/** Between the words of the agent and the messages of the proto. */
import type { CountermandError } from '../core/errors.ts';
import { type Phase, POWER_STATE_NAMES, type Reading, TARGET_TABLE, TARGETS, type Target } from '../core/power.ts';
import type { Report } from '../core/report.ts';
import { type Driver, infoSchemaOf } from '../drivers/driver.ts';
import {
  type DriverDescription,
  Host,
  type Reading as ProtoReading,
  Sending,
  type TaskReport,
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

/** A phase from the wire. */
export function fromPhase(value: PowerTaskPhase): Phase {
  const phases: readonly Phase[] = ['WHOLE', 'DOWN', 'FORCED_DOWN', 'UP'];
  return phases.find((phase) => PowerTaskPhase[phase] === value) ?? 'WHOLE';
}

/** A reading for the wire. */
export function toReading(reading: Reading): ProtoReading {
  const host =
    reading.host === undefined ? 'UNSPECIFIED' : (reading.host.toUpperCase() as 'RUNNING' | 'STOPPING' | 'STARTING');
  return { powerState: PowerState[POWER_STATE_NAMES[reading.powerState]], host: Host[host], boots: reading.boots };
}

/** An error for the wire. */
export function toTaskError({ code, message }: Pick<CountermandError, 'code' | 'message'>): {
  code: string;
  message: string;
} {
  return { code, message };
}

/** A report for the wire. */
export function toTaskReport(report: Report): TaskReport {
  const { abort } = report;
  return {
    taskUuid: report.taskUuid,
    fence: report.fence,
    phase: PowerTaskPhase[report.phase],
    sending: Sending[report.sending ?? 'UNSPECIFIED'],
    before: report.before ? toReading(report.before) : undefined,
    observed: report.observed ? toReading(report.observed) : undefined,
    seenDown: report.seenDown,
    error: report.error ? toTaskError(report.error) : undefined,
    abort: abort
      ? {
          outcome: AbortOutcome[abort.outcome],
          reason: abort.reason,
          observed: abort.observed ? toReading(abort.observed) : undefined,
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
