/** Nodes that nobody can read, because no agent is attached for their driver and zone: they are marked with a problem. */
import { onAbort } from '../core/signals.ts';
import { whyUnserved } from './attachments.ts';
import type { ReadingParts } from './readings.ts';
import { retry } from './retry.ts';
import { listNodes } from './store/nodes.ts';
import { noteNodeProblem } from './store/problems.ts';
import type { NodeRow } from './store/rows.ts';

/** The number of nodes taken from the database, and written, at a time. */
const PAGE = 500;

/** Marks those of the nodes that no agent serves, and the power tasks that hold them. Writes only what is not marked yet. */
export async function noteUnserved(nodes: readonly NodeRow[], parts: ReadingParts): Promise<void> {
  const { store, attachments } = parts;
  const unserved = nodes.filter(
    (node) => node.problem?.code !== 'AGENT_NOT_ATTACHED' && attachments.ownerOf(node).kind === 'none',
  );
  if (unserved.length === 0) return;
  await store.database.write(async (transaction) => {
    for (const node of unserved) await noteNodeProblem(node.uuid, whyUnserved(node, 'none'), null, transaction, store);
  });
}

/**
 * Marks every node that no agent serves `delayMs` from now: an agent that restarts comes back before. A shutdown calls it off.
 * @param working what is under way, for whoever waits until the database is let go of
 */
export function noteUnservedLater(delayMs: number, parts: ReadingParts, working: Set<Promise<unknown>>): void {
  const { store, log, shutdown } = parts;
  if (shutdown.aborted) return;
  const timer = store.clock.after(delayMs, () => {
    unlink();
    const about = { message: 'nodes without an agent could not be marked', fields: {} };
    const settled = retry(() => noteAllUnserved(parts), about, { clock: store.clock, log }, shutdown)
      .catch(() => {})
      .finally(() => working.delete(settled));
    working.add(settled);
  });
  const unlink = onAbort(shutdown, () => timer.cancel());
}

async function noteAllUnserved(parts: ReadingParts): Promise<void> {
  const { read } = parts.store.database;
  for (let after = ''; ; ) {
    const nodes = await listNodes({ zone: '', driver: '', labels: {} }, after, PAGE, read);
    await noteUnserved(nodes, parts);
    const last = nodes.at(-1);
    if (nodes.length < PAGE || !last || parts.shutdown.aborted) return;
    after = last.name;
  }
}
