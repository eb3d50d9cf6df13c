/** Streams over many nodes: watching them change. */
import type { Conductor } from '../conductor.ts';
import type { Change } from '../store/feed.ts';
import { findNodesByUuid, listNodes } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** At most this many nodes are read from the database at a time. */
const PAGE = 500;

/** A node as it is, or as it last was. */
export interface StreamedNode {
  readonly node: NodeRow;
  readonly deleted: boolean;
}

/**
 * Nodes as they are, then as each later commit leaves them: those of `only`, or all with null. A reader that is slow gets
 * the last state of each node. What it costs follows from what is watched, not from the size of the fleet. An abort ends it
 * with its reason.
 */
export async function* watchNodes(
  only: readonly NodeRow[] | null,
  { orders }: Conductor,
  signal: AbortSignal,
): AsyncGenerator<StreamedNode> {
  const { database } = orders.store;
  const topics = only === null ? ['node'] : only.map(({ uuid }) => `node ${uuid}`);
  const changes = database.feed.gather(topics, gatherNodes, signal);
  const seen = new Map<string, number>();
  const isNews = ({ node, deleted }: StreamedNode): boolean => deleted || node.revision > (seen.get(node.uuid) ?? 0);
  try {
    for await (const page of presentNodes(only, orders.store)) {
      for (const node of page) {
        signal.throwIfAborted();
        seen.set(node.uuid, node.revision);
        yield { node, deleted: false };
      }
    }
    // What was deleted between its naming and the first look is told, too.
    for (const node of only ?? []) if (!seen.has(node.uuid)) yield { node, deleted: true };
    for await (const gathered of changes) {
      for (const change of gathered.values()) {
        if (!isNews(change)) continue;
        if (change.deleted) seen.delete(change.node.uuid);
        else seen.set(change.node.uuid, change.node.revision);
        yield change;
      }
    }
  } finally {
    await changes.return(undefined);
  }
}

/**
 * The changes of nodes that may be seen. A node that goes out of the view was deleted, as far as the viewer is told.
 * @param sees undefined if every node may be seen
 */
export async function* inView(
  changes: AsyncIterable<StreamedNode>,
  sees: ((node: NodeRow) => boolean) | undefined,
): AsyncGenerator<StreamedNode> {
  if (sees === undefined) return yield* changes;
  const seen = new Map<string, NodeRow>();
  for await (const change of changes) {
    const { node, deleted } = change;
    const isSeen = sees(node);
    if (isSeen && !deleted) seen.set(node.uuid, node);
    const before = seen.get(node.uuid);
    if (!isSeen || deleted) seen.delete(node.uuid);
    if (isSeen) yield change;
    else if (before) yield { node: before, deleted: true };
  }
}

/** The last change of each node. */
function gatherNodes(waiting: Map<string, StreamedNode> | undefined, change: Change): Map<string, StreamedNode> {
  const gathered = waiting ?? new Map<string, StreamedNode>();
  if (change.kind === 'node') gathered.set(change.node.uuid, { node: change.node, deleted: change.deleted });
  return gathered;
}

/** The nodes as they now are, a page at a time. */
async function* presentNodes(only: readonly NodeRow[] | null, { database }: Store): AsyncGenerator<readonly NodeRow[]> {
  if (only !== null) {
    for (let from = 0; from < only.length; from += PAGE) {
      const uuids = only.slice(from, from + PAGE).map(({ uuid }) => uuid);
      const nodes = await findNodesByUuid(uuids, database.read);
      yield [...nodes.values()];
    }
    return;
  }
  for (let after = ''; ; ) {
    const page = await listNodes({ zone: '', driver: '', labels: {} }, after, PAGE, database.read);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.name;
  }
}
