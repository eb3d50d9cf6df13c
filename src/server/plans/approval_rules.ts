/** Which plans wait for a second person, and who that can be: what whoever knows roles and identities answers. */
import type { Actor } from '../store/actor.ts';
import type { NodeRow } from '../store/rows.ts';

/** The rules as they are now. */
export interface ApprovalRules {
  /** False while no plan has to wait: then nothing is looked up. */
  readonly isAny: boolean;
  /**
   * Why a plan has to wait, in words that follow "waits for a second person:"; null if it need not.
   * @param starter null if it is not known who started it
   * @param nodes those that its actions are about, each once
   */
  why(starter: Actor | null, nodes: readonly NodeRow[]): string | null;
  /** Why one may not decide on what these have made and started, as a sentence; null if one may. */
  objection(second: Actor | null, first: readonly Actor[]): string | null;
}
