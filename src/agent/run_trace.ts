/** The spans of one power task at the agent: what is done for it, each call of the driver, and below it what the BMC is asked. */
import { asCountermandError } from '../core/errors.ts';
import { carryTrace, openCancellation } from '../core/signals.ts';
import { beginSpan, inSpan, type SpanAttributes, type SpanParts, type TraceContext } from '../core/tracing.ts';
import type { Driver } from '../drivers/driver.ts';

/** What is done for a power task. */
export type RunSpan = 'send' | 'observe' | 'abort';

/** The spans of a run. */
export interface RunTrace {
  /** The same driver, each of whose calls is a span of what is being done. */
  driver(driver: Driver): Driver;
  /** Does the work in a span. */
  during(what: RunSpan, work: () => Promise<void>): Promise<void>;
  /** The span of the abort: what is done for it belongs to its trace, and is linked with the task. */
  abortedBy(abort: TraceContext | null): void;
}

/** The run is in no trace. */
export const NO_RUN_TRACE: RunTrace = {
  driver: (driver) => driver,
  during: (_, work) => work(),
  abortedBy: () => {},
};

/** A node that is watched for hours asks its BMC thousands of times; this many calls of the driver are told for one power task. */
const CALLS_LIMIT = 500;

/** The spans of the run of a task. @param task its span; null if it is in no trace */
export function traceOfRun(parts: SpanParts, task: TraceContext | null, taskUuid: string): RunTrace {
  if (!parts.traces.isOn || task === null) return NO_RUN_TRACE;
  let abort: TraceContext | null = null;
  let now: TraceContext | null = null;
  let calls = 0;

  const call: DriverCall = async (name, attributes, signal, work) => {
    calls += 1;
    if (now === null || calls > CALLS_LIMIT) return work(signal);
    return inSpan({ ...parts, context: now }, { name, kind: 'internal', attributes }, async (context) => {
      const cancellation = openCancellation([signal]);
      carryTrace(cancellation.signal, { ...parts, context });
      try {
        return await work(cancellation.signal);
      } finally {
        cancellation.end();
      }
    });
  };

  return {
    driver: (driver) => tracedDriver(driver, call),
    async during(what, work) {
      const isAbort = what === 'abort' && abort !== null;
      const span = beginSpan(parts, isAbort ? abort : task, {
        name: `agent ${what}`,
        kind: 'internal',
        attributes: { 'countermand.power_task.uuid': taskUuid },
        links: isAbort ? [task] : [],
      });
      now = span?.context ?? null;
      try {
        await work();
        span?.end(null);
      } catch (thrown) {
        const { code } = asCountermandError(thrown);
        // The task is at rest: that is how watching ends.
        span?.end(code === 'SETTLED' ? null : code);
        throw thrown;
      } finally {
        if (now === (span?.context ?? null)) now = null;
      }
    },
    abortedBy(span) {
      abort = span;
    },
  };
}

/** Runs a call of a driver in a span, under a signal that carries it to what the driver asks the BMC. */
type DriverCall = <T>(
  name: string,
  attributes: SpanAttributes,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>;

function tracedDriver(driver: Driver, call: DriverCall): Driver {
  const { name } = driver;
  const to = (target: string): SpanAttributes => ({ 'countermand.target': target });
  return {
    ...driver,
    getSupportedPowerStates: (bmc, signal) =>
      call(`${name} get_supported_power_states`, {}, signal, (own) => driver.getSupportedPowerStates(bmc, own)),
    getPowerState: (bmc, signal) =>
      call(`${name} get_power_state`, {}, signal, (own) => driver.getPowerState(bmc, own)),
    setPowerState: (bmc, target, signal) =>
      call(`${name} set_power_state`, to(target), signal, (own) => driver.setPowerState(bmc, target, own)),
    abortPowerState: (bmc, target, signal) =>
      call(`${name} abort_power_state`, to(target), signal, (own) => driver.abortPowerState(bmc, target, own)),
  };
}
