/** What the caller for whom a plan is made may see and do. Plans made by the conductor itself have the permit for all. */
import type { NodeRow } from '../store/rows.ts';
import type { Step } from './takes_down.ts';

/** Asked while a plan is checked. */
export interface Permit {
  /** What this says no to does not exist. */
  sees(node: NodeRow): boolean;
  /**
   * @param about the nodes of the scope; null if there is none
   * @throws PERMISSION_DENIED for a step, or a node of the scope, that is not allowed
   */
  allow(steps: readonly Step[], about: readonly NodeRow[] | null): void;
}

/** Holds nothing back. */
export const PERMIT_ALL: Permit = { sees: () => true, allow: () => {} };
