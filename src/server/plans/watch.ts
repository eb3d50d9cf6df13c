/** Watching a plan until it is at rest. */

import { isPlanAtRest } from '../../core/states.ts';
import { listActions } from '../store/actions.ts';
import type { Change } from '../store/feed.ts';
import type { ActionPlanRow, ActionRow } from '../store/plan_rows.ts';
import { getContext } from '../store/plans.ts';
import type { Store } from '../store/store.ts';

/** A plan as it is, and actions of it that were not told yet as they are. */
export interface PlanChange {
  readonly plan: ActionPlanRow;
  readonly actions: readonly ActionRow[];
}

/** At most this many actions go into one message. */
const BATCH = 500;

/**
 * A plan with all its actions as they are now, in batches, and what each later commit changes, until the plan is at
 * rest. What changes of actions that were told is told between two batches: who cancels a large plan hears that what runs is being
 * taken back before it has heard of all that waits. An abort ends the watching with its reason.
 */
export async function* watchPlan(uuid: string, store: Store, signal: AbortSignal): AsyncGenerator<PlanChange> {
  const { feed, read } = store.database;
  const changes = feed.gather([`plan ${uuid}`], gatherPlan, signal);
  try {
    const seen = new Map<string, number>();
    let { plan } = await getContext(uuid, read);
    const newsOf = function* ({ plan: newest, actions: moved }: Gathered): Generator<PlanChange> {
      // One that was not told yet is told as it is then, in its place.
      const actions = [...moved.values()].filter(
        (action) => action.revision > (seen.get(action.uuid) ?? action.revision),
      );
      for (const action of actions) seen.set(action.uuid, action.revision);
      const isNews = newest !== null && newest.revision > plan.revision;
      if (isNews) plan = newest;
      // A gathering may be larger than a message should be.
      for (let from = 0; from < actions.length || (isNews && from === 0); from += BATCH)
        yield { plan, actions: actions.slice(from, from + BATCH) };
    };
    for (let after = -1; ; ) {
      signal.throwIfAborted();
      const actions = await listActions(uuid, after, BATCH, read);
      for (const action of actions) seen.set(action.uuid, action.revision);
      yield { plan, actions };
      const last = actions.at(-1);
      if (!last || actions.length < BATCH) break;
      after = last.position;
      if (!changes.hasNews) continue;
      const news = await changes.next();
      if (!news.done) yield* newsOf(news.value);
    }
    while (!isPlanAtRest(plan.state)) {
      const next = await changes.next();
      if (next.done) return;
      yield* newsOf(next.value);
    }
  } finally {
    await changes.return(undefined);
  }
}

/** What has changed since the watcher last read: the newest plan, and the last state of each action that moved. */
interface Gathered {
  readonly plan: ActionPlanRow | null;
  readonly actions: Map<string, ActionRow>;
}

function gatherPlan(waiting: Gathered | undefined, change: Change): Gathered {
  const gathered = waiting ?? { plan: null, actions: new Map<string, ActionRow>() };
  if (change.kind !== 'plan') return gathered;
  for (const action of change.actions) {
    const known = gathered.actions.get(action.uuid);
    if (!known || known.revision < action.revision) gathered.actions.set(action.uuid, action);
  }
  const isNewer = gathered.plan === null || change.plan.revision > gathered.plan.revision;
  return isNewer ? { ...gathered, plan: change.plan } : gathered;
}
