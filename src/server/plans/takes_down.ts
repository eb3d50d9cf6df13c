/** Which running nodes a plan would take down: what an operator is told before it starts. */
import { failWith } from '../../core/errors.ts';
import { nodesInWords } from '../../core/folded_names.ts';
import { naturally } from '../../core/natural_order.ts';
import { listActions } from '../store/actions.ts';
import type { Transaction } from '../store/database.ts';
import { findNodes, findNodesByUuid } from '../store/nodes.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import type { NodeRow } from '../store/rows.ts';
import { parseParameters } from './actions/action_type.ts';
import { findActionType } from './actions/list.ts';
import { undoingsOf, undoSelectionOf } from './rollback.ts';
import type { Undoing } from './rollback_graph.ts';

/** Running nodes that are taken down, for good or until they have restarted. */
export interface TakesDown {
  readonly count: number;
  /** The first of them in the order of their names. */
  readonly nodes: readonly string[];
  /** How many of them by an order that cannot be taken back once it is sent. */
  readonly hard: number;
}

/** At most this many nodes are named. */
const NAMED = 100;
/** How many actions are read at a time. */
const PAGE = 1000;

/** An action, as far as it matters here. */
export interface Step {
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
  readonly node: NodeRow | null;
}

/** What takes no running node down. */
export const NOTHING_DOWN: TakesDown = { count: 0, nodes: [], hard: 0 };

/**
 * How many running nodes an order may take down: exactly this number; as many as a client need not state, because it has stated no number; or
 * any number (null), for what takes an order back and for the conductor itself.
 */
export type Expected = number | { readonly atMost: number } | null;

/**
 * Holds an order to the number of running nodes that its client expects it to take down. Call it in the transaction that
 * writes the order, before anything is written.
 * @param what the order, as the subject of a sentence
 * @param largest it cannot take more down than this: then nothing has to be counted for a client that may leave the number out
 * @throws TAKES_DOWN_MISMATCH with both numbers, TAKES_DOWN_UNSTATED
 */
export async function holdToExpected(
  expected: Expected,
  what: string,
  count: () => Promise<TakesDown>,
  largest = Number.POSITIVE_INFINITY,
): Promise<void> {
  if (expected === null || (typeof expected === 'object' && largest <= expected.atMost)) return;
  const found = await count();
  if (typeof expected === 'number' ? found.count === expected : found.count <= expected.atMost) return;
  const named = found.count === 0 ? '' : ` (${nodesInWords(found.nodes, found.count)})`;
  const takes = `${what} takes ${found.count} running ${found.count === 1 ? 'node' : 'nodes'} down${named}`;
  const running = { running_nodes: String(found.count) };
  if (typeof expected === 'number')
    throw failWith(
      'TAKES_DOWN_MISMATCH',
      `${takes}, and ${expected} were expected; nothing was done. If ${found.count} is right, state it in expect_taken_down`,
      { field: 'expect_taken_down', facts: { ...running, expected: String(expected) } },
    );
  throw failWith(
    'TAKES_DOWN_UNSTATED',
    `${takes}, which is more than ${expected.atMost} (confirm_above), and the number was not stated; nothing was done. If ${found.count} is right, state it in expect_taken_down`,
    { field: 'expect_taken_down', facts: { ...running, confirm_above: String(expected.atMost) } },
  );
}

/**
 * What these actions take down. A node counts once, and as running unless it is known to be off.
 * @param queued they wait for plans that may power nodes on, so every node counts as running
 */
export function takesDown(steps: Iterable<Step>, queued = false): TakesDown {
  const found = new Map<string, 'soft' | 'hard'>();
  for (const { actionType, inputParameters, node } of steps) {
    if (node === null || (!queued && isOff(node))) continue;
    const how = howItTakesDown(actionType, inputParameters);
    if (how !== null && found.get(node.name) !== 'hard') found.set(node.name, how);
  }
  const names = [...found.keys()].sort(naturally);
  const hard = names.filter((name) => found.get(name) === 'hard').length;
  return { count: names.length, nodes: names.slice(0, NAMED), hard };
}

/** A node that a power task is just powering on counts as running. */
export const isOff = ({ powerState, targetPowerState }: NodeRow): boolean =>
  powerState === 'power off' && targetPowerState !== 'power on';

function howItTakesDown(actionType: string, inputParameters: Step['inputParameters']): 'soft' | 'hard' | null {
  const type = findActionType(actionType);
  return type ? type.takesDown(parseParameters(type, inputParameters, actionType)) : null;
}

/** What a stored plan takes down. @param queued see `takesDown` */
export async function takesDownOfPlan(
  plan: ActionPlanRow,
  sql: Transaction['sql'],
  queued = false,
): Promise<TakesDown> {
  return takesDown(await stepsOfPlan(plan, sql), queued);
}

/** The actions of a stored plan, with their nodes as they are now. */
export async function stepsOfPlan(plan: ActionPlanRow, sql: Transaction['sql']): Promise<Step[]> {
  const steps: Step[] = [];
  for (let after = -1; after < plan.size - 1; after += PAGE) {
    const actions = await listActions(plan.uuid, after, PAGE, sql);
    const uuids = actions.map(({ nodeUuid }) => nodeUuid).filter((uuid) => uuid !== null);
    const nodes = await findNodesByUuid([...new Set(uuids)], sql);
    for (const action of actions) steps.push({ ...action, node: nodes.get(action.nodeUuid ?? '') ?? null });
  }
  return steps;
}

/** The actions of a proposal, with their nodes as they are now. */
export async function stepsOfProposal(
  actions: readonly Omit<Step, 'node'>[],
  sql: Transaction['sql'],
): Promise<Step[]> {
  const nameOf = ({ actionType, inputParameters }: Omit<Step, 'node'>): string | null => {
    const type = findActionType(actionType);
    return type ? type.nodeOf(parseParameters(type, inputParameters, actionType)) : null;
  };
  const named = actions.map((action) => ({ action, name: nameOf(action) }));
  const names = new Set(named.map(({ name }) => name).filter((name) => name !== null));
  const nodes = await findNodes([...names], sql);
  return named.map(({ action, name }) => ({ ...action, node: nodes.get(name ?? '') ?? null }));
}

/** What a rollback takes down again. */
export function takesDownOfRollback(undoings: readonly Undoing[]): TakesDown {
  return takesDown(stepsOfRollback(undoings));
}

/** What a rollback does. */
export function stepsOfRollback(undoings: readonly Undoing[]): Step[] {
  return undoings.flatMap(({ node, undo }) => (undo.kind === 'action' ? [{ ...undo, node }] : []));
}

/** What the rollback after a cancel would take down, as far as the orders of the plan have been sent by now. */
export async function takesDownOfCancel(plan: ActionPlanRow, sql: Transaction['sql']): Promise<TakesDown> {
  return takesDown(await stepsOfCancel(plan, sql));
}

/** What the rollback after a cancel would do, as far as the orders of the plan have been sent by now. */
export async function stepsOfCancel(plan: ActionPlanRow, sql: Transaction['sql']): Promise<Step[]> {
  const hasRun = plan.state === 'ONGOING' || plan.state === 'CANCELLING';
  return hasRun ? stepsOfRollback(undoSelectionOf(await undoingsOf(plan, sql), false).undoings) : [];
}
