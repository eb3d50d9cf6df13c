/** What running plans needs. */

import type { Clouds } from '../../compute/compute.ts';
import type { Log } from '../log.ts';
import type { OrderParts } from '../power/orders.ts';
import { type Also, storeAlso, type Touched } from '../store/also.ts';
import type { ApprovalRules } from './approval_rules.ts';

/** What rules plans. Times are in milliseconds. */
export interface PlanLimits {
  /** After a cancel, an action that cannot be taken back is waited for at most this long. */
  readonly cancelDeadlineMs: number;
  /** How long after its end a plan can be rolled back. */
  readonly rollbackWindowMs: number;
  /** A plan that has not been launched this long after its creation is superseded; 0 is never. */
  readonly actionPlanExpiryMs: number;
  /** Between two looks at the age of plans. */
  readonly checkPeriodicIntervalMs: number;
  /** A client that cannot ask a person states how many running nodes go down if they are more than this. */
  readonly confirmAbove: number;
}

/** What the engine, its runs and the action types work with. */
export interface PlanParts {
  readonly orders: OrderParts;
  readonly planLimits: PlanLimits;
  /** The compute services that may be spoken to. */
  readonly clouds: Clouds;
  readonly approvals: ApprovalRules;
  readonly log: Log;
  /** Aborted when the conductor stops. */
  readonly shutdown: AbortSignal;
}

/** The same parts, whose every write is written with what is noted of it. */
export function partsAlso<Parts extends PlanParts>(
  parts: Parts,
  also: Also | undefined,
  touched: (result: unknown) => Touched | null,
): Parts {
  if (also === undefined) return parts;
  return { ...parts, orders: { ...parts.orders, store: storeAlso(parts.orders.store, also, touched) } };
}
