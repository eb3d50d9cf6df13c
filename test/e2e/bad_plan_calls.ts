/**
 * Bad calls about action plans, and what each gets. They speak of a node `n1`, of plans `done` and `made`, of two plans
 * called `twin`, and of a `waits` that waits behind `runs`.
 */
import type { CreateActionPlanRequest, DeepPartial } from '../../src/gen/countermand/v1/action_plan.ts';
import type { BadCall } from './bad_calls.ts';
import type { Client } from './client.ts';

const INVALID = { status: 'INVALID_ARGUMENT', code: 'ACTION_PLAN_INVALID' } as const;
const ARGUMENT = { status: 'INVALID_ARGUMENT', code: 'ARGUMENT_INVALID' } as const;
const STATE = { status: 'FAILED_PRECONDITION', code: 'ACTION_PLAN_STATE' } as const;
const NOT_FOUND = { status: 'NOT_FOUND', code: 'ACTION_PLAN_NOT_FOUND' } as const;

type NewPlan = DeepPartial<CreateActionPlanRequest>;
type Actions = NonNullable<NewPlan['actions']>;

/** Makes a plan of one nop that would do, but for what is given. */
export const createPlan =
  (more: NewPlan) =>
  ({ plans }: Client): Promise<unknown> =>
    plans.createActionPlan({ name: 'new', actions: [nop('a')], ...more });
const nop = (name: string, ...parents: string[]) => ({ name, actionType: 'nop', parents });

const plan = (what: string, more: NewPlan, says: RegExp): BadCall => ({
  what,
  call: createPlan(more),
  ...INVALID,
  says,
});
const actions = (what: string, list: Actions, says: RegExp): BadCall => plan(what, { actions: list }, says);
const parameters = (
  what: string,
  actionType: string,
  inputParameters: Readonly<Record<string, unknown>>,
  says: RegExp,
): BadCall => actions(what, [nop('first'), { name: 'b', actionType, inputParameters }], says);
const power = (what: string, more: Readonly<Record<string, unknown>>, says: RegExp): BadCall =>
  parameters(what, 'change_node_power_state', { resource_id: 'n1', state: 'power off', ...more }, says);

/** A number of nops, each with the first as its parent a number of times. */
const nops = (count: number, parents = 0): Actions =>
  Array.from({ length: count }, (_, at) => nop(`a${at}`, ...(at === 0 ? [] : Array<string>(parents).fill('a0'))));

const PLANS: readonly BadCall[] = [
  plan('an empty plan', { actions: [] }, /^actions: the plan has none; give at least one/),
  plan('a plan without a name', { name: '' }, /^name: it has 1 to 255 characters/),
  plan('a plan with a long name', { name: 'x'.repeat(256) }, /^name: it has 1 to 255 characters/),
  plan('a plan with a line break in its name', { name: 'a\nb' }, /^name: it has a control character/),
  plan('a plan with a bell in its request_id', { requestId: 'a\x07b' }, /^request_id: it has a control character/),
  plan('a plan over the limit of actions', { actions: nops(50_001) }, /^actions: 50001 actions; at most 50000/),
  plan('a plan over the limit of parents', { actions: nops(501, 1001) }, /^actions: 500500 parents; at most 500000/),
  plan('a negative max_parallel', { maxParallel: -1 }, /^max_parallel: it is -1; it is a whole number from 0 to 10000/),
  plan('a huge max_parallel', { maxParallel: 10_001 }, /^max_parallel: it is 10001/),
  plan('a negative canary', { canary: -1 }, /^canary: it is -1/),
  plan('more canaries than actions', { canary: 2 }, /^canary: it is 2; it is a whole number from 0 to 1/),
  plan(
    'an unknown policy',
    { onFailure: 99 as never },
    /^on_failure: it is unknown; it is one of STOP, CONTINUE, ROLLBACK/,
  ),
  plan('a long request_id', { requestId: 'x'.repeat(256) }, /^request_id: it has 1 to 255 characters/),
  {
    what: 'a request_id of another plan',
    call: createPlan({ requestId: 'made' }),
    status: 'ALREADY_EXISTS',
    code: 'REQUEST_ID_TAKEN',
    says: /request_id 'made' was used for another plan, 'made'/,
  },
];

const GRAPHS: readonly BadCall[] = [
  actions('a cycle of one', [nop('a', 'a')], /cycle: 'a' needs 'a'/),
  actions('a cycle of two', [nop('x'), nop('a', 'x', 'b'), nop('b', 'a')], /cycle: 'a' needs 'b' needs 'a'/),
  actions(
    'an unknown parent',
    [nop('a'), nop('b', 'a', 'c')],
    /^actions\[1\] 'b', parents\[1\]: there is no action 'c'/,
  ),
  actions(
    'a name that stands twice',
    [nop('a'), nop('b'), nop('a')],
    /^actions\[2\].name: 'a' is the name of actions\[0\]/,
  ),
];

const ACTIONS: readonly BadCall[] = [
  actions('an action without a name', [nop('a'), nop('')], /^actions\[1\].name: it has 1 to 255 characters/),
  actions('an action that moves the cursor', [nop('a\u001b[2J')], /^actions\[0\].name: it has a control character/),
  actions('an action with a long name', [nop('x'.repeat(256))], /^actions\[0\].name: it has 1 to 255 characters/),
  actions(
    'a timeout of nothing',
    [{ ...nop('a'), timeout: 0 }],
    /^actions\[0\].timeout: it is 0; it is a whole number/,
  ),
  actions('a timeout of a year', [{ ...nop('a'), timeout: 31_536_000 }], /^actions\[0\].timeout: it is 31536000/),
  actions(
    'an unknown action type',
    [nop('a'), { name: 'b', actionType: 'teleport' }],
    /^actions\[1\] 'b'.action_type: there is no action type 'teleport'; there are nop, sleep, change_node_power_state/,
  ),
  actions('no action type', [{ name: 'a' }], /^actions\[0\] 'a'.action_type: there is no action type ''/),
  parameters(
    'a parameter that is missing',
    'sleep',
    {},
    /input_parameters.duration: is missing; it must be a number\. What/,
  ),
  parameters(
    'a parameter of another kind',
    'sleep',
    { duration: '5' },
    /^actions\[1\] 'b'.input_parameters.duration: must be a number\. What sleep takes: duration$/,
  ),
  parameters(
    'a parameter below its limit',
    'sleep',
    { duration: -1 },
    /input_parameters.duration: must be at least 0\./,
  ),
  parameters(
    'a parameter over its limit',
    'sleep',
    { duration: 86_401 },
    /input_parameters.duration: must be at most 86400/,
  ),
  parameters(
    'no parameter at all of this name',
    'nop',
    { mesage: 'x' },
    /there is no parameter 'mesage'.* takes: message/,
  ),
  parameters(
    'a maintenance that is neither',
    'set_node_maintenance',
    { resource_id: 'n1' },
    /parameters.maintenance: /,
  ),
  power(
    'no target at all',
    { state: 'standby' },
    /^actions\[1\] 'b'.input_parameters.state: must be one of power on, /,
  ),
  power('an abort as a target', { state: 'abort soft power off' }, /input_parameters.state: must be one of/),
  power('half a second', { timeout: 0.5 }, /^actions\[1\] 'b'.input_parameters.timeout: must be a whole number/),
  power(
    'force for what is hard',
    { on_timeout: 'FORCE' },
    /input_parameters.on_timeout: FORCE makes a soft order hard/,
  ),
  power('no node', { resource_id: '' }, /^actions\[1\] 'b'.input_parameters.resource_id: /),
  {
    ...power('an unknown node', { resource_id: 'n9' }, /^actions\[1\] 'b'.input_parameters.resource_id: .* node 'n9'/),
    status: 'NOT_FOUND',
    code: 'NODE_NOT_FOUND',
  },
];

const start =
  (actionPlan: string, queue = false) =>
  (client: Client) =>
    client.plans.startActionPlan({ actionPlan, queue });
const remove = (actionPlan: string) => (client: Client) => client.plans.deleteActionPlan({ actionPlan });
const cancel = (actionPlan: string) => (client: Client) => first(client.plans.cancelActionPlan({ actionPlan }));
const watch = (actionPlan: string) => (client: Client) => first(client.plans.watchActionPlan({ actionPlan }));

async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of stream) return answer;
  return null;
}

const ORDERS: readonly BadCall[] = [
  {
    what: 'a start of what has ended',
    call: start('done'),
    ...STATE,
    says: /is SUCCEEDED; it cannot be started; possible: /,
  },
  {
    what: 'a start of what runs',
    call: start('runs'),
    ...STATE,
    says: /is ONGOING; it cannot be started; possible: .*cancel it/,
  },
  { what: 'a start of what waits', call: start('waits', true), ...STATE, says: /is PENDING; it cannot be started/ },
  {
    what: 'a start beside what runs',
    call: start('made'),
    status: 'FAILED_PRECONDITION',
    code: 'ACTION_PLAN_OVERLAPS',
    says: /about nodes of plan 'runs' .* which is ONGOING; wait for its end, start this plan with queue/,
  },
  { what: 'a cancel of what has ended', call: cancel('done'), ...STATE, says: /is SUCCEEDED; it cannot be cancelled/ },
  {
    what: 'a delete of what runs',
    call: remove('runs'),
    ...STATE,
    says: /is ONGOING; it cannot be deleted; possible: .*cancel it/,
  },
  { what: 'a delete of what waits', call: remove('waits'), ...STATE, says: /is PENDING; it cannot be deleted/ },
  ...[start, remove, cancel, watch].flatMap((give): BadCall[] => [
    { what: 'an order for no plan', call: give('nosuch'), ...NOT_FOUND, says: /there is no action plan 'nosuch'/ },
    { what: 'an order that names none', call: give(''), ...ARGUMENT, says: /no action plan is named/ },
    {
      what: 'an order for one of two',
      call: give('twin'),
      ...ARGUMENT,
      says: /more than one action plan is called 'twin'/,
    },
  ]),
];

const TOKEN = { status: 'INVALID_ARGUMENT', code: 'PAGE_TOKEN_INVALID', says: /begin again without one/ } as const;

const LISTS: readonly BadCall[] = [
  {
    what: 'a state that is none',
    call: ({ plans }) => plans.listActionPlans({ states: [99 as never] }),
    ...ARGUMENT,
    says: /^states: 99 is unknown/,
  },
  {
    what: 'too large a page',
    call: ({ plans }) => plans.listActionPlans({ pageSize: 1001 }),
    ...ARGUMENT,
    says: /1001/,
  },
  { what: 'a forged token', call: ({ plans }) => plans.listActionPlans({ pageToken: 'x' }), ...TOKEN },
  {
    what: 'a token of another plan',
    call: async ({ plans }) => {
      const { nextPageToken } = await plans.getActionPlan({ actionPlan: 'done', pageSize: 1 });
      return plans.getActionPlan({ actionPlan: 'runs', pageSize: 1, pageToken: nextPageToken });
    },
    ...TOKEN,
  },
];

/** All of them. */
export const BAD_PLAN_CALLS: readonly BadCall[] = [...PLANS, ...GRAPHS, ...ACTIONS, ...ORDERS, ...LISTS];
