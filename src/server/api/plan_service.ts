/** ActionPlanService: plans made, run, watched and taken back. */

import type { CallContext } from 'nice-grpc';
import { asCountermandError, failAt } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import type { ActionPlanState } from '../../core/states.ts';
import {
  type ActionPlanServiceImplementation,
  ActionPlanState as ActionPlanStates,
  type ApproveActionPlanRequest,
  type CancelActionPlanRequest,
  type CreateActionPlanRequest,
  FailurePolicy,
  type NewAction,
  type OrderCancelRequest,
  type OrderRollbackRequest,
  type RejectActionPlanRequest,
  type RollbackActionPlanRequest,
  type StartActionPlanRequest,
} from '../../gen/countermand/v1/action_plan.ts';
import { nameOf } from '../agents/wire.ts';
import type { Conductor } from '../conductor.ts';
import { checkName } from '../plans/check.ts';
import { createActionPlan, previewPlan, previewStart } from '../plans/create.ts';
import { offersFor } from '../plans/offers.ts';
import { partsAlso } from '../plans/parts.ts';
import { wasCancelled } from '../plans/possible.ts';
import { previewRollback } from '../plans/rollback_order.ts';
import { takesDownOfPlan } from '../plans/takes_down.ts';
import { waitsFor } from '../plans/waiting.ts';
import type { WantedAction, WantedPlan } from '../plans/wanted.ts';
import { watchPlan } from '../plans/watch.ts';
import { getActions, listActions, noAction } from '../store/actions.ts';
import type { Also } from '../store/also.ts';
import { getAudit } from '../store/audits.ts';
import { isNewestMark } from '../store/newest.ts';
import { resolveNodes } from '../store/nodes.ts';
import { type ActionPlanRow, FAILURE_POLICIES } from '../store/plan_rows.ts';
import { findPlanByRequestId, getPlan, listPlans } from '../store/plans.ts';
import { underCall } from './calls.ts';
import { inWanted, withFields } from './fields.ts';
import { fullPage, nextToken, pageMark, pageSize, pageToken } from './pages.ts';
import {
  expectedOf,
  LISTED_ACTIONS,
  statedIn,
  toAction,
  toActionPlan,
  toActionPlans,
  toEffect,
  toTakesDown,
  toUndo,
} from './plan_wire.ts';
import { toPossible } from './possible.ts';
import { seenEffect } from './seen_effect.ts';
import type { Recorded } from './trail.ts';
import { veiled } from './veil.ts';
import type { View, Viewed } from './view.ts';

type Called = Viewed & Recorded;

/** The service over a conductor. */
export function createPlanService(conductor: Conductor): ActionPlanServiceImplementation<Called> {
  const { orders, plans, planLimits, shutdown } = conductor;
  const { store } = orders;
  const { read } = store.database;
  const watch = (uuid: string, context: CallContext) =>
    underCall(context, shutdown, async function* (signal) {
      for await (const { plan, actions } of watchPlan(uuid, store, signal))
        yield {
          actionPlan: toActionPlan(plan, await offersFor(plan, conductor, read), await waitsFor(plan, conductor, read)),
          actions: actions.map(toAction),
        };
    });
  return {
    ...pagesOf(conductor),
    ...previewsOf(conductor),
    ...decisionsOf(conductor),

    async createActionPlan(request, { view, record }) {
      const wanted = toWanted(request, conductor);
      await refuseHidden(request, view, conductor);
      if (request.start) return createAndStart(wanted, request, conductor, { view, record });
      if (request.queue || request.expectTakenDown !== undefined)
        throw failAt('ARGUMENT_INVALID', 'start', 'start: queue and expect_taken_down go with it');
      const parts = partsAlso(conductor, record, (plan) => ({ plan: plan as ActionPlanRow }));
      const plan = await createActionPlan(wanted, parts, view.permit(['plan.create']));
      const [actionPlan] = await toActionPlans([plan], conductor);
      return { actionPlan, takesDown: toTakesDown(await takesDownOfPlan(plan, read), planLimits) };
    },

    startActionPlan: (request, { record }) => start(request, conductor, record),

    async *cancelActionPlan(request, context) {
      const { uuid } = await cancel(request, conductor, context.record);
      yield* watch(uuid, context);
    },

    async orderCancel(request, context) {
      const [actionPlan] = await toActionPlans([await cancel(request, conductor, context.record)], conductor);
      return { actionPlan };
    },

    async *rollbackActionPlan(request, context) {
      const { uuid } = await rollBack(request, conductor, context.record);
      yield* watch(uuid, context);
    },

    async orderRollback(request, context) {
      const [actionPlan] = await toActionPlans([await rollBack(request, conductor, context.record)], conductor);
      return { actionPlan };
    },

    async *watchActionPlan({ actionPlan }, context) {
      const { uuid } = await getPlan(actionPlan, read);
      yield* watch(uuid, context);
    },

    async deleteActionPlan({ actionPlan, revision }, { record }) {
      await plans.delete(actionPlan, revision, record);
      return {};
    },
  };
}

async function start(request: StartActionPlanRequest, conductor: Conductor, record: Also) {
  const { plans, planLimits, orders } = conductor;
  const { read } = orders.store.database;
  const { actionPlan, queue, force, revision } = request;
  const expected = statedIn(request, planLimits);
  // Told as it is before the start: a moment later the first nodes are down.
  const takesDown = await takesDownOfPlan(await getPlan(actionPlan, read), read, queue);
  const [started] = await toActionPlans(
    [await plans.start(actionPlan, queue, force, expected, revision, record)],
    conductor,
  );
  return { actionPlan: started, takesDown: toTakesDown(takesDown, planLimits) };
}

function cancel(
  request: CancelActionPlanRequest | OrderCancelRequest,
  { plans }: Conductor,
  record: Also,
): Promise<ActionPlanRow> {
  const { actionPlan, reason, rollback } = request;
  const expected = expectedOf(request);
  if (expected !== null && !rollback)
    throw failAt(
      'ARGUMENT_INVALID',
      'expect_taken_down',
      'expect_taken_down: it goes with rollback; a cancel alone takes no node down',
    );
  return plans.cancel(actionPlan, reason.slice(0, 1000), rollback, expected, record);
}

function rollBack(
  request: RollbackActionPlanRequest | OrderRollbackRequest,
  { plans, orders }: Conductor,
  record: Also,
): Promise<ActionPlanRow> {
  const { actionPlan: plan, skipIrreversible, acceptDrift } = request;
  const requestId = request.requestId === '' ? orders.store.chance.uuid() : request.requestId;
  checkName(requestId, 'request_id', 'ARGUMENT_INVALID');
  return plans.rollback({ plan, requestId, skipIrreversible, acceptDrift, expected: expectedOf(request) }, record);
}

/** A plan that a request_id has made, and that the caller may not see, is joined by no other caller. @throws REQUEST_ID_TAKEN */
async function refuseHidden({ requestId }: CreateActionPlanRequest, view: View, { orders }: Conductor): Promise<void> {
  if (view.isWhole || requestId === '') return;
  const earlier = await findPlanByRequestId(requestId, orders.store.database.read);
  if (earlier && (await view.plans([earlier])).length === 0)
    throw failAt(
      'REQUEST_ID_TAKEN',
      'request_id',
      `request_id '${requestId}' was used for another plan; choose another`,
    );
}

/** Makes a plan and starts it, or neither. */
async function createAndStart(
  wanted: WantedPlan,
  request: CreateActionPlanRequest,
  conductor: Conductor,
  { view, record }: Viewed & Recorded,
) {
  const permit = view.permit(['plan.create', 'plan.start'], wanted.onFailure === 'ROLLBACK');
  const expected = statedIn(request, conductor.planLimits);
  const started = await conductor.plans.createAndStart(wanted, request.queue, expected, permit, record);
  const [actionPlan] = await toActionPlans([started], conductor);
  return { actionPlan };
}

/** What a second person says. */
function decisionsOf(
  conductor: Conductor,
): Pick<ActionPlanServiceImplementation<Called>, 'approveActionPlan' | 'rejectActionPlan'> {
  const { plans } = conductor;
  const decisionIn = ({ reason, revision }: ApproveActionPlanRequest | RejectActionPlanRequest) => ({
    reason: reason.slice(0, SENT_LIMITS.text.limit),
    revision: revision ?? null,
  });
  return {
    async approveActionPlan(request, { record }) {
      const decision = { ...decisionIn(request), queue: request.queue };
      const [actionPlan] = await toActionPlans([await plans.approve(request.actionPlan, decision, record)], conductor);
      return { actionPlan };
    },

    async rejectActionPlan(request, { record }) {
      const [actionPlan] = await toActionPlans(
        [await plans.reject(request.actionPlan, decisionIn(request), record)],
        conductor,
      );
      return { actionPlan };
    },
  };
}

/** What an order would do. Nothing is written. */
function previewsOf(
  conductor: Conductor,
): Pick<ActionPlanServiceImplementation<Called>, 'previewActionPlan' | 'previewRollback'> {
  const { planLimits } = conductor;
  return {
    async previewActionPlan({ actionPlan, wanted, queue }, { view, record: { actor } }) {
      if (wanted && actionPlan !== '')
        throw failAt('ARGUMENT_INVALID', 'wanted', 'wanted: name an action_plan, or describe a wanted one, not both');
      const { plan, takesDown, effect, refused, approvalWhy } = wanted
        ? await withFields(inWanted, async () => {
            await refuseHidden(wanted, view, conductor);
            return previewPlan(toWanted(wanted, conductor), queue, conductor, view.permit(null), actor);
          })
        : await previewStart(await getPlan(actionPlan, conductor.orders.store.database.read), queue, conductor, actor);
      const [previewed] = await toActionPlans(plan ? [plan] : [], conductor);
      return {
        actionPlan: previewed,
        takesDown: toTakesDown(takesDown, planLimits),
        effect: toEffect(await seenEffect(effect, view)),
        refused: refused?.message ?? '',
        approvalWhy: approvalWhy ?? '',
      };
    },

    async previewRollback({ actionPlan }, { view }) {
      const preview = await previewRollback(actionPlan, conductor);
      const { plan, undoings, takesDown, effect } = preview;
      const refused = preview.refused && asCountermandError(await veiled(preview.refused, view));
      const [previewed] = await toActionPlans([plan], conductor);
      return {
        actionPlan: previewed,
        undos: undoings.map(toUndo),
        refused: refused?.message ?? '',
        possibleOrders: refused?.details.possible?.map(toPossible) ?? [],
        takesDown: toTakesDown(takesDown, planLimits),
        effect: toEffect(await seenEffect(effect, view)),
        cancelIsOver: wasCancelled(plan, false),
        cancelWithRollbackIsOver: wasCancelled(plan, true),
      };
    },
  };
}

/** What is answered a page at a time. */
function pagesOf(
  conductor: Conductor,
): Pick<ActionPlanServiceImplementation<Viewed>, 'getActionPlan' | 'getAction' | 'listActionPlans'> {
  const { read } = conductor.orders.store.database;
  return {
    async getActionPlan(request) {
      const limit = pageSize(request.pageSize);
      const plan = await getPlan(request.actionPlan, read);
      const list = ['actions', plan.uuid];
      const after = pageMark(list, request.pageToken, isPosition) ?? -1;
      const actions = await listActions(plan.uuid, after, limit, read);
      const last = actions.at(-1);
      const [actionPlan] = await toActionPlans([plan], conductor);
      return {
        actionPlan,
        actions: actions.map(toAction),
        nextPageToken: last && last.position < plan.size - 1 ? pageToken(list, last.position) : '',
      };
    },

    async getAction({ action: uuid }) {
      if (uuid === '') throw failAt('ARGUMENT_INVALID', 'action', 'no action is named; give its uuid');
      const [action] = await getActions([uuid], read);
      if (!action) throw noAction(uuid);
      return { action: toAction(action) };
    },

    async listActionPlans(request, { view }) {
      const limit = pageSize(request.pageSize);
      const states = request.states.map(toState);
      const { audit, oldestFirst, nodes } = request;
      const startedSince = request.startedSince?.getTime() ?? null;
      const list = ['action_plans', states, audit, oldestFirst, nodes, startedSince];
      const after = pageMark(list, request.pageToken, isNewestMark);
      const auditUuid = audit === '' ? null : (await getAudit(audit, read)).uuid;
      const nodeUuids = nodes.length === 0 ? null : await nodesOfList(nodes, conductor);
      const rows = await fullPage(
        { limit, after },
        (mark, atOnce) => listPlans({ states, auditUuid, nodeUuids, startedSince, oldestFirst }, mark, atOnce, read),
        (plan) => plan,
        view.isWhole ? undefined : (plans) => view.plans(plans),
      );
      return {
        actionPlans: await toActionPlans(rows, conductor, LISTED_ACTIONS),
        nextPageToken: nextToken(list, rows, limit),
      };
    },
  };
}

/** A list can be about this many nodes: they are values of one statement. */
const NODES_OF_LIST = 900;

async function nodesOfList(named: readonly string[], { orders }: Conductor): Promise<string[]> {
  const nodes = await resolveNodes(named, orders.store.database.read);
  if (nodes.length > NODES_OF_LIST)
    throw failAt(
      'ARGUMENT_INVALID',
      'nodes',
      `nodes: ${nodes.length} nodes; a list of plans is about at most ${NODES_OF_LIST}`,
    );
  return nodes.map(({ uuid }) => uuid);
}

const isPosition = (mark: unknown): mark is number => Number.isSafeInteger(mark);

function toState(value: ActionPlanStates): ActionPlanState {
  const state = nameOf(ActionPlanStates, value);
  if (state === null)
    throw failAt('ARGUMENT_INVALID', 'states', `states: ${value} is unknown; they are those of ActionPlanState`);
  return state;
}

function toWanted(request: CreateActionPlanRequest, { orders }: Conductor): WantedPlan {
  const onFailure = request.onFailure === FailurePolicy.UNSPECIFIED ? 'STOP' : nameOf(FailurePolicy, request.onFailure);
  if (onFailure === null)
    throw failAt(
      'ACTION_PLAN_INVALID',
      'on_failure',
      `on_failure: it is unknown; it is one of ${FAILURE_POLICIES.join(', ')}`,
    );
  return {
    name: request.name,
    ...(request.reason !== '' && { reason: request.reason.slice(0, SENT_LIMITS.text.limit) }),
    ...(request.uuid !== '' && { uuid: request.uuid }),
    requestId: request.requestId === '' ? orders.store.chance.uuid() : request.requestId,
    maxParallel: request.maxParallel,
    canary: request.canary,
    onFailure,
    ...(request.scope.length > 0 && { scope: request.scope }),
    actions: request.actions.map(toWantedAction),
  };
}

function toWantedAction({ name, actionType, inputParameters, parents, timeout }: NewAction): WantedAction {
  const timeoutMs = timeout === undefined ? null : timeout * 1000;
  return { name, actionType, inputParameters: inputParameters ?? {}, parents, timeoutMs };
}
