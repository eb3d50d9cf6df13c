/** What a node can be ordered: the list of its driver, narrowed by what the hardware answers when it is asked. */

import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { type NodeTraits, recallOf, type Target } from '../../core/power.ts';
import { openCancellation } from '../../core/signals.ts';
import type { SupportedPowerState } from '../../gen/countermand/v1/node.ts';
import type { Attachment } from '../agents/attachments.ts';
import { fromTarget, fromTraits, toTarget } from '../agents/wire.ts';
import type { Conductor } from '../conductor.ts';
import { toBmc } from '../nodes/bmc.ts';
import { findDriver } from '../store/drivers.ts';
import type { DriverRow, NodeRow } from '../store/rows.ts';
import { toRecall } from './wire.ts';

/** What the hardware has answered. */
export interface Probe {
  /** In the order of the driver. */
  readonly targets: readonly Target[];
  readonly traits: NodeTraits;
  readonly probedAt: Date | undefined;
  readonly reason: string;
}

/**
 * Asks the hardware of a node, through its agent, which targets of the driver it can do now.
 * @throws what the agent answers, TOOK_TOO_LONG, or the reason of the abort
 */
async function probe(
  node: NodeRow,
  driver: DriverRow,
  attachment: Attachment,
  { attachments, orders }: Conductor,
  signal: AbortSignal,
): Promise<Probe> {
  const probed = await attachments.ask(attachment, { $case: 'probe', value: { bmc: toBmc(node) } }, signal);
  if (probed.$case !== 'probed') throw fail('INTERNAL', 'the agent answered something else');
  const { reason } = probed.value;
  const probedAt = pastTime(probed.value.probedAt, orders.store.clock);
  const answered = probed.value.targets.map(fromTarget);
  const targets = driver.targets.filter((target) => answered.includes(target));
  return { targets, traits: fromTraits(probed.value.traits) ?? driver, probedAt, reason };
}

/** A time that an agent tells: none that is not one, and none to come. */
const pastTime = (told: Date | undefined, clock: Clock): Date | undefined =>
  told === undefined || Number.isNaN(told.getTime()) ? undefined : new Date(Math.min(told.getTime(), clock.now()));

/**
 * The driver's own list, narrowed by what the hardware answers now.
 * @throws AGENT_NOT_ATTACHED if there is no list, and the reason of the abort
 */
export async function supportedBy(node: NodeRow, conductor: Conductor, signal: AbortSignal) {
  const { orders, attachments } = conductor;
  const driver = await findDriver(node, orders.store.database.read);
  if (driver === null)
    throw fail('AGENT_NOT_ATTACHED', `no agent of zone ${node.zone} has ever offered driver ${node.driver}`);
  const owner = attachments.ownerOf(node);
  const listed = (targets: readonly Target[], { recalls }: NodeTraits = driver): SupportedPowerState[] =>
    targets.map((target) => ({
      target: toTarget(target),
      powerState: target,
      recall: toRecall(recallOf(target, recalls)),
    }));
  if (owner.kind !== 'attached')
    return { supportedPowerStates: listed(driver.targets), reason: 'no agent is attached that could ask the hardware' };
  try {
    const { targets, traits, probedAt, reason } = await probe(node, driver, owner.attachment, conductor, signal);
    return { supportedPowerStates: listed(targets, traits), probedAt, reason };
  } catch (error) {
    signal.throwIfAborted();
    return {
      supportedPowerStates: listed(driver.targets),
      reason: `the hardware could not be asked: ${(error as Error).message}`,
    };
  }
}

/** How long the hardware may take to say what it can do, before the list of its driver has to do. */
const BRIEF_MS = 2000;

/**
 * What the hardware of a node says it can do now; null if it does not say so soon, or is not asked: an abort never
 * waits for it, and a held node takes nothing but aborts.
 * @throws the reason of the abort
 */
export async function ableNow(node: NodeRow, conductor: Conductor, signal: AbortSignal): Promise<Probe | null> {
  const { orders, attachments } = conductor;
  const owner = attachments.ownerOf(node);
  const driver = await findDriver(node, orders.store.database.read);
  if (owner.kind !== 'attached' || driver === null || node.heldBy !== null) return null;
  const limit = { clock: orders.store.clock, afterMs: BRIEF_MS, what: 'the answer of the hardware' };
  const cancellation = openCancellation([signal], limit);
  try {
    return await probe(node, driver, owner.attachment, conductor, cancellation.signal);
  } catch {
    signal.throwIfAborted();
    return null;
  } finally {
    cancellation.end();
  }
}
