/** Why a node is as it is, in sentences, and what can be done with it now. */

import type { GivenUp } from '../../core/abort_table.ts';
import { isAbort, type NodeTraits, RECALL_WORDS, recallOf, TARGET_TABLE, type Target } from '../../core/power.ts';
import type { ExplainNodeResponse, PossibleOrder } from '../../gen/countermand/v1/node.ts';
import type { Attachments } from '../agents/attachments.ts';
import { toTarget } from '../agents/wire.ts';
import type { Conductor } from '../conductor.ts';
import { isUnreadable } from '../nodes/problems.ts';
import { windowLeftMs } from '../nodes/windows.ts';
import { waitsForApproval } from '../plans/possible.ts';
import { frozenWords } from '../power/freezes.ts';
import { possibleTargets, type Standing, standingOf } from '../power/possible.ts';
import { listPlansMeeting } from '../store/plans.ts';
import { listPowerTasks } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow, Problem } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { answerTask, answerTasks } from './answers.ts';
import { toApproval } from './plan_wire.ts';
import type { Probe } from './supported.ts';
import type { View } from './view.ts';

/** How many of a node's last tasks are shown. */
const LAST_TASKS = 5;

/**
 * What the explanation adds to the node itself.
 * @param able what the hardware says it can do now; null if it was not asked, or did not answer
 * @param view of the caller: a plan that it may not see is not told; absent: it may see all
 */
export async function explainNode(
  node: NodeRow,
  conductor: Conductor,
  able: Probe | null = null,
  view: Pick<View, 'plans'> = SEES_ALL,
): Promise<Omit<ExplainNodeResponse, 'node'>> {
  const { orders, attachments } = conductor;
  const { store } = orders;
  const { read } = store.database;
  const standing = await standingOf(node, orders);
  const { holder, givenUp } = standing;
  const last = await listPowerTasks({ nodeUuid: node.uuid }, null, LAST_TASKS, read);
  return {
    holder: holder ? await answerTask(holder, store) : undefined,
    lastTasks: await answerTasks(last, store),
    possible: possibleOrders(standing, able, store),
    explanation: [
      stateSentence(node, store.clock.now()),
      problemSentence(node.problem, store.clock.now()),
      holderSentence(holder, store.clock.now()),
      windowSentence(node, givenUp, store),
      agentSentence(node, attachments),
      ...(await approvalSentences(node, view, store)),
      node.lastError === '' || node.lastError === node.problem?.message ? '' : `Its last error: ${node.lastError}`,
      standing.frozen === null
        ? ''
        : `It is frozen ${frozenWords(standing.frozen)}. Orders are refused; aborts are not.`,
      node.maintenance
        ? `It is in maintenance${node.maintenanceReason === '' ? '' : `: ${node.maintenanceReason}`}; it is still read, and orders are still accepted.`
        : '',
    ].filter((sentence) => sentence !== ''),
  };
}

const SEES_ALL: Pick<View, 'plans'> = { plans: async (plans) => [...plans] };

/** At most this many plans that wait are told. */
const WAITING_PLANS = 5;
/** The limit of plans about the node that are looked at. */
const PLANS_LOOKED_AT = 100;

async function approvalSentences({ uuid }: NodeRow, view: Pick<View, 'plans'>, { database }: Store): Promise<string[]> {
  const wanted = { states: ['PENDING'], rollbacks: false } as const;
  const plans = (await listPlansMeeting([uuid], wanted, PLANS_LOOKED_AT, database.read)).filter(waitsForApproval);
  return (await view.plans(plans)).slice(0, WAITING_PLANS).map((plan) => {
    const may = toApproval(plan)?.whoMay ?? '';
    return `Plan '${plan.name}' (${plan.uuid}) about it ${plan.statusMessage}; ${may} may approve or reject it.`;
  });
}

const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;

function stateSentence({ powerState, powerStateReadAt, problem, otherGuid }: NodeRow, now: number): string {
  if (otherGuid !== null || problem?.code === 'BMC_IS_ANOTHER')
    return 'Its power state is not known: another server answers at its address.';
  if (powerState === null) return 'Its power state is not known: it has not been read yet.';
  if (powerState === 'error') return 'Its power state is error: an order was aborted, and it has not been read since.';
  const age = powerStateReadAt === null ? '' : `, read ${seconds(now - powerStateReadAt)} ago`;
  return `${isUnreadable(problem) ? 'It was' : 'It is'} ${powerState}${age}.`;
}

function problemSentence(problem: Problem | null, now: number): string {
  if (problem === null) return '';
  if (!isUnreadable(problem)) return `It has had a problem for ${seconds(now - problem.since)}: ${problem.message}.`;
  return `It has been unreadable for ${seconds(now - problem.since)}: ${problem.code}: ${problem.message}.`;
}

function holderSentence(holder: PowerTaskRow | null, now: number): string {
  if (holder === null) return 'No power task holds it.';
  const deadline =
    holder.deadlineAt === null
      ? ''
      : `; ${holder.onTimeout === 'FORCE' ? 'forced' : 'given up'} in ${seconds(holder.deadlineAt - now)}`;
  return `It is held by power task ${holder.uuid}: ${holder.target}, ${holder.state} since ${seconds(now - holder.createdAt)}${deadline}.`;
}

function windowSentence(node: NodeRow, givenUp: GivenUp | null, store: Store): string {
  const leftMs = windowLeftMs(node, store);
  if (leftMs === null || leftMs <= 0) return '';
  const recalled = givenUp?.beingRecalled ? ' An abort is taking it back now.' : '';
  return `It may still change for ${seconds(leftMs)}: an order that was given up may take effect late. That would be recorded, not reversed.${recalled}`;
}

function agentSentence(node: NodeRow, attachments: Attachments): string {
  const owner = attachments.ownerOf(node);
  if (owner.kind === 'attached') return `Agent ${owner.attachment.hello.name} serves it.`;
  if (owner.kind === 'lost')
    return `Its agent is lost and may still act for a while; another can take over in ${seconds(owner.movableInMs)}.`;
  return `No agent with driver ${node.driver} is attached for zone ${node.zone}; nothing can be sent to it.`;
}

/** What would be accepted now. The disk that is full lets only aborts pass. */
function possibleOrders(standing: Standing, able: Probe | null, { clock, database }: Store): PossibleOrder[] {
  const { driver, holder } = standing;
  if (driver === null) return [];
  const canBegin = (target: Target): boolean => !database.isFull && (able === null || able.targets.includes(target));
  return possibleTargets(standing, clock.now())
    .filter((target) => isAbort(target) || canBegin(target))
    .map((target) => ({ target: toTarget(target), meaning: meaningOf(target, able?.traits ?? driver, holder) }));
}

function meaningOf(target: Target, { recalls }: NodeTraits, holder: PowerTaskRow | null): string {
  const { meaning } = TARGET_TABLE[target];
  if (!isAbort(target)) return `${meaning}; ${RECALL_WORDS[recallOf(target, recalls)]}`;
  if (holder !== null) return `${meaning}: ${RECALL_WORDS[holder.recall]}`;
  return `${meaning} that was given up: ${RECALL_WORDS.BY_HARDWARE}`;
}
