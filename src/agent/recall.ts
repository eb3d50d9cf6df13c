/** Taking an order back on hardware that can: ask the BMC, then watch whether the host really goes on running. */
import { asCountermandError } from '../core/errors.ts';
import { isReached, type OrderTarget, type Reading } from '../core/power.ts';
import type { AbortReport } from '../core/report.ts';
import { sleep } from '../core/signals.ts';
import type { Hardware } from './hardware.ts';

/** Between two looks at a host that should go on running. */
const LOOK_EVERY_MS = 1000;

/**
 * Recalls an order, behind whatever is in flight at its BMC. An accepted recall proves nothing: the host must be seen
 * running for `recallConfirmMs`.
 * @returns RECALLED, TOO_LATE if the node is off already, or FAILED with the reason; rejects with the reason of the abort only
 */
export async function recallOrder(
  target: OrderTarget,
  recallConfirmMs: number,
  hardware: Hardware,
  signal: AbortSignal,
): Promise<AbortReport> {
  const { driver, bmc, queue, lease } = hardware;
  const ask = () => lease.guard((sending) => driver.abortPowerState(bmc, target, sending), signal);
  const answer = await queue.turn('order', ask, signal).catch(asCountermandError);
  signal.throwIfAborted();
  if (answer instanceof Error) return notTaken(target, `the recall failed: ${answer.message}`, hardware, signal);
  if (!answer.accepted) return notTaken(target, `the recall was refused: ${answer.reason}`, hardware, signal);
  return confirm(recallConfirmMs, hardware, signal);
}

/**
 * Why an order is not recalled, and what it may still do. A node that goes down for a second command that never comes stays off.
 * @param sent what its BMC was told: for a soft reboot perhaps its first half only
 */
export function whyNotRecalled(driver: string, target: OrderTarget, sent: OrderTarget): string {
  const inHalves = sent !== target;
  const effect = target === 'soft power off' ? 'the node may still go off' : 'the node may still change';
  const left = inHalves ? 'the node may still go off, and then stays off until a power on is ordered' : effect;
  return `driver ${driver} has no way to recall the ${target} of this node; ${left}`;
}

/** The BMC did not take it back: perhaps because nothing is left to be taken back. */
async function notTaken(
  target: OrderTarget,
  reason: string,
  hardware: Hardware,
  signal: AbortSignal,
): Promise<AbortReport> {
  const observed = await look(hardware, signal);
  const isOff = observed !== null && isReached('soft power off', 'DOWN', { reading: observed, seenDown: false });
  if (target !== 'soft power off' || !isOff) return failed(reason, observed);
  return { outcome: 'TOO_LATE', reason: `the node was off already (${reason})`, observed };
}

async function confirm(recallConfirmMs: number, hardware: Hardware, signal: AbortSignal): Promise<AbortReport> {
  const { clock } = hardware;
  const until = clock.monotonic() + recallConfirmMs;
  for (;;) {
    const read = await look(hardware, signal);
    const seen = read?.doubt ? null : read;
    if (seen && !isRunning(seen))
      return failed('the recall was accepted, but the host was already on its way down', seen);
    const restMs = until - clock.monotonic();
    if (restMs <= 0 && seen)
      return {
        outcome: 'RECALLED',
        reason: 'the BMC took the order back and the host goes on running',
        observed: seen,
      };
    if (restMs <= 0)
      return failed(
        read === null
          ? 'the recall was accepted, but the host could not be read afterwards'
          : 'the recall was accepted, but the BMC was away meanwhile, and what it says of the host is not certain yet',
        read,
      );
    await sleep(Math.min(LOOK_EVERY_MS, restMs), clock, signal);
  }
}

function isRunning({ powerState, host }: Reading): boolean {
  return powerState === 'power on' && (host === undefined || host === 'running');
}

async function look({ driver, bmc, queue }: Hardware, signal: AbortSignal): Promise<Reading | null> {
  const seen = await queue.turn('poll', () => driver.getPowerState(bmc, signal), signal).catch(() => null);
  signal.throwIfAborted();
  return seen;
}

function failed(reason: string, observed: Reading | null): AbortReport {
  return { outcome: 'FAILED', reason, observed };
}
