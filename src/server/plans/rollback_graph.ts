/** What is undone before what: each action of a rollback comes after those that undo what depended on it. Pure functions. */
import { failAt } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import type { ActionRow } from '../store/plan_rows.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Undo } from './actions/action_type.ts';
import { nop } from './actions/nop.ts';

/** An action of the plan, and what would undo it. */
export interface Undoing {
  readonly action: ActionRow;
  readonly node: NodeRow | null;
  readonly undo: Undo;
}

/** For each action, the uuids of those that are undone before it. */
type Before = Map<string, Set<string>>;

/** The order in which a plan is undone. */
interface OrderOfUndoing {
  readonly before: Before;
  /** Actions that need no undoing, and stand in the rollback all the same, as nops: much is undone before them, and much after them. */
  readonly joints: readonly Undoing[];
}

/** This many links that lead through actions that need no undoing are made one by one. A thousand nodes before a pause, and a thousand behind it, have a million. */
const LINKS_LIMIT = 10_000;

/** More than this are not passed on along a row of actions that need no undoing: each step would pass on all of them. */
const PASSED_ON_LIMIT = 100;

/**
 * The order in which actions are undone, also through those that need no undoing.
 * @param undone those that are undone, by the uuids of their actions
 * @throws ACTION_PLAN_INVALID if compute services or instances are among them, and there are too many links: that instances are not
 *   waited for is told of each link alone
 */
export function orderOfUndoing(undoings: readonly Undoing[], undone: ReadonlyMap<string, Undoing>): OrderOfUndoing {
  const { limit } = SENT_LIMITS.parents;
  const apart = [...undone.values()].some(
    ({ undo }) => undo.kind === 'action' && (undo.needsService || undo.isService),
  );
  const few = nearestDependents(undoings, (uuid) => undone.has(uuid), apart ? limit : LINKS_LIMIT);
  if (few !== null) return { before: few, joints: [] };
  if (apart)
    throw failAt(
      'ACTION_PLAN_INVALID',
      'actions',
      `actions: those of the rollback would have more than ${limit} parents; undo it by plans of your own`,
    );
  const stays = (uuid: string, behind: number, parents: number): boolean =>
    undone.has(uuid) || behind > PASSED_ON_LIMIT || behind * parents > behind + parents;
  const before = nearestDependents(undoings, stays, Number.POSITIVE_INFINITY) as Before;
  return { before, joints: jointsOf(undoings, undone, before) };
}

/**
 * For each action, the nearest of those depending on it that stay: what lies between is looked through.
 * @param stays asked with how many stay behind an action, and how many it depends on
 * @returns null if more links than the limit would lead through what does not stay
 */
function nearestDependents(
  undoings: readonly Undoing[],
  stays: (uuid: string, behind: number, parents: number) => boolean,
  limit: number,
): Before | null {
  const nearest: Before = new Map(undoings.map(({ action }) => [action.uuid, new Set<string>()]));
  // The highest rank first: what depends on an action is done before it.
  const inOrder = undoings.map(({ action }) => action).sort((one, other) => other.rank - one.rank);
  let links = 0;
  for (const { uuid, parents } of inOrder) {
    const behind = nearest.get(uuid) as Set<string>;
    if (stays(uuid, behind.size, parents.length)) {
      for (const parent of parents) nearest.get(parent)?.add(uuid);
      continue;
    }
    links += behind.size * parents.length;
    if (links > limit) return null;
    for (const parent of parents) for (const each of behind) nearest.get(parent)?.add(each);
    // Its parents have them now.
    nearest.delete(uuid);
  }
  return nearest;
}

/** Those that stay without being undone, as far as something that is undone comes after them. */
function jointsOf(undoings: readonly Undoing[], undone: ReadonlyMap<string, Undoing>, before: Before): Undoing[] {
  const needed = new Set<string>();
  const found = [...undone.keys()];
  for (const uuid of found) {
    for (const first of before.get(uuid) ?? []) {
      if (undone.has(first) || needed.has(first)) continue;
      needed.add(first);
      found.push(first);
    }
  }
  return undoings
    .filter(({ action }) => needed.has(action.uuid))
    .map((each) => ({ ...each, undo: { ...NOTHING, inputParameters: { message: messageOf(each) } } }));
}

const NOTHING = { kind: 'action', order: 0, what: 'nothing', actionType: nop.name, drift: null } as const;

const messageOf = ({ action }: Undoing): string => `stands for '${action.name}', which needs no undoing`;
