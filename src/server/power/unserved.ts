/** Nodes that cannot be read, because no agent is attached for their driver and zone: they are marked with a problem. */

import { nextPortion } from '../../core/long_work.ts';
import { onAbort } from '../../core/signals.ts';
import { whyUnserved } from '../agents/unserved.ts';
import { retry } from '../retry.ts';
import { listNodes } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import { noteNodeProblem } from './problems.ts';
import type { ReadingParts } from './readings.ts';

/** The number of nodes taken from the database, and written, at a time. Others are served in between. */
const PAGE = 100;

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

/** Looks for nodes that no agent serves, and marks them: however often it is asked for, one look at a time. */
export class UnservedLooks {
  readonly #parts: ReadingParts;
  readonly #working: Set<Promise<unknown>>;
  /** When the last look that was asked for is due, by the clock that never jumps. */
  #lastDueAt = Number.NEGATIVE_INFINITY;
  /** True while a look waits for its time, or is under way. */
  #isPlanned = false;

  /** @param working what is under way, for whoever waits until the database is let go of */
  constructor(parts: ReadingParts, working: Set<Promise<unknown>>) {
    this.#parts = parts;
    this.#working = working;
  }

  /** Marks every node that no agent serves `delayMs` from now: an agent that restarts comes back before. A shutdown calls it off. */
  lookAfter(delayMs: number): void {
    const dueAt = this.#parts.store.clock.monotonic() + delayMs;
    this.#lastDueAt = Math.max(this.#lastDueAt, dueAt);
    if (!this.#isPlanned) this.#plan(dueAt);
  }

  #plan(dueAt: number): void {
    const { store, shutdown } = this.#parts;
    if (shutdown.aborted) return;
    this.#isPlanned = true;
    const timer = store.clock.after(dueAt - store.clock.monotonic(), () => {
      unlink();
      const settled = this.#look(dueAt).finally(() => this.#working.delete(settled));
      this.#working.add(settled);
    });
    const unlink = onAbort(shutdown, () => timer.cancel());
  }

  async #look(dueAt: number): Promise<void> {
    const { store, log, shutdown } = this.#parts;
    const retried = { message: 'nodes without an agent could not be marked', fields: {} };
    await retry(() => noteAllUnserved(this.#parts), retried, { clock: store.clock, log }, shutdown).catch(() => {});
    this.#isPlanned = false;
    if (this.#lastDueAt > dueAt) this.#plan(Math.max(this.#lastDueAt, store.clock.monotonic()));
  }
}

async function noteAllUnserved(parts: ReadingParts): Promise<void> {
  const { read } = parts.store.database;
  for (let after = ''; ; ) {
    const nodes = await listNodes({ zone: '', driver: '', labels: {} }, after, PAGE, read);
    await noteUnserved(nodes, parts);
    const last = nodes.at(-1);
    if (nodes.length < PAGE || !last || parts.shutdown.aborted) return;
    after = last.name;
    await nextPortion();
  }
}
