/** What an order would do, without the plans that the caller may not see. */
import type { Effect } from '../plans/effect.ts';
import type { View } from './view.ts';

/** The effect as the caller may see it. */
export async function seenEffect(effect: Effect, view: View): Promise<Effect> {
  const [inTheWay, supersedes] = await Promise.all([view.plans(effect.inTheWay), view.plans(effect.supersedes)]);
  return { ...effect, inTheWay, supersedes };
}
