/** Watching a plan until it is at rest. */
import { isPlanAtRest } from '../../core/states.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import { getContext, listActions } from '../store/plans.ts';
import type { Store } from '../store/store.ts';

/** A plan as it is, and actions of it that were not told yet as they are. */
export interface PlanChange {
  readonly plan: ActionPlanRow;
  readonly actions: readonly ActionRow[];
}

/** So many actions go into one message. */
const BATCH = 500;

/**
 * A plan with all its actions as they are now, in batches, then what each later commit changes, until the plan is at
 * rest. An abort ends the watching with its reason.
 */
export async function* watchPlan(uuid: string, store: Store, signal: AbortSignal): AsyncGenerator<PlanChange> {
  const { feed, read } = store.database;
  const changes = feed.watch(`plan ${uuid}`, signal);
  try {
    const seen = new Map<string, number>();
    let { plan } = await getContext(uuid, read);
    for (let after = -1; ; ) {
      const actions = await listActions(uuid, after, BATCH, read);
      for (const action of actions) seen.set(action.uuid, action.revision);
      yield { plan, actions };
      const last = actions.at(-1);
      if (!last || actions.length < BATCH) break;
      after = last.position;
    }
    while (!isPlanAtRest(plan.state)) {
      const next = await changes.next();
      if (next.done) return;
      if (next.value.kind !== 'plan') continue;
      const actions = next.value.actions.filter((action) => action.revision > (seen.get(action.uuid) ?? 0));
      for (const action of actions) seen.set(action.uuid, action.revision);
      const isNews = next.value.plan.revision > plan.revision;
      if (isNews) plan = next.value.plan;
      if (isNews || actions.length > 0) yield { plan, actions };
    }
  } finally {
    await changes.return(undefined);
  }
}
