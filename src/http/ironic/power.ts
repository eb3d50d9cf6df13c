/** Power: what a node can be ordered, the orders, and what takes them back. */
import * as z from 'zod';
import { fail, isErrorCode } from '../../core/errors.ts';
import { abortTargetOf, isAbort, TARGETS, type Target } from '../../core/power.ts';
import type { ExplainNodeResponse } from '../../gen/countermand/v1/node.ts';
import {
  OnTimeout,
  type OrderPowerStateRequest,
  type PowerTask,
  PowerTaskState,
} from '../../gen/countermand/v1/power.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type Answer, ok } from '../answer.ts';
import { ERROR_CODE_HEADER, Refusal } from '../errors.ts';
import { type Ask, type Route, route } from '../route.ts';
import { nodeIn, nodeNamed } from './ask_nodes.ts';
import { powerStateWord, States, targetValue, targetWord, textOrNull, timeText } from './node_view.ts';

/** Names the power task that an order became. */
const TASK_HEADER = 'Countermand-Power-Task';

const TARGET_WORDS = TARGETS.join(', ');

const PowerOrder = z.strictObject({
  target: z
    .string({
      error: ({ input }) => (input === undefined ? `it is missing; it is one of ${TARGET_WORDS}` : 'it is a text'),
    })
    .transform((text, context): Target => {
      const target = TARGETS.find((each) => each === text);
      if (target) return target;
      context.addIssue(`'${text.slice(0, 100)}' is not a target; it is one of ${TARGET_WORDS}`);
      return z.NEVER;
    }),
  timeout: z.int({ error: 'it is a whole number of seconds' }).min(1, 'it is 1 or more').nullish(),
  on_timeout: z.enum(['FAIL', 'FORCE'], { error: 'it is FAIL or FORCE' }).optional(),
  reason: z.string({ error: 'it is a text' }).optional(),
  request_id: z.string({ error: 'it is a text' }).optional(),
  aborts_task_uuid: z.string({ error: 'it is the uuid of a power task' }).optional(),
});

type WantedOrder = Partial<OrderPowerStateRequest> & Pick<OrderPowerStateRequest, 'node' | 'target'>;

/**
 * Gives an order without waiting for the hardware: what is answered is durable.
 * @param requestId the client's own id; empty: equal orders of the same caller are one
 */
async function order(wanted: WantedOrder, requestId: string, { power }: Clients): Promise<PowerTask> {
  const { task } = await power.orderPowerState({ ...wanted, requestId, joinEqual: requestId === '' });
  if (task === undefined) throw new Error('an order was answered without a power task');
  return task;
}

async function orderPower({
  params,
  body,
  base,
  requestId,
  conductor,
}: Ask<unknown, z.infer<typeof PowerOrder>>): Promise<Answer> {
  const node = params.node ?? '';
  const wanted = {
    node,
    target: targetValue(body.target),
    timeout: body.timeout ?? undefined,
    onTimeout: body.on_timeout === 'FORCE' ? OnTimeout.FORCE : OnTimeout.UNSPECIFIED,
    reason: body.reason ?? '',
    abortsTaskUuid: body.aborts_task_uuid ?? '',
  };
  const task = await order(wanted, body.request_id ?? requestId, conductor);
  const Location = `${base}/v1/nodes/${encodeURIComponent(node)}/states`;
  return { status: 202, headers: { Location, [TASK_HEADER]: task.uuid } };
}

/** Nothing is known yet of what became of an order in these states. */
const UNDER_WAY: readonly PowerTaskState[] = [PowerTaskState.QUEUED, PowerTaskState.SENDING];

/** Answers when the BMC has taken the NMI, or has not. The order goes on if the client has gone. */
async function injectNmi({ params, requestId, conductor }: Ask): Promise<Answer> {
  const node = params.node ?? '';
  const wanted = { node, target: targetValue('inject nmi'), requestId, joinEqual: requestId === '' };
  for await (const { task } of conductor.power.setPowerState(wanted)) {
    if (!task || UNDER_WAY.includes(task.state)) continue;
    const headers = { [TASK_HEADER]: task.uuid };
    if (task.state !== PowerTaskState.FAILED && task.state !== PowerTaskState.ABORTED) return { status: 204, headers };
    throw notInjected(task, headers);
  }
  throw new Error('an NMI was left under way');
}

/** It may have been sent, so it is never one of the statuses that clients repeat. */
function notInjected({ errorCode, errorMessage }: PowerTask, headers: Readonly<Record<string, string>>): Refusal {
  const code: Record<string, string> = isErrorCode(errorCode) ? { [ERROR_CODE_HEADER]: errorCode } : {};
  return new Refusal(errorCode === 'NMI_NEEDS_POWER' ? 400 : 500, errorMessage, { ...headers, ...code });
}

/** Takes back what holds a node, or what was given up and may still take effect. */
async function abortHolder(ident: string, requestId: string, conductor: Clients): Promise<PowerTask> {
  const explained = await conductor.nodes.explainNode({ node: ident });
  const { uuid, name } = nodeIn(explained);
  const abort = abortNow(explained);
  const { holder } = explained;
  if (abort !== null)
    return order({ node: uuid, target: targetValue(abort), abortsTaskUuid: holder?.uuid ?? '' }, requestId, conductor);
  if (!holder) throw fail('NOT_WITHDRAWABLE', `nothing is under way on node ${name} that could be aborted`);
  const { task } = await conductor.power.withdrawPowerTask({ task: holder.uuid });
  return task as PowerTask;
}

/** The abort that has something to abort on a node now; null if there is none. */
function abortNow({ holder, possible }: ExplainNodeResponse): Target | null {
  const aborts = possible
    .map(({ target }) => targetWord(target))
    .filter((target) => target !== null && isAbort(target));
  const held = holder ? targetWord(holder.target) : null;
  const wanted = held === null ? null : abortTargetOf(held);
  return aborts.find((target) => wanted === null || target === wanted) ?? null;
}

const Provision = z.looseObject({
  target: z.string({
    error: ({ input }) => (input === undefined ? 'it is missing; abort is the only one here' : 'it is a text'),
  }),
});

/** The routes of power. */
export const POWER_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/nodes/{node}/states',
    chapter: 'ironic',
    says: 'answers what a node is, what it is on its way to, and what the hardware says that it can be ordered now',
    calls: 'NodeService.GetNode, GetSupportedPowerStates',
    differs:
      '`supported_power_states` is what the specification asks for, from the hardware itself, with the time and the reason.',
    status: 200,
    answer: States,
    async handle({ params, conductor }) {
      const node = await nodeNamed(params.node ?? '', conductor);
      const supported = await conductor.nodes.getSupportedPowerStates({ node: node.uuid });
      return ok({
        power_state: powerStateWord(node.powerState),
        target_power_state: targetWord(node.targetPowerState),
        last_error: textOrNull(node.lastError),
        provision_state: null,
        target_provision_state: null,
        provision_updated_at: null,
        console_enabled: false,
        supported_power_states: supported.supportedPowerStates
          .map(({ target }) => targetWord(target))
          .filter((target) => target !== null),
        supported_power_states_probed_at: timeText(supported.probedAt),
        supported_power_states_reason: textOrNull(supported.reason),
        held_by: textOrNull(node.heldBy),
        may_still_change_until: timeText(node.mayStillChangeUntil),
      } satisfies z.infer<typeof States>);
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/nodes/{node}/states/power',
    chapter: 'ironic',
    says: 'gives an order, or aborts one; answers when it is durable, and names its power task in `Countermand-Power-Task`',
    command: 'baremetal node power on, power off, reboot',
    calls: 'PowerService.OrderPowerState',
    differs:
      'All nine targets. `on_timeout`, `reason`, `request_id` and `aborts_task_uuid` may be given. An order that equals the last one of the same caller is that order, while it is not at rest and for `repetition_window`, 15 s by default: the clients repeat a request whose connection broke. With a `request_id` (also as `Idempotency-Key` or `X-OpenStack-Request-ID`) the same id is the same order for ever. A held node is 409 with the way out; aborts go through. `rebooting` is a reset, and powers on a node that is off. An abort with nothing to abort is 202 and does nothing.',
    status: 202,
    body: PowerOrder,
    handle: orderPower,
  }),
  route({
    method: 'PUT',
    path: '/v1/nodes/{node}/management/inject_nmi',
    chapter: 'ironic',
    says: 'injects an NMI; answers when the BMC has taken it',
    command: 'baremetal node inject nmi',
    calls: 'PowerService.SetPowerState',
    differs: 'A node that is off is 400. A failure is 500, which no client repeats: the NMI may have been injected.',
    status: 204,
    body: z.strictObject({}).optional(),
    handle: injectNmi,
  }),
  route({
    method: 'PUT',
    path: '/v1/nodes/{node}/states/provision',
    chapter: 'ironic',
    says: 'with target `abort`, aborts the order that holds the node, or withdraws it if nothing was sent yet',
    command: 'baremetal node abort',
    calls: 'NodeService.ExplainNode, PowerService.OrderPowerState, WithdrawPowerTask',
    differs:
      'A node here can only be busy with a power order, so that is what is aborted. Every other target is 400: countermand does not provision.',
    status: 202,
    body: Provision,
    async handle({ params, body, requestId, conductor }) {
      const node = params.node ?? '';
      if (body.target !== 'abort') {
        const { name } = await nodeNamed(node, conductor);
        const target = body.target.slice(0, 100);
        throw new Refusal(400, `countermand does not provision: "${target}" cannot be done on node ${name}`);
      }
      const { uuid } = await abortHolder(node, requestId, conductor);
      return { status: 202, headers: { [TASK_HEADER]: uuid } };
    },
  }),
];
