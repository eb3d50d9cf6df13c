/**
 * What would undo a plan: each action whose order was sent, in reversed dependency order, back to what was recorded before
 * it. Nothing is written here.
 */

import { serverDriftOf } from '../nodes/identity.ts';
import { listActions, undoneBy } from '../store/actions.ts';
import type { Transaction } from '../store/database.ts';
import { findDriversOf } from '../store/drivers.ts';
import { findNodes } from '../store/nodes.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { findTasksOfActions } from '../store/power_tasks.ts';
import { type Done, parseParameters, type Undo } from './actions/action_type.ts';
import { findActionType } from './actions/list.ts';
import { buildGraph } from './graph.ts';
import { orderOfUndoing, type Undoing } from './rollback_graph.ts';
import type { WantedAction } from './wanted.ts';

type Sql = Transaction['sql'];

/** How a rollback is wanted. */
export interface RollbackOptions {
  /** Leave out what nothing can undo. */
  readonly skipIrreversible: boolean;
  /** Undo also what another order has changed since. */
  readonly acceptDrift: boolean;
}

/** Every action of a plan with what would undo it, the last to be undone last. */
export async function undoingsOf(plan: ActionPlanRow, sql: Sql): Promise<Undoing[]> {
  const actions = await listActions(plan.uuid, -1, plan.size, sql);
  const nodes = await findNodes(
    [...new Set(actions.map(({ nodeUuid }) => nodeUuid).filter((uuid) => uuid !== null))],
    sql,
  );
  const tasks = await findTasksOfActions(actions, sql);
  const drivers = await findDriversOf([...nodes.values()], sql);
  const undoings = actions.map((action): Undoing => {
    const node = action.nodeUuid === null ? null : (nodes.get(action.nodeUuid) ?? null);
    const driver = node ? (drivers.get(node.uuid) ?? null) : null;
    return { action, node, undo: undoOf({ action, node, driver, task: tasks.get(action.uuid) ?? null }) };
  });
  return withoutOldDrift(undoings, await undoneBy(plan.uuid, sql));
}

/**
 * Only the last change of a thing says what the plan left it as, and only until a rollback has undone it. From then on the first of those
 * that are undone says what the rollback left it as.
 */
function withoutOldDrift(undoings: readonly Undoing[], undone: ReadonlySet<string>): Undoing[] {
  const isUndone = ({ action }: Undoing): boolean => undone.has(action.uuid);
  const telling = new Set(
    chainsOf(undoings).map((chain) => {
      const last = chain.at(-1);
      return (last && isUndone(last) ? chain.find(isUndone) : last)?.action.uuid;
    }),
  );
  return undoings.map((each) => {
    const { action, undo } = each;
    if (undo.kind !== 'action' || undo.isOtherServer) return each;
    const drift = isUndone(each) ? (undo.driftOnceUndone ?? null) : undo.drift;
    return { ...each, undo: { ...undo, drift: telling.has(action.uuid) ? drift : null } };
  });
}

/** The changes of each thing, the first change first. */
function chainsOf(undoings: readonly Undoing[]): Undoing[][] {
  const chains = Map.groupBy(
    undoings.filter(({ undo }) => undo.kind === 'action'),
    ({ action, undo }) =>
      undo.kind === 'action' && undo.thing ? undo.thing : `${action.actionType} ${action.nodeUuid}`,
  );
  return [...chains.values()].map((chain) => chain.toSorted((one, other) => orderOf(one) - orderOf(other)));
}

const orderOf = ({ undo }: Undoing): number => (undo.kind === 'action' ? undo.order : 0);

function undoOf(done: Done): Undo {
  const { action } = done;
  const type = findActionType(action.actionType);
  if (!type) return { kind: 'irreversible', why: `this version has no action type '${action.actionType}'` };
  const undo = type.undo(parseParameters(type, action.inputParameters, `action '${action.name}'`), done);
  const drift = undo.kind === 'action' ? serverDrift(done) : null;
  return undo.kind === 'action' && drift !== null ? { ...undo, drift, isOtherServer: true } : undo;
}

/** Which server an action was about stands in its power task, or in its before-image. */
function serverDrift({ node, task, action: { beforeImage } }: Done): string | null {
  if (node === null) return null;
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const then = task ?? { bmcKey: text(beforeImage?.bmc_key), bmcGuid: text(beforeImage?.bmc_guid) };
  return serverDriftOf(node, then);
}

/** Why a rollback cannot be without more being said, one sentence for each action in the way. */
export function objectionsTo(undoings: readonly Undoing[], options: RollbackOptions): string[] {
  return undoings.flatMap(({ action, undo }) => {
    if (undo.kind === 'irreversible' && !options.skipIrreversible)
      return [`action '${action.name}': ${undo.why} (skip_irreversible leaves it)`];
    if (undo.kind === 'action' && undo.drift !== null && !options.acceptDrift)
      return [`action '${action.name}': ${undo.drift} (accept_drift undoes it all the same)`];
    return [];
  });
}

/** What a rollback undoes, and what it leaves alone. */
export interface UndoSelection {
  /** All of them: what is left alone counts as if it had changed nothing. */
  readonly undoings: readonly Undoing[];
  /** A sentence about what is left alone, if anything is. */
  readonly leftAlone: readonly string[];
}

/** More names than this are not told. */
const NAMES_TOLD = 5;

/** Decides what is undone; what has drifted only if `acceptDrift`. */
export function undoSelectionOf(undoings: readonly Undoing[], acceptDrift: boolean): UndoSelection {
  const isLeft = ({ undo }: Undoing): boolean =>
    undo.kind === 'irreversible' || (undo.kind === 'action' && undo.drift !== null && !acceptDrift);
  const left = undoings.filter(isLeft).map(({ action }) => `'${action.name}'`);
  const more = left.length > NAMES_TOLD ? ` and ${left.length - NAMES_TOLD} more` : '';
  const sentence = `left alone: ${left.slice(0, NAMES_TOLD).join(', ')}${more}`;
  const undo: Undo = { kind: 'nothing', why: 'it is left alone' };
  return {
    undoings: undoings.map((each) => (isLeft(each) ? { ...each, undo } : each)),
    leftAlone: left.length > 0 ? [sentence] : [],
  };
}

/**
 * The actions of the rollback. Each comes after those that undo what depended on it, also through actions that need no
 * undoing, and after those that undo later changes of the same thing. The compute service of a host comes back before its instances; no
 * node stays down because an instance cannot come back.
 */
export function undoActions(undoings: readonly Undoing[]): WantedAction[] {
  const undone = new Map(undoings.flatMap((each) => (each.undo.kind === 'action' ? [[each.action.uuid, each]] : [])));
  const { before, joints } = orderOfUndoing(undoings, undone);
  for (const chain of chainsOf(undoings)) {
    for (const [at, { action }] of chain.entries()) {
      const next = chain[at + 1];
      if (next) before.get(action.uuid)?.add(next.action.uuid);
    }
  }
  for (const joint of joints) undone.set(joint.action.uuid, joint);
  const plainly = toActions(undone, before);
  servicesFirst(undoings, undone, before);
  nodesWithoutInstances(undone, before);
  const actions = toActions(undone, before);
  // A plan that a client wrote may have an order in which that cannot be: then it is undone in the reverse of its own.
  return isGraph(actions) ? actions : plainly;
}

function toActions(
  undone: ReadonlyMap<string, Undoing>,
  before: ReadonlyMap<string, ReadonlySet<string>>,
): WantedAction[] {
  return [...undone.values()].flatMap(({ action, undo }) => {
    if (undo.kind !== 'action') return [];
    const { actionType, inputParameters } = undo;
    const parents = [...(before.get(action.uuid) ?? [])].map((uuid) => undone.get(uuid)?.action.name ?? '');
    return [{ name: action.name, actionType, inputParameters, parents, timeoutMs: null, undoes: action.uuid }];
  });
}

function isGraph(actions: readonly WantedAction[]): boolean {
  try {
    buildGraph(actions);
    return true;
  } catch {
    return false;
  }
}

/**
 * Instances can come back only to a host whose service takes them: its undo goes before theirs, and after that of everything else about
 * its node that they do not need, such as the power off.
 */
function servicesFirst(
  undoings: readonly Undoing[],
  undone: ReadonlyMap<string, Undoing>,
  before: ReadonlyMap<string, Set<string>>,
): void {
  const children = childrenOf(undoings);
  const has = ({ undo }: Undoing, what: 'isService' | 'needsService'): boolean =>
    undo.kind === 'action' && undo[what] === true;
  for (const service of [...undone.values()].filter((each) => has(each, 'isService'))) {
    const { uuid, nodeUuid } = service.action;
    const own = [...undone.values()].filter(({ action }) => action.nodeUuid === nodeUuid);
    const needing = own.filter((each) => has(each, 'needsService')).map(({ action }) => action.uuid);
    const others = own
      .filter((each) => !has(each, 'needsService') && !has(each, 'isService'))
      .map(({ action }) => action.uuid)
      .filter((other) => isApart(behind(other, children), new Set(needing)));
    const first = before.get(uuid);
    first?.clear();
    for (const other of others) {
      first?.add(other);
      before.get(other)?.delete(uuid);
    }
    for (const instance of needing) before.get(instance)?.add(uuid);
  }
}

/** What brings a node up waits for what instances wait for, and not for them. */
function nodesWithoutInstances(undone: ReadonlyMap<string, Undoing>, before: ReadonlyMap<string, Set<string>>): void {
  const is = (uuid: string, what: 'needsService' | 'bringsUp' | 'isService'): boolean => {
    const undo = undone.get(uuid)?.undo;
    return undo?.kind === 'action' && undo[what] === true;
  };
  for (const uuid of undone.keys()) {
    const own = before.get(uuid);
    if (own === undefined || is(uuid, 'needsService') || !(is(uuid, 'bringsUp') || is(uuid, 'isService'))) continue;
    // A set that grows while it is walked through: what instances wait for may be instances again.
    for (const each of own) {
      if (!is(each, 'needsService')) continue;
      own.delete(each);
      for (const behind of before.get(each) ?? []) own.add(behind);
    }
  }
}

function isApart(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return ![...other].some((uuid) => one.has(uuid));
}

function childrenOf(undoings: readonly Undoing[]): Map<string, string[]> {
  const children = new Map<string, string[]>(undoings.map(({ action }) => [action.uuid, []]));
  for (const { action } of undoings) for (const parent of action.parents) children.get(parent)?.push(action.uuid);
  return children;
}

/** Everything that depends on an action. */
function behind(uuid: string, children: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const stack = [...(children.get(uuid) ?? [])];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    stack.push(...(children.get(at) ?? []));
  }
  return found;
}
