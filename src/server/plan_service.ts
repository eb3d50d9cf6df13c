/** ActionPlanService: plans made, run, watched and taken back. */
import type { CallContext } from 'nice-grpc';
import { fail } from '../core/errors.ts';
import type { ActionPlanState } from '../core/states.ts';
import {
  type ActionPlanServiceImplementation,
  ActionPlanState as ActionPlanStates,
  type CreateActionPlanRequest,
  FailurePolicy,
  type NewAction,
} from '../gen/countermand/v1/action_plan.ts';
import { underCall } from './calls.ts';
import type { Conductor } from './conductor.ts';
import { pageMark, pageSize, pageToken } from './pages.ts';
import { createActionPlan, type WantedAction, type WantedPlan } from './plans/create.ts';
import { watchPlan } from './plans/watch.ts';
import { toAction, toActionPlan } from './plans/wire.ts';
import { countActions, getPlan, isPlanMark, listActions, listPlans } from './store/plans.ts';
import { nameOf } from './wire.ts';

/** The service over a conductor. */
export function createPlanService(conductor: Conductor): ActionPlanServiceImplementation {
  const { orders, plans, shutdown } = conductor;
  const { store } = orders;
  const { read } = store.database;
  const watch = (uuid: string, context: CallContext) =>
    underCall(context, shutdown, async function* (signal) {
      for await (const { plan, actions } of watchPlan(uuid, store, signal))
        yield { actionPlan: toActionPlan(plan), actions: actions.map(toAction) };
    });
  return {
    async createActionPlan(request) {
      const plan = await createActionPlan(toWanted(request, conductor), conductor);
      return { actionPlan: toActionPlan(plan, await countActions(plan.uuid, read)) };
    },

    async getActionPlan(request) {
      const limit = pageSize(request.pageSize);
      const plan = await getPlan(request.actionPlan, read);
      const list = ['actions', plan.uuid];
      const after = pageMark(list, request.pageToken, isPosition) ?? -1;
      const actions = await listActions(plan.uuid, after, limit, read);
      const last = actions.at(-1);
      return {
        actionPlan: toActionPlan(plan, await countActions(plan.uuid, read)),
        actions: actions.map(toAction),
        nextPageToken: last && last.position < plan.size - 1 ? pageToken(list, last.position) : '',
      };
    },

    async listActionPlans(request) {
      const limit = pageSize(request.pageSize);
      const states = request.states.map(toState);
      const list = ['action_plans', ...states];
      const after = pageMark(list, request.pageToken, isPlanMark);
      const rows = await listPlans(states, after, limit, read);
      const last = rows.at(-1);
      const counts = await Promise.all(rows.map(({ uuid }) => countActions(uuid, read)));
      return {
        actionPlans: rows.map((plan, at) => toActionPlan(plan, counts[at])),
        nextPageToken:
          last && rows.length === limit ? pageToken(list, { createdAt: last.createdAt, uuid: last.uuid }) : '',
      };
    },

    async startActionPlan({ actionPlan, queue }) {
      return { actionPlan: toActionPlan(await plans.start(actionPlan, queue)) };
    },

    async *cancelActionPlan({ actionPlan, reason }, context) {
      const { uuid } = await plans.cancel(actionPlan, reason.slice(0, 1000));
      yield* watch(uuid, context);
    },

    async *watchActionPlan({ actionPlan }, context) {
      const { uuid } = await getPlan(actionPlan, read);
      yield* watch(uuid, context);
    },

    async deleteActionPlan({ actionPlan }) {
      await plans.delete(actionPlan);
      return {};
    },
  };
}

const isPosition = (mark: unknown): mark is number => Number.isSafeInteger(mark);

function toState(value: ActionPlanStates): ActionPlanState {
  const state = nameOf(ActionPlanStates, value);
  if (state === null) throw fail('ARGUMENT_INVALID', `states: ${value} is unknown; they are those of ActionPlanState`);
  return state;
}

function toWanted(request: CreateActionPlanRequest, { orders }: Conductor): WantedPlan {
  const { UNSPECIFIED, STOP, CONTINUE } = FailurePolicy;
  if (![UNSPECIFIED, STOP, CONTINUE].some((known) => known === request.onFailure))
    throw fail('ACTION_PLAN_INVALID', 'on_failure: it is unknown; it is STOP or CONTINUE');
  return {
    name: request.name,
    requestId: request.requestId === '' ? orders.store.chance.uuid() : request.requestId,
    maxParallel: request.maxParallel,
    canary: request.canary,
    onFailure: request.onFailure === CONTINUE ? 'CONTINUE' : 'STOP',
    actions: request.actions.map(toWantedAction),
  };
}

function toWantedAction({ name, actionType, inputParameters, parents, timeout }: NewAction): WantedAction {
  const timeoutMs = timeout === undefined ? null : timeout * 1000;
  return { name, actionType, inputParameters: inputParameters ?? {}, parents, timeoutMs };
}
