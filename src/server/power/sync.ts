/** Power sync: every node is read now and then, so that what is known is never old for long. It never sends an order. */
import { jitter } from '../../core/chance.ts';
import { asCountermandError } from '../../core/errors.ts';
import { sleep } from '../../core/signals.ts';
import type { Attachment } from '../agents/attachments.ts';
import { listNodesAfter, listUnserved } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import { type ReadingParts, readNode } from './readings.ts';
import { noteUnserved } from './unserved.ts';

/** How many nodes are taken from the database at a time. */
const PAGE = 500;
/** As a part of the interval: the least pause between two rounds, so that one that takes longer than the interval does not go on and on. */
const LEAST_PAUSE = 0.1;

/**
 * Reads every free node in rounds until the shutdown; resolves then. The interval is counted from the begin of one round to the begin
 * of the next, so that it holds for a fleet that takes most of it. With an interval of 0 it reads none. Nodes whose last reading
 * failed go in rounds of their own: waiting for them delays no other.
 */
export async function syncPowerStates(parts: ReadingParts): Promise<void> {
  if (parts.limits.syncPowerStateIntervalMs === 0) return;
  await Promise.all([false, true].map((withProblem) => readInRounds({ withProblem }, parts)));
}

/** Which nodes a round is about. */
interface Which {
  readonly withProblem: boolean;
}

async function readInRounds(which: Which, parts: ReadingParts): Promise<void> {
  const { store, limits, log, shutdown } = parts;
  const { clock, chance } = store;
  const intervalMs = limits.syncPowerStateIntervalMs;
  for (let begunAt = clock.monotonic(); !shutdown.aborted; ) {
    try {
      const restMs = begunAt + jitter(intervalMs, 0.1, chance) - clock.monotonic();
      await sleep(Math.max(restMs, intervalMs * LEAST_PAUSE), clock, shutdown);
      begunAt = clock.monotonic();
      await readAll(which, parts);
    } catch (thrown) {
      if (!shutdown.aborted) log.error({ err: asCountermandError(thrown) }, 'a round of power sync failed');
    }
  }
}

async function readAll(which: Which, parts: ReadingParts): Promise<void> {
  for (let after = ''; ; ) {
    const nodes = await listNodesAfter(after, which, PAGE, parts.store.database.read);
    const free = nodes.filter((node) => node.heldBy === null);
    await noteUnserved(free, parts);
    const served = free.filter((node) => parts.attachments.ownerOf(node).kind === 'attached');
    await readMany(served, parts.limits.syncPowerStateWorkers, parts, parts.shutdown);
    const last = nodes.at(-1);
    if (nodes.length < PAGE || !last) return;
    after = last.name;
  }
}

/**
 * Reads the nodes that had no agent and have this one now, at once rather than in the next round. Rejects with the reason
 * when the attachment ends.
 */
export async function readServedAgain(attachment: Attachment, parts: ReadingParts): Promise<void> {
  const nodes = await listUnserved(parts.store.database.read);
  const isServed = (node: NodeRow): boolean => {
    const owner = parts.attachments.ownerOf(node);
    return owner.kind === 'attached' && owner.attachment === attachment;
  };
  const served = nodes.filter((node) => node.heldBy === null && isServed(node));
  await readMany(served, parts.limits.syncPowerStateWorkers, parts, attachment.signal);
}

async function readMany(
  nodes: readonly NodeRow[],
  workers: number,
  parts: ReadingParts,
  signal: AbortSignal,
): Promise<void> {
  const { log } = parts;
  const waiting = nodes.values();
  // A node whose reading cannot be written does not keep the others from theirs.
  const failed = (thrown: unknown): void => {
    if (signal.aborted) throw thrown;
    log.error({ err: asCountermandError(thrown) }, 'the reading of a node could not be written');
  };
  const work = async (): Promise<void> => {
    for (const node of waiting) await readNode(node, 'conductor', parts, signal).catch(failed);
  };
  await Promise.all(Array.from({ length: workers }, work));
}
