/** Plans as they are wanted by a client, a strategy, a rollback. Nothing of this is checked yet. */
import type { FailurePolicy } from '../store/plan_rows.ts';

/** One action, as a client writes it. */
export interface WantedAction {
  readonly name: string;
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
  readonly parents: readonly string[];
  /** How long it may take, waiting included; null is the default. */
  readonly timeoutMs: number | null;
  /** The uuid of the action that it undoes, if it is one of a rollback. */
  readonly undoes?: string;
}

/** One plan, as a client writes it. */
export interface WantedPlan {
  readonly name: string;
  /** Why, as the client said; absent if it said nothing. */
  readonly reason?: string;
  /** Chosen by the client; absent: the conductor chooses one. */
  readonly uuid?: string;
  /** The same id twice is one plan. */
  readonly requestId: string;
  /** 0 is the default. */
  readonly maxParallel: number;
  readonly canary: number;
  readonly onFailure: FailurePolicy;
  /** Which nodes it is about; left out, or empty: those that its actions name. */
  readonly scope?: readonly unknown[];
  /** The uuid of the plan that it undoes, if it is a rollback. */
  readonly rollbackOf?: string;
  readonly actions: readonly WantedAction[];
}
