/** Every type of event that this version stores, in the order in which things happen. docs/notifications says what each means. */
import { matcherOf } from './globs.ts';
import {
  ACTION_PLAN_TABLE,
  ACTION_TABLE,
  AUDIT_TABLE,
  POWER_TASK_TABLE,
  ROLLBACK_PHASES,
  type TransitionRow,
} from './states.ts';

/** What can be done to an enrolled node. */
export const NODE_CHANGES = ['create', 'update', 'maintenance_set', 'delete'] as const;

const announcedBy = (table: readonly TransitionRow<string, string>[]): string[] =>
  table.flatMap(({ notifies }) => notifies.map((notification) => notification.split(' ')[0] ?? ''));

/** Their names, each once. */
export const EVENT_TYPES: readonly string[] = [
  ...new Set([
    ...[AUDIT_TABLE, ACTION_PLAN_TABLE, ACTION_TABLE].flatMap(announcedBy),
    ...ACTION_PLAN_TABLE.flatMap(({ event }) => ROLLBACK_PHASES[event] ?? []).map(
      (phase) => `action_plan.rollback.${phase}`,
    ),
    ...NODE_CHANGES.flatMap((change) => ['start', 'end', 'error'].map((phase) => `baremetal.node.${change}.${phase}`)),
    ...announcedBy(POWER_TASK_TABLE),
    'baremetal.node.power_state_corrected.success',
    'conductor.elected',
    'conductor.resigned',
  ]),
];

/** The limit of types that are named in place of an unknown one. */
const NAMED = 3;

/** The first of these globs that no type matches, with the types that are nearest to it; null if each matches one. */
export function unknownEventType(
  globs: readonly string[],
): { readonly glob: string; readonly nearest: string[] } | null {
  const glob = globs.find((one) => !EVENT_TYPES.some(matcherOf([one])));
  if (glob === undefined) return null;
  const near = EVENT_TYPES.map((type) => ({ type, common: commonLength(type, glob) }));
  const longest = Math.max(...near.map(({ common }) => common));
  if (longest > 0) {
    const nearest = near.filter(({ common }) => common === longest).map(({ type }) => type);
    return { glob, nearest: nearest.slice(0, NAMED) };
  }
  return { glob, nearest: [...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`))] };
}

/** How many letters two texts begin with in common. */
function commonLength(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}
