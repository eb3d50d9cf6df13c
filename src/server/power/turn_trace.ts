/** The spans of a turn: one for each power task that it has written. */
import { spanOfRow } from '../../core/tracing.ts';
import type { Store } from '../store/store.ts';
import type { WaitingOrder } from './order_step.ts';
import type { Outcome } from './together.ts';
import type { TaskAndNode } from './transition.ts';
import type { Step } from './turn.ts';

/** What a member of a turn has written: a step, or an order, an abort or a withdrawal. */
export type Written = TaskAndNode | { readonly changed: TaskAndNode | null } | null;

/** A member of a turn. */
type Member = { readonly order: WaitingOrder } | { readonly step: Step };

/**
 * Tells the spans of a turn that has been committed.
 * @param begun when it began, by the monotonic clock
 * @param outcomes what became of each member, in their order
 */
export function traceTurn(
  begun: number,
  members: readonly Member[],
  outcomes: readonly Outcome<Written>[],
  { traces, clock, chance }: Store,
): void {
  if (!traces.isOn) return;
  const endedAt = clock.now();
  const startedAt = endedAt - (clock.monotonic() - begun);
  for (const [at, member] of members.entries()) {
    const outcome = outcomes[at];
    const written = outcome === undefined || 'error' in outcome ? null : outcome.value;
    const now = written !== null && 'changed' in written ? written.changed : written;
    const parent = now && spanOfRow(now.task);
    if (now === null || !parent?.sampled) continue;
    const spanId = chance.bytes(8).toString('hex');
    const attributes = { 'countermand.turn.did': didBy(member), 'countermand.power_task.state': now.task.state };
    const words = { name: 'keeper turn', kind: 'internal', attributes } as const;
    traces.take({ ...words, context: { ...parent, spanId }, parent, startedAt, endedAt, error: null });
  }
}

function didBy(member: Member): string | undefined {
  if ('order' in member) return member.order.kind === 'change' ? 'order' : member.order.kind;
  const { write } = member.step;
  return write?.kind === 'move' ? write.event : write?.kind;
}
