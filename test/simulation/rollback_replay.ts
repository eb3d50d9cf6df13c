/** What is told of rollbacks: the plan that is rolled back says so whenever the plan that undoes it moves. */
import { insist } from './insist.ts';
import type { ActionFacts, Facts, PlanFacts } from './plan_replay.ts';

/** What the plan that is rolled back says, by the state that its rollback is in. */
const SAID: Readonly<Record<string, string>> = {
  ONGOING: 'rollback.start',
  SUCCEEDED: 'rollback.end',
  FAILED: 'rollback.error',
  CANCELLED: 'rollback.error',
};

/** A notification about a rollback, on the plan that it undoes. */
export interface RollbackData {
  readonly uuid: string;
  readonly rollback_uuid: string;
  readonly rollback_state: string;
  readonly fault?: unknown;
}

/** Expects what must be told of rollbacks, and hears it. */
export class RollbackReplay {
  readonly #awaited: { readonly of: string; readonly rollback: string; readonly verb: string }[] = [];

  /** A plan has moved; if it is a rollback, the other one has to say so. */
  moved({ uuid, rollbackOf }: PlanFacts, state: string, what: string): void {
    if (rollbackOf === null) return;
    insist(state !== 'SUPERSEDED', `${what}: a rollback is SUPERSEDED`);
    const verb = SAID[state];
    if (verb) this.#awaited.push({ of: rollbackOf, rollback: uuid, verb });
  }

  hear(verb: string, data: RollbackData, what: string): void {
    const next = this.#awaited.shift();
    const fits = next?.verb === verb && next.of === data.uuid && next.rollback === data.rollback_uuid;
    insist(fits, `${what} came for ${data.rollback_uuid} instead of ${next?.verb} for ${next?.rollback}`);
    insist(SAID[data.rollback_state] === verb, `${what} says that the rollback is ${data.rollback_state}`);
    insist((data.fault !== null) === (verb === 'rollback.error'), `${what} has the wrong fault`);
  }

  /** Everything was told. */
  atEnd(): void {
    const [next] = this.#awaited;
    insist(next === undefined, `plan ${next?.of} has not told ${next?.verb} for ${next?.rollback}`);
  }
}

/** An undo begins when what undoes everything that depended on its action is done. */
export function checkReversed(
  action: ActionFacts,
  facts: Facts,
  isDone: (uuid: string) => boolean,
  what: string,
): void {
  if (action.undoes === null) return;
  for (const uuid of action.plan.actions) {
    const other = facts.actions.get(uuid);
    if (!other?.undoes || other === action || isDone(uuid)) continue;
    const early = dependsOn(other.undoes, action.undoes, facts.actions);
    insist(!early, `${what}: it begins before ${other.name}, which undoes what depended on its action`);
  }
}

/** True if one action depends on another, over however many between. */
export function dependsOn(
  one: string,
  other: string,
  graph: ReadonlyMap<string, { readonly parents: readonly string[] }>,
): boolean {
  const seen = new Set<string>();
  const stack = [one];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const parent of graph.get(at)?.parents ?? []) {
      if (parent === other) return true;
      if (!seen.has(parent)) stack.push(parent);
      seen.add(parent);
    }
  }
  return false;
}
