/** Aborts at many nodes, given side by side: each is an order of its own, and none waits for another. */
import { asCountermandError, type CountermandError, fail, failWith } from '../../core/errors.ts';
import { type AbortTarget, abortTargetOf } from '../../core/power.ts';
import { PowerTask, PowerTaskState } from '../../gen/countermand/v1/power.ts';
import { type Call, present } from '../shared/asking.ts';
import { provesUnsent } from '../shared/connection.ts';
import { stoppedWatching } from '../shared/following.ts';
import { oneLine } from '../shared/harmless.ts';
import { endsAll, inParallel, type Missed, rankOfEnding, worstOf } from '../shared/many.ts';
import { ordersOf } from '../shared/possible.ts';
import { shortId } from '../shared/short_ids.ts';
import { acceptedLine, changeLine, endLine, hasEnded, taskFailure } from '../shared/task_lines.ts';
import { targetOf, targetValue } from '../shared/words.ts';

/** What is aborted, and how. */
interface AbortOrder {
  readonly nodes: readonly string[];
  /** Which abort; null for whatever can be aborted at each node. */
  readonly target: AbortTarget | null;
  readonly reason: string;
  /** Absent: each abort has a request id of its own. */
  readonly requestId: string | undefined;
  readonly maxParallel: number | undefined;
  /** False to end as soon as every abort is accepted. */
  readonly wait: boolean;
}

/** The number of aborts under way at once, unless the order says otherwise. */
const ABORTS_AT_ONCE = 100;

/** Why an abort at a node did not do what was asked: an error, or no order is under way there. */
type AbortAnswer = CountermandError | 'no order' | null;

/**
 * Aborts at each node and waits for the outcomes, each of which is told on a line of its own.
 * @throws the error of the most serious outcome, naming the nodes that were not aborted. A node at which no order is under way
 *   counts only if that is so at all of them; an order that cannot be aborted always counts. On the end of the call or the loss of
 *   the conductor: that error; aborts that were given go on
 */
export async function abortNodes(order: AbortOrder, call: Call): Promise<void> {
  const missed: Missed[] = [];
  const idle: Missed[] = [];
  const { nodes, target, maxParallel = ABORTS_AT_ONCE } = order;
  const give = async (node: string): Promise<void> => {
    const outcome = await abortOne(node, order, call).catch(asCountermandError);
    if (outcome === null) return;
    const error = outcome === 'no order' ? noOrder(node) : outcome;
    if (endsAll(error)) throw error;
    // Where there is only one node, its error is what the command ends with.
    if (nodes.length > 1 && (error.code !== 'NOTHING_TO_ABORT' || target === null))
      call.output.say(oneLine(error.message));
    (outcome === 'no order' ? idle : missed).push({ what: node, error });
  };
  try {
    await inParallel(nodes, maxParallel, give);
  } catch (thrown) {
    const error = asCountermandError(thrown);
    throw provesUnsent(error) ? error : stoppedWatching(error, 'the aborts that were given go on', [], call);
  }
  const counted = idle.length === nodes.length ? idle : missed;
  if (counted.length > 0) throw abortError(counted, nodes.length);
}

const noOrder = (node: string): CountermandError =>
  fail('NOTHING_TO_ABORT', `${node}: no order is under way; nothing happened`);

/** Aborts at one node, to the end. */
async function abortOne(node: string, order: AbortOrder, call: Call): Promise<AbortAnswer> {
  const { target, requestId } = order;
  const id = requestId === undefined ? call.chance.uuid() : `${requestId} ${node}`;
  if (target === null) return abortAny(node, id, order, call);
  const error = await giveAbort({ node, target, abortsTaskUuid: '', requestId: id }, order, call);
  if (error?.code !== 'NOTHING_TO_ABORT') return error;
  return (await findAbortable(node, call)) === null ? 'no order' : error;
}

interface OneAbort {
  readonly node: string;
  readonly target: AbortTarget;
  readonly abortsTaskUuid: string;
  readonly requestId: string;
}

async function giveAbort(one: OneAbort, { reason, wait }: AbortOrder, { conductor, output }: Call) {
  const stream = conductor.power.setPowerState({ ...one, target: targetValue(one.target), reason });
  for await (const answer of stream) {
    const task = present(answer.task, 'a power task');
    if (output.json) output.message(PowerTask, task, changeLine);
    if (hasEnded(task)) {
      output.say(endLine(task, output.time));
      return taskFailure(task);
    }
    if (!wait) {
      output.say(acceptedLine(task));
      return null;
    }
  }
  throw fail('CONDUCTOR_UNREACHABLE', 'the conductor ended the stream');
}

/** How often a node is looked at again because its order had moved on between the look and the abort. */
const LOOKS = 5;

/**
 * Aborts what holds a node, or recalls what was given up there. What is seen is out of date at once: an order that was sent
 * meanwhile is not withdrawn but aborted, so what finds nothing looks again. Nothing here waits for the hardware.
 */
async function abortAny(node: string, requestId: string, order: AbortOrder, call: Call): Promise<AbortAnswer> {
  let last: CountermandError | null = null;
  for (let look = 0; look < LOOKS; look += 1) {
    const task = await findAbortable(node, call);
    if (task === null) return last ?? 'no order';
    if (look === 0) tellPlan(task, call);
    const way = wayToAbort(task);
    if (way === null) return last ?? whyNot(node, task);
    const id = look === 0 ? requestId : `${requestId} ${look}`;
    const error = await ('uuid' in way
      ? withdraw(way.uuid, order, call)
      : giveAbort({ ...way, node, requestId: id }, order, call));
    if (error === null || !MOVED_ON.includes(error.code)) return error;
    last = error;
  }
  return last;
}

/** The power task that holds a node, or the last order that was given up and may still take effect; else null. */
async function findAbortable(name: string, { conductor }: Call): Promise<PowerTask | null> {
  const node = present((await conductor.nodes.getNode({ node: name })).node, 'a node');
  if (node.heldBy !== '')
    return present((await conductor.power.getPowerTask({ task: node.heldBy })).task, 'a power task');
  if (node.mayStillChangeUntil === undefined) return null;
  const { tasks } = await conductor.power.listPowerTasks({ node: node.uuid, pageSize: LAST_TASKS });
  return tasks.find(({ mayStillChangeUntil }) => mayStillChangeUntil !== undefined) ?? null;
}

/** Among this many tasks of a node is the order that was given up last. */
const LAST_TASKS = 20;

/** How a task can be ended: by withdrawing it, or by an abort; null if it cannot. */
function wayToAbort(task: PowerTask): { uuid: string } | Pick<OneAbort, 'target' | 'abortsTaskUuid'> | null {
  const target = targetOf(task.target);
  const abort = target === null ? null : abortTargetOf(target);
  if (hasEnded(task)) return abort && { target: abort, abortsTaskUuid: task.uuid };
  const way = ordersOf(task.possibleOrders).find(({ stopWaiting }) => !stopWaiting);
  if (way?.verb === 'WITHDRAW_POWER_TASK') return { uuid: task.uuid };
  return way === undefined ? null : abort && { target: abort, abortsTaskUuid: task.uuid };
}

/** Errors that mean that the order was in another state than at the look. */
const MOVED_ON: readonly string[] = ['NOTHING_TO_ABORT', 'NOT_WITHDRAWABLE'];

/** Takes back an order that was not sent. */
async function withdraw(task: string, { reason }: AbortOrder, { conductor, output }: Call) {
  try {
    const withdrawn = await conductor.power.withdrawPowerTask({ task, reason, stopWaiting: false });
    output.message(PowerTask, present(withdrawn.task, 'a power task'), (ended) => endLine(ended, output.time));
    return null;
  } catch (thrown) {
    return asCountermandError(thrown);
  }
}

/** An abort ends one order; the plan that gave it goes on with its others. */
function tellPlan({ planUuid, nodeName }: PowerTask, { output, command }: Call): void {
  if (planUuid === '') return;
  const plan = shortId(planUuid);
  output.say(`${nodeName}: ordered by plan ${plan}, which goes on; to stop it: ${command} plan cancel ${plan}`);
}

function whyNot(node: string, task: PowerTask): CountermandError {
  const possible = ordersOf(task.possibleOrders);
  const about = { resource: { type: 'node', name: node }, possible } as const;
  const why = task.state === PowerTaskState.ABORTING ? 'it is already being aborted' : 'it cannot be aborted once sent';
  return failWith('NOTHING_TO_ABORT', `${changeLine(task)}; ${why}`, about);
}

/** One error for all of them, with the code of the most serious. */
function abortError(missed: readonly Missed[], of: number): CountermandError {
  if (of === 1 && missed[0]) return missed[0].error;
  return worstOf(
    missed,
    (names, { error }) => `${missed.length} of ${of} nodes were not aborted: ${names}; ${error.message}`,
    rankOfEnding,
  );
}
