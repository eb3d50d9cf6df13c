/**
 * What a turn of the keeper reads in its transaction, in sets and before anything else: so that the round trips of a turn do not grow
 * with what it takes.
 */
import type { Database, Transaction } from '../store/database.ts';
import { keptBehind } from '../store/kept.ts';
import { findNodesByUuid } from '../store/nodes.ts';
import { readPlansAbout } from '../store/plans.ts';
import { findGiven, findPowerTasks, type GivenOrders, type OrderKey } from '../store/power_tasks.ts';
import type { TaskAndNode } from './transition.ts';

/** By what an order is found that was given before, and the node that it is for. */
export interface OrderAbout {
  readonly key: OrderKey;
  readonly nodeUuid: string;
}

/** The first of all that have the same key, or none, up to a limit; and the others. Both in their order. */
export function firstOfEach<T>(all: readonly T[], keyOf: (each: T) => string | null, limit: number): [T[], T[]] {
  const keys = new Set<string>();
  const [taken, left]: [T[], T[]] = [[], []];
  for (const each of all) {
    const key = keyOf(each);
    const isTaken = taken.length < limit && (key === null || !keys.has(key));
    (isTaken ? taken : left).push(each);
    if (key !== null) keys.add(key);
  }
  return [taken, left];
}

/** The key as text; null for what has none. */
export const keyTextOf = (about: OrderAbout | null): string | null =>
  about && Object.entries(about.key).flat().join(' ');

/** What a turn is about. */
interface TurnAbout {
  readonly orders: readonly OrderAbout[];
  /** What it moves. */
  readonly at: readonly TaskAndNode[];
  /** The uuids of the nodes whose power state it writes: plans about them may have become stale. */
  readonly changed: readonly string[];
}

/**
 * Reads what the members of a turn need: the orders that were given before, in the transaction or, if it is null, as committed. Both are
 * the same to a turn: orders are given by turns alone, which follow one another. In a transaction it also lets the rows be kept that are
 * about to be written, those that are not kept yet: after a start, none is.
 */
export async function lookBeforeTurn(
  { orders, at, changed }: TurnAbout,
  transaction: Transaction | null,
  database: Pick<Database, 'read'>,
): Promise<GivenOrders> {
  if (transaction) {
    await keepRows(orders, at, transaction);
    await readPlansAbout(changed, transaction);
  }
  return findGiven(
    orders.map(({ key }) => key),
    transaction,
    database,
  );
}

async function keepRows(
  orders: readonly OrderAbout[],
  at: readonly TaskAndNode[],
  { sql, keep }: Transaction,
): Promise<void> {
  const kept = keptBehind(sql);
  const written = [...orders.map(({ nodeUuid }) => nodeUuid), ...at.map(({ node }) => node.uuid)];
  const nodes = new Set(written.filter((uuid) => kept.node(uuid) === undefined));
  const tasks = at.map(({ task }) => task.uuid).filter((uuid) => kept.task(uuid) === undefined);
  if (nodes.size > 0)
    for (const node of (await findNodesByUuid([...nodes], sql)).values()) keep({ kind: 'node', node, deleted: false });
  if (tasks.length > 0) for (const task of await findPowerTasks(tasks, sql)) keep({ kind: 'task', task });
}
