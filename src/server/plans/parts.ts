/** What running plans needs. */
import type { Log } from '../log.ts';
import type { OrderParts } from '../power/orders.ts';

/** Times that rule plans, in milliseconds. */
export interface PlanLimits {
  /** After a cancel, an action that cannot be taken back is waited for so long. */
  readonly cancelDeadlineMs: number;
}

/** What the engine, its runs and the action types work with. */
export interface PlanParts {
  readonly orders: OrderParts;
  readonly planLimits: PlanLimits;
  readonly log: Log;
  /** Aborted when the conductor stops. */
  readonly shutdown: AbortSignal;
}
