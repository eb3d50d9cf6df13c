import * as z from 'zod';
import { asCountermandError, type CountermandError, fail, failAt, failWith } from '../../../core/errors.ts';
import { pathOf } from '../../../core/fault_places.ts';
import { SENT_LIMITS } from '../../../core/limits.ts';
import { type Possible, possibleWords } from '../../../core/possible.ts';
import {
  abortTargetOf,
  findTarget,
  isAbort,
  type OnOff,
  type OrderTarget,
  phaseSettlesIn,
  TARGET_TABLE,
  TARGETS,
} from '../../../core/power.ts';
import { openCancellation, sleep } from '../../../core/signals.ts';
import { isAtRest } from '../../../core/states.ts';
import { cutText } from '../../../core/texts.ts';
import { cancelSpanOf, spanOfRow } from '../../../core/tracing.ts';
import { mayStillChange } from '../../nodes/windows.ts';
import { giveOrderOfAction, type OrderOfAction, timeoutLimitMs, withdrawOrder } from '../../power/orders.ts';
import { driverOfTask, possibleWith } from '../../power/possible.ts';
import { watchPowerTask } from '../../power/watch.ts';
import type { Transaction } from '../../store/database.ts';
import { findNode } from '../../store/nodes.ts';
import { findTaskOfAction, getPowerTask } from '../../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../../store/rows.ts';
import { type ActionContext, defineActionType, type End, type Result, refuseIfCancelled } from './action_type.ts';
import { nodeDeleted, refuseOtherServer } from './node_of_action.ts';

const ORDERS = TARGETS.filter((target): target is OrderTarget => !isAbort(target));

const schema = z.strictObject({
  resource_id: z.string().min(1).describe('The node, by name or uuid.'),
  state: z
    .string()
    .transform((word) => findTarget(word))
    .refine((target) => target !== null && !isAbort(target), `must be one of ${ORDERS.join(', ')}`)
    .transform((target) => target as OrderTarget)
    .describe(`The target: ${ORDERS.join(', ')}.`),
  timeout: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds from the moment of sending; absent: as the target has it.'),
  wait_while_it_may_change: z
    .boolean()
    .default(false)
    .describe('Wait first while an older order, which was given up, may still change the node.'),
  on_timeout: z.enum(['FAIL', 'FORCE']).default('FAIL').describe('What happens then: FORCE makes a soft order hard.'),
});
type Parameters = z.infer<typeof schema>;

/** A node that is held, or that no agent serves, is asked about again after this time if nothing is heard of it. */
const ASK_AGAIN_MS = 5000;

/**
 * The action type `change_node_power_state`: one power task, which names the action that ordered it. So an action that is
 * begun again finds its task, and the before-image stands in the task before anything is sent.
 */
export const changeNodePowerState = defineActionType<Parameters>({
  name: 'change_node_power_state',
  meaning: 'changes the power state of a node',
  whenCancelled:
    'an order that was not sent is withdrawn; a soft order or an NMI is aborted, on the hardware where the driver can; what cannot be aborted is waited for',
  schema,
  nodeOf: ({ resource_id: node }) => node,

  takesDown({ state, on_timeout: onTimeout }) {
    const { takesDown, soft } = TARGET_TABLE[state];
    if (!takesDown) return null;
    return soft && onTimeout === 'FAIL' ? 'soft' : 'hard';
  },

  orders: ({ state: target, timeout, on_timeout: onTimeout }) => ({
    target,
    timeoutMs: timeout === undefined ? null : timeout * 1000,
    forced: onTimeout === 'FORCE',
  }),

  check({ state, timeout, on_timeout: onTimeout }, { node, driver, limits }, place) {
    const at = (key: string): string => `${place}.input_parameters.${key}`;
    const invalid = (key: string, rule: string): CountermandError =>
      failAt('ACTION_PLAN_INVALID', pathOf(at(key)), `${at(key)}: ${rule}`, rule);
    const limitS = limits === null ? Number.POSITIVE_INFINITY : timeoutLimitMs(state, limits) / 1000;
    if (timeout !== undefined && timeout > limitS)
      throw invalid('timeout', `${timeout} seconds; a ${state} may name at most ${limitS}`);
    if (driver && !driver.targets.includes(state)) {
      const rule = `driver ${driver.name} of node ${node?.name} cannot do ${state}; it can do ${driver.targets.join(', ')}`;
      throw failWith('TARGET_NOT_SUPPORTED', `${at('state')}: ${rule}`, {
        field: pathOf(at('state')),
        rule,
        ...(node && { resource: { type: 'node', name: node.name } }),
      });
    }
    if (onTimeout === 'FORCE' && !TARGET_TABLE[state].soft)
      throw invalid('on_timeout', `FORCE makes a soft order hard; ${state} is not soft`);
  },

  async execute(parameters, context, signal) {
    const task = await orderWhenFree(parameters, context, signal);
    const ended = await untilAtRest(task, context, signal);
    if (ended.state === 'SUCCEEDED') return resultOf(ended);
    throw errorOf(ended);
  },

  undo({ state }, { action, node, driver, task }) {
    const sent = task !== null && task.nodeUuid === action.nodeUuid && task.sendingAt !== null;
    if (!sent) return { kind: 'nothing', why: 'nothing was sent' };
    if (node === null) return { kind: 'irreversible', why: 'the node was deleted' };
    const before = task.beforePowerState;
    if (state === 'inject nmi') return { kind: 'irreversible', why: 'an NMI cannot be taken back' };
    if (task.state === 'SUCCEEDED' && leftBy(task) === before)
      return { kind: 'irreversible', why: 'a reboot cannot be taken back' };
    if (before === null) return { kind: 'irreversible', why: 'it is not known what the node was' };
    const softly = driver?.targets.includes('soft power off') ?? false;
    const target = before === 'power on' ? before : softly ? 'soft power off' : 'power off';
    if (driver !== null && !driver.targets.includes(target))
      return { kind: 'irreversible', why: `driver ${driver.name} of node ${node.name} cannot do ${target}` };
    const inputParameters = { resource_id: node.name, state: target, wait_while_it_may_change: true };
    const drift = driftOf(node, task);
    return {
      kind: 'action',
      order: task.fence,
      what: target,
      actionType: 'change_node_power_state',
      inputParameters,
      drift,
      driftOnceUndone: driftFrom(node, before, 'a rollback'),
      bringsUp: target === 'power on',
    };
  },

  async abort(_parameters, context, signal) {
    const { read } = context.parts.orders.store.database;
    for (;;) {
      const task = await findTaskOfAction(context.action, read);
      if (task === null) return { kind: 'taken_back', message: await whyNotOrdered(context), result: {} };
      const waits = isAtRest(task.state) || (await takeBack(task, context));
      if (!waits) continue;
      const ended = await untilAtRest(task, context, signal).catch(asCountermandError);
      if (!(ended instanceof Error)) return endOf(ended);
      if (ended.code !== 'ACTION_STILL_RUNNING') throw ended;
      const now = await getPowerTask(task.uuid, read);
      return stillRunning(now, possibleWith(now, await driverOfTask(now, read)), ended);
    }
  },
});

async function whyNotOrdered({ action, parts }: ActionContext): Promise<string> {
  const node = await findNode(action.nodeUuid ?? '', parts.orders.store.database.read);
  if (!node?.heldBy) return 'no order had been given';
  return `no order had been given: node ${node.name} is held by power task ${node.heldBy}`;
}

/** It was waited for long enough. The power task goes on, and keeps the node. */
function stillRunning(task: PowerTaskRow, possible: readonly Possible[], { code, message }: CountermandError): End {
  const instead = possible.length === 0 ? '' : `; ${possibleWords(possible)}`;
  const sentence = `${message}; power task ${task.uuid}, ${task.target} ${task.state}, goes on and keeps the node${instead}`;
  return { kind: 'failed', error: fail(code, sentence), result: resultOf(task) };
}

/** What an order that succeeded left: a soft reboot whose abort came too late has ended after its first half, off. */
const leftBy = ({ target, phase }: PowerTaskRow): OnOff => phaseSettlesIn(target, phase);

/** An order that did not succeed has left the node as it may: then nothing can be said. */
function driftOf(node: NodeRow, task: PowerTaskRow): string | null {
  return task.state === 'SUCCEEDED' ? driftFrom(node, leftBy(task), 'the plan') : null;
}

function driftFrom({ name, goodPowerState }: NodeRow, left: OnOff, who: string): string | null {
  if (goodPowerState === null || goodPowerState === left) return null;
  return `${name} is ${goodPowerState}, and ${who} left it ${left}`;
}

/** What is recorded as the reason of an order of an action: the plan, and why that was made. */
function reasonOf({ action, plan }: ActionContext): string {
  const why = plan.reason === '' ? '' : `: ${plan.reason}`;
  return cutText(`action '${action.name}' of plan '${plan.name}' (${plan.uuid})${why}`, SENT_LIMITS.text.limit);
}

/** Gives the order, or finds the one that an earlier execution gave. Waits while the node is held or no agent serves it. */
async function orderWhenFree(
  parameters: Parameters,
  context: ActionContext,
  signal: AbortSignal,
): Promise<PowerTaskRow> {
  const { action, parts } = context;
  const order: OrderOfAction = {
    node: action.nodeUuid ?? '',
    target: parameters.state,
    timeoutMs: parameters.timeout === undefined ? null : parameters.timeout * 1000,
    onTimeout: parameters.on_timeout,
    reason: reasonOf(context),
    abortsTaskUuid: null,
    trace: spanOfRow({ uuid: action.uuid, trace: context.plan.trace }),
  };
  const guard = async (node: NodeRow | null, transaction: Transaction): Promise<void> => {
    await refuseIfCancelled(context, transaction);
    await refuseOtherServer(context, node, transaction);
    if (node !== null && parameters.wait_while_it_may_change) refuseWhileItMayChange(node, context);
  };
  for (;;) {
    signal.throwIfAborted();
    const given = await giveOrderOfAction(order, action, parts.orders, guard).catch(asCountermandError);
    if (!(given instanceof Error)) return given;
    if (given.code === 'NODE_NOT_FOUND') throw nodeDeleted(action);
    if (given.code !== 'NODE_HELD' && given.code !== 'AGENT_NOT_ATTACHED') throw given;
    await untilNodeChanges(order.node, context, signal);
  }
}

/**
 * An older order, which was given up, may still change the node: what is read now says nothing. Looked at in the transaction
 * of the order, as the one that holds the node may be given up at any moment.
 */
function refuseWhileItMayChange(node: NodeRow, { parts }: ActionContext): void {
  if (mayStillChange(node, parts.orders.store))
    throw fail('NODE_HELD', `node ${node.name} may still change: an order that was given up may take effect late`);
}

/** Resolves when the node is written, or after a while. */
async function untilNodeChanges(nodeUuid: string, { parts }: ActionContext, signal: AbortSignal): Promise<void> {
  const { database, clock } = parts.orders.store;
  const cancellation = openCancellation([signal]);
  const changes = database.feed.latest(`node ${nodeUuid}`, cancellation.signal);
  try {
    await Promise.race([changes.next(), sleep(ASK_AGAIN_MS, clock, cancellation.signal)]);
  } finally {
    cancellation.abort(fail('SETTLED', 'it was waited for long enough'));
    cancellation.end();
    await changes.return(undefined).catch(() => {});
  }
}

/** The task at its rest. */
async function untilAtRest(task: PowerTaskRow, { parts }: ActionContext, signal: AbortSignal): Promise<PowerTaskRow> {
  let last = task;
  for await (const row of watchPowerTask(task.uuid, parts.orders.store, signal)) last = row;
  return last;
}

/** Withdraws or aborts a task. Resolves with true if it now has to be waited for, false if it must be looked at again. */
async function takeBack(task: PowerTaskRow, { action, plan, parts }: ActionContext): Promise<boolean> {
  const reason = `plan '${plan.name}' (${plan.uuid}) is cancelled`;
  if (task.state === 'QUEUED') {
    await withdrawOrder(task.uuid, reason, parts.orders).catch(unlessCode('NOT_WITHDRAWABLE'));
    return false;
  }
  const target = abortTargetOf(task.target);
  if (target === null || task.state === 'ABORTING') return true;
  const abort: OrderOfAction = {
    node: task.nodeUuid,
    target,
    timeoutMs: null,
    onTimeout: 'FAIL',
    reason,
    abortsTaskUuid: task.uuid,
    // Taken back because its time is over, it is in the trace of its plan.
    trace: cancelSpanOf(plan) ?? spanOfRow({ uuid: action.uuid, trace: plan.trace }),
  };
  // Where the driver has no such abort, or the task is past the part that can be aborted, it is waited for.
  await giveOrderOfAction(abort, action, parts.orders).catch(unlessCode('TARGET_NOT_SUPPORTED'));
  return true;
}

function unlessCode(code: CountermandError['code']): (thrown: unknown) => void {
  return (thrown) => {
    if (asCountermandError(thrown).code !== code) throw thrown;
  };
}

function resultOf(task: PowerTaskRow): Result {
  return {
    power_task: task.uuid,
    state: task.state,
    sent: task.sendingAt !== null,
    before_power_state: task.beforePowerState,
    observed_power_state: task.observedPowerState,
    abort_outcome: task.abortOutcome,
  };
}

function errorOf(task: PowerTaskRow): CountermandError {
  return fail(task.errorCode ?? 'INTERNAL', task.errorMessage);
}

function endOf(task: PowerTaskRow): End {
  const result = resultOf(task);
  if (task.state === 'SUCCEEDED') return { kind: 'done', message: 'it was done before it could be taken back', result };
  const takenBack = task.state === 'ABORTED' && task.abortOutcome !== 'FAILED';
  if (!takenBack) return { kind: 'failed', error: errorOf(task), result };
  return { kind: 'taken_back', message: `${task.abortOutcome}: ${task.abortReason}`, result };
}
