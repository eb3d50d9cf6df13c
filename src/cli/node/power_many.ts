/** One power order for many nodes: a plan of one action per node. Aborts need no plan: they are given side by side. */
import { asCountermandError, type CountermandError, ERROR_TABLE, fail, failWith } from '../../core/errors.ts';
import { isAbort, TARGET_TABLE, type Target } from '../../core/power.ts';
import { type CreateActionPlanRequest, FailurePolicy, type TakesDown } from '../../gen/countermand/v1/action_plan.ts';
import { PowerTask } from '../../gen/countermand/v1/power.ts';
import { confirmNew, makePlan, QUEUED, startMade } from '../plan/orders.ts';
import { type Call, present } from '../shared/asking.ts';
import { orderWords, takesDownWords, type Yes } from '../shared/confirming.ts';
import { provesUnsent } from '../shared/connection.ts';
import { stoppedWatching } from '../shared/following.ts';
import { oneLine } from '../shared/harmless.ts';
import { changeLine, endLine, hasEnded, taskFailure } from '../shared/task_lines.ts';
import { targetValue } from '../shared/words.ts';

/** What happens when one node fails, in words of the command line. */
const ON_FAILURE = {
  stop: FailurePolicy.STOP,
  continue: FailurePolicy.CONTINUE,
  rollback: FailurePolicy.ROLLBACK,
} as const;

/** An order for many nodes. */
export interface ManyOrder {
  readonly nodes: readonly string[];
  /** The nodes as they were named, for people. */
  readonly range: string;
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

/** Gives the order and watches what comes of it, until all is at rest. @throws what it came to, if not to what was asked */
export async function orderMany(order: ManyOrder, call: Call): Promise<void> {
  const { nodes, range, target } = order;
  if (isAbort(target)) return abortMany(order, call);
  const wanted = planOf(order, order.requestId ?? call.chance.uuid());
  const asked = { target, forced: order.onTimeout === 'force', range };
  const words = (down: TakesDown | undefined): string =>
    `${orderWords(`${nodes.length} nodes, ${range}`, asked, call)}; ${takesDownWords(down)}${order.queue ? QUEUED : ''}`;
  const expectTakenDown = TARGET_TABLE[target].takesDown ? await confirmNew(wanted, order, words, call) : undefined;
  const { plan } = await makePlan(wanted, call);
  await startMade(plan, { ...order, expectTakenDown }, call);
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
    // The reason of each power task names the plan, so it is told there.
    name: `${TARGET_TABLE[target].word} ${range}${reason && `: ${reason}`}`.slice(0, NAME_LIMIT),
    actions,
    scope: [],
    maxParallel: order.maxParallel ?? 0,
    canary: order.canary ?? 0,
    onFailure: ON_FAILURE[order.onFailure ?? 'stop'],
    requestId,
  };
}

/** So many aborts are on their way at once if nothing else was said. */
const ABORTS_AT_ONCE = 100;
/** So many nodes are named in an error. */
const NAMED = 20;

async function abortMany(order: ManyOrder, call: Call): Promise<void> {
  const missed: Missed[] = [];
  const left = order.nodes.values();
  const give = async (): Promise<void> => {
    for (const node of left) {
      const error = await abortOne(node, order, call).catch(asCountermandError);
      if (error === null) continue;
      if (ENDS_ALL.includes(error.code)) throw error;
      call.output.say(oneLine(`${node}: ${error.message}`));
      missed.push({ node, error });
    }
  };
  const lanes = Math.min(order.maxParallel ?? ABORTS_AT_ONCE, order.nodes.length);
  try {
    await Promise.all(Array.from({ length: lanes }, give));
  } catch (thrown) {
    const error = asCountermandError(thrown);
    throw provesUnsent(error) ? error : stoppedWatching(error, 'the aborts that were given go on', [], call);
  }
  if (missed[0]) throw missedError(missed, order.nodes.length);
}

/** A node where an abort came to nothing, and why. */
interface Missed {
  readonly node: string;
  readonly error: CountermandError;
}

/** After these no other node needs to be asked. */
const ENDS_ALL: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'CALL_ENDED', 'OUTPUT_LOST'];

/** Aborts at one node, to the end. Resolves with what went wrong, or null. */
async function abortOne(node: string, order: ManyOrder, { conductor, output, chance }: Call) {
  const requestId = order.requestId === undefined ? chance.uuid() : `${order.requestId} ${node}`;
  const { target, reason } = order;
  const stream = conductor.power.setPowerState({ node, target: targetValue(target), requestId, reason });
  for await (const answer of stream) {
    const task = present(answer.task, 'a power task');
    if (output.json) output.message(PowerTask, task, changeLine);
    if (hasEnded(task)) {
      output.say(endLine(task, output.time));
      return taskFailure(task);
    }
    if (!order.wait) return null;
  }
  throw fail('CONDUCTOR_UNREACHABLE', 'the conductor ended the stream');
}

/** One error for all of them, with the code that says most: that of the highest exit code. */
function missedError(missed: readonly Missed[], of: number): CountermandError {
  const exitCode = ({ error }: Missed): number => ERROR_TABLE[error.code].exitCode;
  const worst = missed.reduce((one, other) => (exitCode(other) > exitCode(one) ? other : one));
  const more = missed.length - NAMED;
  const names = missed.slice(0, NAMED).map(({ node }) => node);
  const named = names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const sentence = `${missed.length} of ${of} nodes could not be aborted: ${named}; ${worst.node}: ${worst.error.message}`;
  return failWith(worst.error.code, sentence, worst.error.details);
}
