/**
 * Nodes that are read before the transaction that decides on them. The transaction reads only those that have changed since: it takes as
 * long as others have written meanwhile, and not as long as the fleet is large.
 */
import { listChangedNodes, modelRevision } from '../store/cluster_model.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { isRefusal } from '../store/failures.ts';
import { byName, findNodesByUuid, listAllNodes } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';

/** Nodes, and the revision of the cluster model before they were read. */
export interface NodesAsOf {
  readonly revision: number;
  /** In the order of their names. */
  readonly nodes: readonly NodeRow[];
}

/** Reads nodes. What changes while they are read is read again by `asOfNow`. */
export async function nodesAsOf(
  sql: Transaction['sql'],
  read: (sql: Transaction['sql']) => Promise<readonly NodeRow[]>,
): Promise<NodesAsOf> {
  const revision = await modelRevision(sql);
  return { revision, nodes: await read(sql) };
}

/** A reading of every node that is under way, and the one that begins after it. */
interface Readings {
  readonly running: Promise<NodesAsOf>;
  next: Promise<NodesAsOf> | null;
}

const readings = new WeakMap<Transaction['sql'], Readings>();

/**
 * Reads every node, outside of any transaction. Calls that come while one reads share the next reading, so that the memory of the conductor
 * does not grow with the number of calls. The rows are those of all of them.
 */
export function everyNodeAsOf(sql: Transaction['sql']): Promise<NodesAsOf> {
  const known = readings.get(sql);
  if (known === undefined) return readEvery(sql);
  const begin = (): Promise<NodesAsOf> => readEvery(sql);
  known.next ??= known.running.then(begin, begin);
  return known.next;
}

function readEvery(sql: Transaction['sql']): Promise<NodesAsOf> {
  const running: Promise<NodesAsOf> = nodesAsOf(sql, listAllNodes).finally(() => {
    if (readings.get(sql)?.running === running) readings.delete(sql);
  });
  readings.set(sql, { running, next: null });
  return running;
}

/**
 * Brings these nodes up to date, by the history of the cluster model. Any node that has changed is among the result, enrolled ones as well;
 * one that was deleted is not. A new name, or a reading that failed, is no change of the cluster model: those of other nodes can be old.
 * @returns `known` itself if nothing has changed
 */
export async function asOfNow(known: NodesAsOf, sql: Transaction['sql']): Promise<NodesAsOf> {
  const revision = await modelRevision(sql);
  if (revision === known.revision) return known;
  const changed = await listChangedNodes(known.revision, sql);
  const now = await findNodesByUuid(changed, sql);
  const isOld = new Set(changed);
  const others = known.nodes.filter(({ uuid }) => !isOld.has(uuid));
  return { revision, nodes: [...others, ...now.values()].sort(byName) };
}

/**
 * What a refusal is that was decided in a transaction on the result of `asOfNow`: OVERTAKEN. Its names can be old, so it is decided again on
 * nodes that are read again; if it is true, it is refused before the next transaction.
 */
export function refusedMeanwhile(thrown: unknown, what: string): unknown {
  return isRefusal(thrown) ? overtaken(what) : thrown;
}
