/** Streams over many nodes: reading them now, and watching them change. */
import { openChannel } from '../core/channel.ts';
import type { Conductor } from './conductor.ts';
import { type ReadResult, readNode } from './readings.ts';
import { listNodes } from './store/nodes.ts';
import type { NodeRow } from './store/rows.ts';

/** So many nodes of one refresh are read at the same time: what they answer together is recorded together. */
const REFRESH_WORKERS = 512;
/** So many nodes are taken from the database at a time. */
const PAGE = 500;

/** A node as it is, or as it last was. */
export interface NodeChange {
  readonly node: NodeRow;
  readonly deleted: boolean;
}

/** Reads nodes side by side and gives each result as it comes. An abort ends it with its reason. */
export async function* refreshNodes(
  nodes: readonly NodeRow[],
  { readings }: Conductor,
  signal: AbortSignal,
): AsyncGenerator<ReadResult> {
  const results = openChannel<ReadResult>(signal);
  const waiting = nodes.values();
  const work = async (): Promise<void> => {
    for (const node of waiting) results.push(await readNode(node, readings, signal));
  };
  const workers = Array.from({ length: REFRESH_WORKERS }, work);
  Promise.all(workers).then(
    () => results.end(),
    (error: unknown) => results.end(error),
  );
  yield* results;
}

/** The nodes as they are, then each change; with `only`, of these nodes. An abort ends it with its reason. */
export async function* watchNodes(
  only: ReadonlySet<string> | null,
  { orders }: Conductor,
  signal: AbortSignal,
): AsyncGenerator<NodeChange> {
  const { feed, read } = orders.store.database;
  const changes = feed.watch('node', signal);
  const seen = new Map<string, number>();
  try {
    for (let after = ''; ; ) {
      const page = await listNodes({ zone: '', driver: '', labels: {} }, after, PAGE, read);
      for (const node of page.filter(({ uuid }) => only?.has(uuid) ?? true)) {
        seen.set(node.uuid, node.revision);
        yield { node, deleted: false };
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last.name;
    }
    for await (const change of changes) {
      if (change.kind !== 'node' || !(only?.has(change.node.uuid) ?? true)) continue;
      if (!change.deleted && change.node.revision <= (seen.get(change.node.uuid) ?? 0)) continue;
      seen.set(change.node.uuid, change.node.revision);
      yield { node: change.node, deleted: change.deleted };
    }
  } finally {
    await changes.return(undefined);
  }
}
