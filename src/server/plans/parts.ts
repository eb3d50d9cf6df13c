/** What running plans needs. */
import type { Log } from '../log.ts';
import type { OrderParts } from '../power/orders.ts';

/** Times that rule plans, in milliseconds. */
export interface PlanLimits {
  /** After a cancel, an action that cannot be taken back is waited for so long. */
  readonly cancelDeadlineMs: number;
  /** So long after its end a plan can be rolled back. */
  readonly rollbackWindowMs: number;
  /** A plan that has not been launched by then is superseded; 0 is never. */
  readonly actionPlanExpiryMs: number;
  /** Between two looks at the age of plans. */
  readonly checkPeriodicIntervalMs: number;
}

/** What the engine, its runs and the action types work with. */
export interface PlanParts {
  readonly orders: OrderParts;
  readonly planLimits: PlanLimits;
  readonly log: Log;
  /** Aborted when the conductor stops. */
  readonly shutdown: AbortSignal;
}
