/** PowerService: orders, aborts and what became of them. */

import type { CallContext } from 'nice-grpc';
import { failAt, failWith } from '../../core/errors.ts';
import { isAbort, type Target } from '../../core/power.ts';
import type { PowerTaskState } from '../../core/states.ts';
import {
  OnTimeout,
  type OrderPowerStateRequest,
  type PowerServiceImplementation,
  type PowerTarget,
  PowerTaskState as PowerTaskStates,
  type SetPowerStateRequest,
} from '../../gen/countermand/v1/power.ts';
import type { Asked } from '../access/identity.ts';
import { fromTarget, nameOf } from '../agents/wire.ts';
import type { Conductor } from '../conductor.ts';
import { giveOrder, type Order, withdrawOrder } from '../power/orders.ts';
import { watchPowerTask } from '../power/watch.ts';
import { isNewestMark } from '../store/newest.ts';
import { getNode } from '../store/nodes.ts';
import { getPowerTask, listPowerTasks } from '../store/power_tasks.ts';
import type { Store } from '../store/store.ts';
import { answerTask, answerTasks } from './answers.ts';
import { underCall } from './calls.ts';
import { fullPage, nextToken, pageMark, pageSize } from './pages.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';

type Called = Asked & Viewed & Recorded;

/** The service over a conductor. */
export function createPowerService(conductor: Conductor): PowerServiceImplementation<Called> {
  const { orders, shutdown } = conductor;
  const { store } = orders;
  const watch = (uuid: string, context: CallContext) =>
    underCall(context, shutdown, async function* (signal) {
      for await (const task of watchPowerTask(uuid, store, signal)) yield { task: await answerTask(task, store) };
    });
  return {
    async *setPowerState(request, context) {
      const order = toOrder(request, context, store);
      await refuseAlone(order, conductor);
      const { uuid } = await giveOrder(order, orders);
      yield* watch(uuid, context);
    },

    async orderPowerState(request, context) {
      const order = toOrder(request, context, store);
      await refuseAlone(order, conductor);
      return { task: await answerTask(await giveOrder(order, orders), store) };
    },

    async getPowerTask({ task }) {
      return { task: await answerTask(await getPowerTask(task, store.database.read), store) };
    },

    async listPowerTasks(request, { view }) {
      const limit = pageSize(request.pageSize);
      const { unsettled, oldestFirst } = request;
      const states = request.states.map(toState);
      const targets = request.targets.map((target) => toTargetOf('targets', target));
      const list = ['power_tasks', request.node, unsettled, states, targets, oldestFirst];
      const after = pageMark(list, request.pageToken, isNewestMark);
      const node = request.node === '' ? null : await getNode(request.node, store.database.read);
      const filter = { ...(node ? { nodeUuid: node.uuid } : {}), unsettled, states, targets, oldestFirst };
      const tasks = await fullPage(
        { limit, after },
        (mark, atOnce) => listPowerTasks(filter, mark, atOnce, store.database.read),
        (task) => task,
        view.filter && ((rows) => view.ofNodes(rows)),
      );
      return {
        tasks: await answerTasks(tasks, store),
        nextPageToken: nextToken(list, tasks, limit),
      };
    },

    async *watchPowerTask({ task }, context) {
      const { uuid } = await getPowerTask(task, store.database.read);
      yield* watch(uuid, context);
    },

    async withdrawPowerTask({ task, reason, stopWaiting }, { record }) {
      return { task: await answerTask(await withdrawOrder(task, reason, orders, stopWaiting, record), store) };
    },
  };
}

/**
 * An order of its own does not get round the rule by which a plan with this one action would wait. An abort takes back, and needs no
 * one.
 * @throws APPROVAL_NEEDED, NODE_NOT_FOUND; then nothing was written
 */
async function refuseAlone({ node: key, target, also }: Order, { approvals, orders }: Conductor): Promise<void> {
  if (!approvals.isAny || isAbort(target)) return;
  const node = await getNode(key, orders.store.database.read);
  const why = approvals.why(also?.actor ?? null, [node]);
  if (why === null) return;
  throw failWith(
    'APPROVAL_NEEDED',
    `node ${node.name}: ${target} needs a second person: ${why}; make a plan of it, which waits for one; aborts need none`,
    { resource: { type: 'node', name: node.name } },
  );
}

/** @throws ARGUMENT_INVALID naming the field */
function toTargetOf(field: string, value: PowerTarget): Target {
  const target = fromTarget(value);
  if (target !== null) return target;
  throw failAt('ARGUMENT_INVALID', field, `${field} is missing or unknown; it is one of the nine of PowerTarget`);
}

function toState(value: PowerTaskStates): PowerTaskState {
  const state = nameOf(PowerTaskStates, value);
  if (state !== null) return state;
  throw failAt('ARGUMENT_INVALID', 'states', `states: ${value} is unknown; they are those of PowerTaskState`);
}

function toOrder(
  request: SetPowerStateRequest | OrderPowerStateRequest,
  { identity, record }: Asked & Recorded,
  store: Store,
): Order {
  const target = toTargetOf('target', request.target);
  const { UNSPECIFIED, FAIL, FORCE } = OnTimeout;
  if (![UNSPECIFIED, FAIL, FORCE].some((known) => known === request.onTimeout))
    throw failAt('ARGUMENT_INVALID', 'on_timeout', 'on_timeout is unknown; it is FAIL or FORCE');
  if (request.joinEqual && request.requestId !== '')
    throw failAt(
      'ARGUMENT_INVALID',
      'join_equal',
      'join_equal is for an order without request_id; give one of the two',
    );
  return {
    orderedBy: identity.name,
    orderedFor: identity.onBehalfOf ?? null,
    also: record,
    joinEqual: request.joinEqual,
    node: request.node,
    target,
    timeoutMs: request.timeout === undefined ? null : request.timeout * 1000,
    onTimeout: request.onTimeout === FORCE ? 'FORCE' : 'FAIL',
    requestId: request.requestId === '' ? store.chance.uuid() : request.requestId,
    reason: request.reason.slice(0, 1000),
    abortsTaskUuid: request.abortsTaskUuid === '' ? null : request.abortsTaskUuid,
  };
}
