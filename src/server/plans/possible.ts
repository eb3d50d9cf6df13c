/** What can be done with a plan now, read from the state table, in words of the command line. */
import { ACTION_PLAN_TABLE, type ActionPlanEvent } from '../../core/states.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';

/** The events that an operator can bring about, with the words for it. */
const ORDERS: readonly (readonly [ActionPlanEvent, (uuid: string) => string])[] = [
  ['start', (uuid) => `plan start ${uuid}`],
  ['drop', (uuid) => `plan cancel ${uuid}`],
  ['cancel', (uuid) => `plan cancel ${uuid}`],
  ['delete', (uuid) => `plan delete ${uuid}`],
];

/** What may be ordered for a plan, for example "plan cancel UUID". */
export function planPossible({ uuid, state }: Pick<ActionPlanRow, 'uuid' | 'state'>): string[] {
  return ORDERS.filter(([event]) =>
    ACTION_PLAN_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, words]) => words(uuid));
}
