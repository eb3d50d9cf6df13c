/** What tests do with action plans: make, start, watch and cancel them. */
import type { ExecutionContext } from 'ava';
import type { ActionPlanState, ActionState } from '../../src/core/states.ts';
import { isPlanAtRest } from '../../src/core/states.ts';
import {
  type ActionPlan,
  actionPlanStateToJSON,
  actionStateToJSON,
  type Action as ProtoAction,
  ActionPlanState as ProtoPlanState,
  type WatchActionPlanResponse,
} from '../../src/gen/countermand/v1/action_plan.ts';
import { allEvents, type Client, type Event } from './client.ts';
import { Watch } from './watching.ts';

/** An action, as a test writes it. */
export interface Wanted {
  readonly name: string;
  readonly actionType: string;
  readonly inputParameters: Readonly<Record<string, unknown>>;
  readonly parents?: readonly string[];
  readonly timeout?: number;
}

/** A change of the power state of a node, called by the node. */
export function power(node: string, state: string, ...parents: string[]): Wanted {
  return { name: node, actionType: 'change_node_power_state', inputParameters: { resource_id: node, state }, parents };
}

/** An action in plain words. */
export interface Action {
  readonly uuid: string;
  readonly name: string;
  readonly state: ActionState;
  readonly statusMessage: string;
  readonly errorCode: string;
  readonly beforeImage: Readonly<Record<string, unknown>> | undefined;
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

/** A plan in plain words, as a message of a stream has it. */
export interface Plan {
  readonly uuid: string;
  readonly name: string;
  readonly state: ActionPlanState;
  readonly statusMessage: string;
  readonly errorCode: string;
  /** The actions that the message carries. */
  readonly actions: readonly Action[];
}

function plainAction(action: ProtoAction): Action {
  const { uuid, name, statusMessage, errorCode, beforeImage, result } = action;
  const state = actionStateToJSON(action.state).replace('ACTION_STATE_', '') as ActionState;
  return { uuid, name, state, statusMessage, errorCode, beforeImage, result };
}

function plainPlan(plan: ActionPlan | undefined, actions: readonly ProtoAction[] = []): Plan {
  if (!plan) throw new Error('an answer without an action plan');
  const { uuid, name, statusMessage, errorCode } = plan;
  const state = actionPlanStateToJSON(plan.state).replace('ACTION_PLAN_STATE_', '') as ActionPlanState;
  return { uuid, name, state, statusMessage, errorCode, actions: actions.map(plainAction) };
}

async function* plainPlans(stream: AsyncIterable<WatchActionPlanResponse>): AsyncGenerator<Plan> {
  for await (const { actionPlan, actions } of stream) yield plainPlan(actionPlan, actions);
}

/** Makes a plan. */
export async function createPlan(
  { plans }: Client,
  name: string,
  actions: readonly Wanted[],
  more: { readonly maxParallel?: number } = {},
): Promise<Plan> {
  const request = { name, requestId: name, actions: actions.map(toNew), ...more };
  return plainPlan((await plans.createActionPlan(request)).actionPlan);
}

function toNew({ inputParameters, parents = [], ...action }: Wanted) {
  return { ...action, inputParameters: { ...inputParameters }, parents: [...parents] };
}

/** Makes a plan and starts it. */
export async function startPlan(...wanted: Parameters<typeof createPlan>): Promise<Plan> {
  const { uuid } = await createPlan(...wanted);
  const { plans } = wanted[0];
  const { takesDown } = await plans.previewActionPlan({ actionPlan: uuid });
  return plainPlan((await plans.startActionPlan({ actionPlan: uuid, expectTakenDown: takesDown?.count })).actionPlan);
}

/** Watches a plan from its present state on. */
export function watchPlan({ plans }: Client, actionPlan: string): Watch<Plan> {
  return new Watch(plainPlans(plans.watchActionPlan({ actionPlan })));
}

/** Cancels a plan and watches it. */
export function cancelPlan({ plans }: Client, actionPlan: string, reason = ''): Watch<Plan> {
  return new Watch(plainPlans(plans.cancelActionPlan({ actionPlan, reason })));
}

/** Rolls a plan back, and watches the plan that undoes it. */
export function rollBack({ plans }: Client, actionPlan: string): Watch<Plan> {
  return new Watch(plainPlans(plans.rollbackActionPlan({ actionPlan })));
}

/** Resolves with the plan when it is in this state. */
export function untilPlanIn(watch: Watch<Plan>, state: ActionPlanState): Promise<Plan> {
  return watch.until(`the plan to be ${state}`, (plan) => plan.state === state);
}

/** Resolves with the plan when it is at rest. */
export function untilPlanEnds(watch: Watch<Plan>): Promise<Plan> {
  return watch.until('the plan to be at rest', ({ state }) => isPlanAtRest(state));
}

/** Resolves with an action of a watched plan when it is in this state. */
export async function untilActionIn(watch: Watch<Plan>, name: string, state: ActionState): Promise<Action> {
  const fits = (action: Action): boolean => action.name === name && action.state === state;
  const plan = await watch.until(`action ${name} to be ${state}`, ({ actions }) => actions.some(fits));
  return plan.actions.find(fits) as Action;
}

/** The actions of a plan as they are now, by name. */
export async function actionsNow({ plans }: Client, actionPlan: string): Promise<Readonly<Record<string, Action>>> {
  const { actions } = await plans.getActionPlan({ actionPlan, pageSize: 1000 });
  return Object.fromEntries(actions.map(plainAction).map((action) => [action.name, action]));
}

/** The states of the actions of a plan now, by name. */
export async function actionStates(client: Client, plan: string): Promise<Readonly<Record<string, ActionState>>> {
  const actions = await actionsNow(client, plan);
  return Object.fromEntries(Object.values(actions).map(({ name, state }) => [name, state]));
}

/** The types of the events about a thing, in order, without the thing. */
export function storyOf({ uuid }: Pick<Plan, 'uuid'>, events: readonly Event[]): string[] {
  const own = events.filter(({ type, data }) => /^action(_plan)?\./.test(type) && data.uuid === uuid);
  return own.map(({ type }) => type.replace(/^\w+\./, ''));
}

/** Every thing with a state as its events tell it, from its first to its last. */
function replay(t: ExecutionContext, events: readonly Event[]): Map<string, string> {
  const states = new Map<string, string>();
  for (const { sequence, type, data } of events) {
    if (!/^(action|action_plan|audit)\./.test(type)) continue;
    const update = data.state_update?.['watcher_object.data'];
    if (type.endsWith('.create')) {
      t.false(states.has(data.uuid), `${data.name} is created once`);
      states.set(data.uuid, data.state ?? '');
    }
    if (update === undefined) continue;
    t.is(update.old_state, states.get(data.uuid) ?? '', `${sequence} ${type} of ${data.name}`);
    states.set(data.uuid, update.state);
  }
  return states;
}

/**
 * Every plan is at rest, with its actions; its events, replayed, give the states that the rows have; each start has
 * exactly one end or error, and no action begins twice.
 */
export async function checkPlanTrail(t: ExecutionContext, client: Client): Promise<readonly Event[]> {
  const events = await allEvents(client);
  const states = replay(t, events);
  const { actionPlans } = await client.plans.listActionPlans({ pageSize: 1000 });
  for (const plan of actionPlans) {
    t.true(isPlanAtRest(plainPlan(plan).state) || plan.state === ProtoPlanState.RECOMMENDED, `${plan.name} is at rest`);
    const actions = Object.values(await actionsNow(client, plan.uuid));
    for (const thing of [plainPlan(plan), ...actions]) {
      t.is(states.get(thing.uuid), thing.state, `the replayed state of ${thing.name}`);
      checkStory(t, thing.name, storyOf(thing, events));
    }
  }
  return events;
}

function checkStory(t: ExecutionContext, name: string, story: readonly string[]): void {
  const count = (pattern: RegExp): number => story.filter((type) => pattern.test(type)).length;
  const cancels = count(/^cancel\.start/);
  t.true(count(/^execution\.start/) <= 1, `${name} begins once: ${story}`);
  t.true(cancels <= 1, `${name} is cancelled once: ${story}`);
  t.is(count(/^cancel\.(end|error)/), cancels, `each cancel has one end: ${story}`);
  if (cancels === 0 && count(/^execution\.start/) === 1) t.is(count(/^execution\.(end|error)/), 1, `${name}: ${story}`);
}
