/** The spans of a turn: one for each power task that it has written. */
import { spanOfRow } from '../../core/tracing.ts';
import type { Store } from '../store/store.ts';
import type { Outcome } from './together.ts';
import type { TaskAndNode } from './transition.ts';
import type { Step } from './turn.ts';

/** What a member of a turn has written: a step, or an order, an abort or a withdrawal. */
export type Written = TaskAndNode | { readonly changed: TaskAndNode | null } | null;

/**
 * Tells the spans of a turn that has been committed.
 * @param begun when it began, by the monotonic clock
 * @param orders how many of the outcomes, the first ones, are those of orders; those of steps follow
 */
export function traceTurn(
  begun: number,
  orders: number,
  steps: readonly { readonly step: Step }[],
  outcomes: readonly Outcome<Written>[],
  { traces, clock, chance }: Store,
): void {
  if (!traces.isOn) return;
  const endedAt = clock.now();
  const startedAt = endedAt - (clock.monotonic() - begun);
  for (const [at, outcome] of outcomes.entries()) {
    const written = 'error' in outcome ? null : outcome.value;
    const now = written !== null && 'changed' in written ? written.changed : written;
    const parent = now && spanOfRow(now.task);
    if (now === null || !parent?.sampled) continue;
    const spanId = chance.bytes(8).toString('hex');
    const did = at < orders ? 'order' : didBy(steps[at - orders]?.step);
    const attributes = { 'countermand.turn.did': did, 'countermand.power_task.state': now.task.state };
    const words = { name: 'keeper turn', kind: 'internal', attributes } as const;
    traces.take({ ...words, context: { ...parent, spanId }, parent, startedAt, endedAt, error: null });
  }
}

function didBy(step: Step | undefined): string | undefined {
  const write = step?.write;
  return write?.kind === 'move' ? write.event : write?.kind;
}
