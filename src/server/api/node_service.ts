/** NodeService: enrolling nodes, looking at them, explaining them. */
import type { CallContext } from 'nice-grpc';
import { failAt } from '../../core/errors.ts';
import type {
  ListModelChangesRequest,
  ListNodesRequest,
  ModelChange,
  Node,
  NodeServiceImplementation,
} from '../../gen/countermand/v1/node.ts';
import type { Asked } from '../access/identity.ts';
import type { Conductor } from '../conductor.ts';
import { changeNode, checkChange, checkEnrolment, deleteNode, enrolNode, validateInfo } from '../nodes/enrolment.ts';
import { acceptNode } from '../power/acceptance.ts';
import { frozenWords } from '../power/freezes.ts';
import { type Also, storeAlso, type Touched } from '../store/also.ts';
import { listModelChanges, type ModelChangeRow, modelRevision } from '../store/cluster_model.ts';
import { findSecretKeys } from '../store/drivers.ts';
import { getNode, listNodes, resolveNodes } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import { inCall, underCall } from './calls.ts';
import { explainNode } from './explain.ts';
import { inUpdate, withFields } from './fields.ts';
import { freezesOf } from './freezes.ts';
import { allowNew, updatePermit } from './node_rights.ts';
import { inView, watchNodes } from './node_streams.ts';
import { fullPage, pageMark, pageSize, pageToken } from './pages.ts';
import { Refreshes } from './refreshes.ts';
import { ableNow, supportedBy } from './supported.ts';
import type { Recorded } from './trail.ts';
import type { View, Viewed } from './view.ts';
import { date, toActor, toNode, toPowerState } from './wire.ts';

const isRevision = (mark: unknown): mark is number => Number.isSafeInteger(mark);
const isName = (mark: unknown): mark is string => typeof mark === 'string';

/** The service over a conductor. */
export function createNodeService(conductor: Conductor): NodeServiceImplementation<Asked & Viewed & Recorded> {
  const { store, freezes } = conductor.orders;
  const { read } = store.database;
  const answer = answeringFor(conductor);
  const during = <T>(context: CallContext, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    inCall(context, conductor.shutdown, work);
  return {
    async createNode(request, context) {
      allowNew(request, context.view);
      if (request.validateOnly)
        return { bmc: (await during(context, (signal) => checkEnrolment(request, conductor, signal))).bmcKey };
      const parts = noting(conductor, context.record, (after: NodeRow) => ({ after }));
      const node = await during(context, (signal) => enrolNode(request, parts, signal));
      return { node: await answer(node), bmc: node.bmcKey };
    },

    async getNode({ node }) {
      return { node: await answer(await getNode(node, read)) };
    },

    listNodes: (request, context) =>
      during(context, (signal) => pageOfNodes(request, answer, conductor, context.view, signal)),

    async updateNode(request, context) {
      const permit = updatePermit(request, context.view, freezes);
      const parts = { ...noting(conductor, context.record, (change: Touched | null) => change), permit };
      const write = async (signal: AbortSignal) => changedNow(await changeNode(request, parts, signal));
      const check = (signal: AbortSignal) => checkChange(request, parts, signal);
      const change = request.validateOnly ? check : write;
      const { node, bmcKey } = await withFields(inUpdate, () => during(context, change));
      return { node: await answer(node), bmc: bmcKey };
    },

    async acceptNode(request, context) {
      const { store: accepting } = noting(conductor, context.record, (after: NodeRow) => ({ after }));
      const parts = { ...conductor.readings, store: accepting };
      return { node: await answer(await during(context, (signal) => acceptNode(request, parts, signal))) };
    },

    async deleteNode({ node, revision = null }, { record }) {
      const before = await getNode(node, read);
      const parts = noting(conductor, record, (gone: boolean) => (gone ? { before } : null));
      await deleteNode(before.uuid, parts, revision, (present) => freezes.refuseLeaving(present, null));
      return {};
    },

    async validateNode({ node }, context) {
      const row = await getNode(node, read);
      return during(context, (signal) => validateInfo(row, conductor, signal));
    },

    async getSupportedPowerStates({ node }, context) {
      const row = await getNode(node, read);
      return during(context, (signal) => supportedBy(row, conductor, signal));
    },

    async explainNode({ node }, context) {
      const asked = await getNode(node, read);
      const able = await during(context, (signal) => ableNow(asked, conductor, signal));
      const row = await getNode(asked.uuid, read);
      return { node: await answer(row), ...(await explainNode(row, conductor, able, context.view)) };
    },

    ...streamsOf(conductor, answer),
    ...freezesOf(conductor),

    listModelChanges: (request, { view }) => pageOfChanges(request, conductor, view),
  };
}

/** A node that was changed, as a check would answer it. */
const changedNow = (node: NodeRow): Awaited<ReturnType<typeof checkChange>> => ({ node, bmcKey: node.bmcKey });

/** Makes a node an answer. */
const answeringFor =
  ({ store, orders: { freezes } }: Conductor) =>
  async (node: NodeRow): Promise<Node> => ({
    ...toNode(node, await findSecretKeys(node.driver, store.database.read)),
    frozen: frozenWords(freezes.of(node)),
  });

/** The conductor with a store whose writes are noted; those that change nothing are not. */
function noting<T>(conductor: Conductor, record: Also, touched: (result: T) => Touched | null): Conductor {
  const store = storeAlso(conductor.store, record, (result) => (result ? touched(result as T) : null));
  return { ...conductor, store };
}

/** The RPCs that answer about node after node. */
function streamsOf(
  conductor: Conductor,
  answer: (node: NodeRow) => Promise<Node>,
): Pick<NodeServiceImplementation<Viewed>, 'refreshNodes' | 'watchNodes'> {
  const { read } = conductor.orders.store.database;
  const refreshes = new Refreshes(conductor.readings);
  return {
    async *refreshNodes({ nodes }, context) {
      yield* underCall(context, conductor.shutdown, async function* (signal) {
        const admitted = refreshes.enter(context.view.who, signal);
        try {
          const rows = await resolveNodes(nodes, read, { signal });
          for await (const { node, reading, reason, errorCode } of admitted.read(rows))
            yield {
              node: await answer(node),
              observed: toPowerState(reading?.powerState ?? null),
              reason,
              errorCode: errorCode ?? '',
            };
        } finally {
          admitted.leave();
        }
      });
    },

    async *watchNodes({ nodes }, context) {
      yield* underCall(context, conductor.shutdown, async function* (signal) {
        const only = nodes.length === 0 ? null : await resolveNodes(nodes, read, { signal });
        const changes = inView(watchNodes(only, conductor, signal), context.view.filter);
        for await (const { node, deleted } of changes) yield { node: await answer(node), deleted };
      });
    },
  };
}

async function pageOfNodes(
  { pageSize: size, pageToken: token, after, ...filter }: ListNodesRequest,
  answer: (node: NodeRow) => Promise<Node>,
  { orders }: Conductor,
  view: View,
  signal: AbortSignal,
) {
  const { read } = orders.store.database;
  const limit = pageSize(size);
  const { zone, driver, labels, withProblem, maintenance, descending } = filter;
  const list = ['nodes', zone, driver, labels, withProblem, maintenance ?? null, descending];
  const mark = pageMark(list, token, isName) ?? (after === '' ? '' : (await view.node(after)).name);
  // One more than is answered tells whether there is another page.
  const found = await listNodes({ ...filter, sees: view.filter }, mark, limit + 1, read, signal);
  const nodes = found.slice(0, limit);
  const nextPageToken = found.length > limit ? pageToken(list, nodes.at(-1)?.name) : '';
  return { nodes: await Promise.all(nodes.map(answer)), nextPageToken };
}

async function pageOfChanges(request: ListModelChangesRequest, { orders }: Conductor, view: View) {
  const { read } = orders.store.database;
  const limit = pageSize(request.pageSize);
  const list = ['model_changes', String(request.fromRevision)];
  const before = pageMark(list, request.pageToken, isRevision);
  const from = toRevision(request.fromRevision);
  const changes = await fullPage(
    { limit, after: before },
    (mark, atOnce) => listModelChanges(from, mark, atOnce, read),
    ({ revision }) => revision,
    view.filter && ((rows) => view.ofNodes(rows)),
  );
  const nextPageToken = changes.length === limit ? pageToken(list, changes.at(-1)?.revision) : '';
  return { changes: changes.map(toModelChange), nextPageToken, revision: BigInt(await modelRevision(read)) };
}

function toRevision(from: bigint): number {
  if (from >= 0n) return Number(from);
  throw failAt('ARGUMENT_INVALID', 'from_revision', `from_revision is ${from}; it is 0 or more`);
}

function toModelChange({
  revision,
  planUuid,
  changedBy,
  changedFor,
  changedAt,
  ...change
}: ModelChangeRow): ModelChange {
  const by = { changedBy: toActor(changedBy, changedFor), changedAt: date(changedAt) };
  return { ...change, ...by, revision: BigInt(revision), actionPlanUuid: planUuid ?? '' };
}
