/** One power order for many nodes: a plan of one action per node. Aborts need no plan: they are given side by side. */
import { CountermandError, fail, failWith } from '../../core/errors.ts';
import { findTarget, isAbort, TARGET_TABLE, type Target } from '../../core/power.ts';
import { type CreateActionPlanRequest, FailurePolicy, type TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import { tellStart } from '../plan/dry_run.ts';
import { confirmNew, makeStarted, QUEUED } from '../plan/orders.ts';
import type { Call } from '../shared/asking.ts';
import { orderWords, type Yes } from '../shared/confirming.ts';
import { takesDownWords } from '../shared/effect_text.ts';
import { quoted } from '../shared/pasting.ts';
import { abortNodes } from './abort_many.ts';

/** What happens when one node fails, in words of the command line. */
const ON_FAILURE = {
  stop: FailurePolicy.STOP,
  continue: FailurePolicy.CONTINUE,
  rollback: FailurePolicy.ROLLBACK,
} as const;

/** An order for many nodes. */
export interface ManyOrder {
  readonly nodes: readonly string[];
  /** The nodes as they were selected, for people. */
  readonly range: string;
  /** The words that named them. */
  readonly typed: readonly string[];
  readonly target: Target;
  /** Seconds from the moment of sending; absent: as the target has it. */
  readonly timeout: number | undefined;
  readonly onTimeout: 'fail' | 'force' | undefined;
  readonly reason: string;
  readonly requestId: string | undefined;
  readonly maxParallel: number | undefined;
  readonly canary: number | undefined;
  readonly onFailure: keyof typeof ON_FAILURE | undefined;
  readonly queue: boolean;
  readonly wait: boolean;
  /** It has to be confirmed however few nodes it takes down. */
  readonly asks: boolean;
  readonly yes: Yes;
}

/** Which running nodes an order would take down now. */
export async function takesDownOf(order: ManyOrder, { conductor, chance }: Call): Promise<TakesDown | undefined> {
  return (await conductor.plans.previewActionPlan({ wanted: planOf(order, chance.uuid()) })).takesDown;
}

/** Tells what the order would do. @throws ARGUMENT_INVALID for an abort: where there is nothing to abort, it does nothing */
export async function tellOrder(order: ManyOrder, call: Call): Promise<void> {
  if (isAbort(order.target))
    throw fail(
      'ARGUMENT_INVALID',
      `--dry-run is about orders; ${order.target} ends one, and does nothing where there is none`,
    );
  const wanted = planOf(order, order.requestId ?? call.chance.uuid());
  await tellStart({ wanted, queue: order.queue }, call, order.nodes.length === 1 ? 'order' : 'start');
}

/** Gives the order and watches what comes of it, until all is at rest. @throws the outcome, if it is not what was asked for */
export async function orderMany(order: ManyOrder, call: Call): Promise<void> {
  const { nodes, range, typed, target } = order;
  if (isAbort(target)) return abortNodes({ ...order, target }, call);
  const wanted = planOf(order, order.requestId ?? call.chance.uuid());
  const asked = { target, forced: order.onTimeout === 'force', typed };
  const words = (down: TakesDown | undefined): string =>
    `${orderWords(`${nodes.length} nodes, ${range}`, asked, call)}; ${takesDownWords(down)}${order.queue ? QUEUED : ''}`;
  const expectTakenDown = TARGET_TABLE[target].takesDown ? await confirmNew(wanted, order, words, call) : undefined;
  await makeStarted({ ...wanted, start: true, queue: order.queue, expectTakenDown }, order.wait, call);
}

/**
 * The error of an order for many nodes, without its place in a plan that the person has not written. `soft off` is answered with `soft_off`.
 * @param typed the words that named the nodes
 */
export function withoutPlan(
  thrown: unknown,
  typed: readonly string[],
  { nodes, target }: Pick<ManyOrder, 'nodes' | 'target'>,
): unknown {
  if (!(thrown instanceof CountermandError)) return thrown;
  const { code, details } = thrown;
  // A preview has the plan as `wanted`.
  const { at, key } =
    /^(wanted\.)?actions\[(?<at>\d+)\]\.input_parameters\.(?<key>\w+)/.exec(details.field ?? '')?.groups ?? {};
  const node = nodes[Number(at)];
  if (details.rule === undefined || node === undefined) return thrown;
  const { word } = TARGET_TABLE[target];
  const two = typed.at(-1) === node ? (findTarget(`${node} ${word}`) ?? findTarget(`${node}_${word}`)) : null;
  const before = typed.slice(0, -1).map(quoted).join(' ');
  const meant = two === null ? '' : `; did you mean: countermand node power ${before} ${TARGET_TABLE[two].word}`;
  return failWith(code, `${key === 'resource_id' ? '' : `${node}: ${key}: `}${details.rule}${meant}`, details);
}

/** The longest name of a plan. */
const NAME_LIMIT = 255;
/** An action's own time for waiting until its node is free, beside the time that its order was given. */
const WAITING_S = 3600;
/** More is not taken. */
const LONGEST_S = 2_592_000;

/** The plan of an order. Each action has the name of its node. */
export function planOf(order: ManyOrder, requestId: string): CreateActionPlanRequest {
  const { nodes, range, target, timeout, onTimeout, reason } = order;
  const parameters = {
    state: target,
    ...(timeout === undefined ? {} : { timeout }),
    ...(onTimeout === undefined ? {} : { on_timeout: onTimeout.toUpperCase() }),
  };
  const actions = nodes.map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, ...parameters },
    parents: [],
    timeout: timeout === undefined ? undefined : Math.min(timeout + WAITING_S, LONGEST_S),
  }));
  return {
    name: `${TARGET_TABLE[target].word} ${range}`.slice(0, NAME_LIMIT),
    reason,
    uuid: '',
    actions,
    scope: [],
    maxParallel: order.maxParallel ?? 0,
    canary: order.canary ?? 0,
    onFailure: ON_FAILURE[order.onFailure ?? 'stop'],
    requestId,
    start: false,
    queue: false,
  };
}
