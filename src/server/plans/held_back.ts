/** What holds a plan back that could be started otherwise: freezes, and rules by which a second person has to agree. */
import type { CountermandError } from '../../core/errors.ts';
import { type Freezes, frozenBy } from '../power/freezes.ts';
import type { Actor } from '../store/actor.ts';
import type { NodeRow } from '../store/rows.ts';
import type { ApprovalRules } from './approval_rules.ts';
import { orderOf } from './effect.ts';
import type { PlanParts } from './parts.ts';
import type { Step } from './takes_down.ts';

/** Why a plan with these actions is not started: one is about a node that takes no orders. Null if none is. */
export function frozenIn(steps: Iterable<Step>, freezes: Freezes): CountermandError | null {
  for (const { node } of steps) {
    const frozen = node && freezes.of(node);
    if (frozen) return frozenBy(frozen, node);
  }
  return null;
}

/** As `frozenIn`, of the actions that give a power order: a rollback of nothing else is not held up. */
export const frozenOrderIn = (steps: readonly Step[], freezes: Freezes): CountermandError | null =>
  frozenIn(
    steps.filter((step) => orderOf(step) !== null),
    freezes,
  );

/** What would hold a plan back if it were started now. */
export interface HeldBack {
  /** Why its start would be refused by a freeze, or null. */
  readonly refused: CountermandError | null;
  /** Why it would wait for a second person; null if it would not. */
  readonly approvalWhy: string | null;
}

/** What would hold back a plan with these actions. @param starter who would start it; null if that is not known */
export const heldBackBy = (
  steps: readonly Step[],
  starter: Actor | null,
  { orders, approvals }: Pick<PlanParts, 'orders' | 'approvals'>,
): HeldBack => ({
  refused: frozenIn(steps, orders.freezes),
  approvalWhy: approvals.isAny ? whyItWaits(steps, starter, approvals) : null,
});

/** Why a plan with these actions waits for a second person, in words that follow "waits for a second person:"; null if it need not. */
export function whyItWaits(steps: Iterable<Step>, starter: Actor | null, approvals: ApprovalRules): string | null {
  const nodes = new Map<string, NodeRow>();
  for (const { node } of steps) if (node) nodes.set(node.uuid, node);
  return approvals.why(starter, [...nodes.values()]);
}
