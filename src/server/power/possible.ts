/**
 * What may be ordered for a node, or about a power task, now. The functions that accept or refuse an order ask here as well,
 * so what is named is accepted.
 */

import { type GivenUp, judgeAbort } from '../../core/abort_table.ts';
import { type CountermandError, failWith } from '../../core/errors.ts';
import { type Possible, possibleAbort, possibleWords } from '../../core/possible.ts';
import { abortTargetOf, isAbort, TARGET_TABLE, type Target } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import type { Attachments, Owner } from '../agents/attachments.ts';
import type { Transaction } from '../store/database.ts';
import { findDriver } from '../store/drivers.ts';
import type { FreezeRow } from '../store/freezes.ts';
import { findNode, heldThroughSameBmc } from '../store/nodes.ts';
import { findPowerTask, findRecall } from '../store/power_tasks.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { isWithdrawable } from './aborts.ts';
import { type Freezes, frozenBy } from './freezes.ts';
import { findGivenUp } from './late_recalls.ts';

/** What decides whether an order is accepted. */
export interface Standing {
  readonly node: NodeRow;
  /** Null if no agent of the node's zone has ever offered it. */
  readonly driver: DriverRow | null;
  readonly owner: Owner;
  /** The unsettled power task that holds the node, or null. */
  readonly holder: PowerTaskRow | null;
  /** Another node that is reached through the same BMC, and is held; or null. */
  readonly twin: NodeRow | null;
  /** The abort that takes back an order that was given up: it keeps the node as a holder does. Null if there is none. */
  readonly recall: PowerTaskRow | null;
  /** The order that was given up and may still change the node, or null. */
  readonly givenUp: GivenUp | null;
  /** What freezes the node, or null. */
  readonly frozen: FreezeRow | null;
}

/** How a node stands now. */
export async function standingOf(
  node: NodeRow,
  {
    store,
    attachments,
    freezes,
  }: { readonly store: Store; readonly attachments: Attachments; readonly freezes: Freezes },
): Promise<Standing> {
  const sql = store.database.read;
  return {
    node,
    driver: await findDriver(node, sql),
    owner: attachments.ownerOf(node),
    holder: node.heldBy === null ? null : await findPowerTask(node.heldBy, sql),
    twin: await heldThroughSameBmc(node, sql),
    recall: node.mayChangeUntil === null ? null : await findRecall(node.uuid, sql),
    givenUp: await findGivenUp(node, sql, store),
    frozen: freezes.of(node),
  };
}

/** Why an order would be refused, or null. An abort that finds nothing to abort is not refused. */
export function refusalOf(target: Target, standing: Standing, now: number): CountermandError | null {
  const { node, driver, owner, twin } = standing;
  const holder = standing.holder ?? standing.recall;
  if (driver === null || !driver.targets.includes(target)) return notSupported(target, node, driver);
  if (isAbort(target)) return null;
  if (standing.frozen !== null) return frozenBy(standing.frozen, node);
  if (owner.kind === 'none')
    return notAttached(
      node,
      `no agent with driver ${node.driver} is attached for zone ${node.zone}; start one. Nothing was sent`,
    );
  if (holder !== null) return heldBy(holder, node, driver, now);
  return twin === null ? null : heldThrough(twin, node);
}

function notSupported(target: Target, node: NodeRow, driver: DriverRow | null): CountermandError {
  if (driver === null)
    return notAttached(node, `no agent of zone ${node.zone} has ever offered driver ${node.driver}; start one`);
  const words = driver.targets.map((supported) => TARGET_TABLE[supported].word).join(', ');
  return failWith(
    'TARGET_NOT_SUPPORTED',
    `driver ${node.driver} of node ${node.name} cannot do ${target}; it can do ${words}`,
    { resource: { type: 'node', name: node.name } },
  );
}

function notAttached({ name, zone, driver }: NodeRow, sentence: string): CountermandError {
  return failWith('AGENT_NOT_ATTACHED', sentence, { resource: { type: 'node', name }, facts: { zone, driver } });
}

/** Why an order for a node is refused while another node, which is reached through the same BMC, is held. */
export function heldThrough(twin: NodeRow, node: NodeRow): CountermandError {
  return failWith(
    'NODE_HELD',
    `node ${node.name} is reached through the same BMC (${twin.bmcPlace}) as node ${twin.name}, which is held by power task ${twin.heldBy}; delete one of the two nodes, or change its address`,
    { resource: { type: 'node', name: node.name }, facts: { same_bmc_node: twin.name } },
  );
}

/**
 * Why an order for a node that a power task holds is refused.
 * @param planRuns the plan that ordered the task can be cancelled: then that is what is named first
 */
export function heldBy(
  holder: PowerTaskRow,
  node: NodeRow,
  driver: DriverRow | null,
  now: number,
  planRuns = false,
): CountermandError {
  const sinceS = Math.round((now - holder.createdAt) / 1000);
  const cancel = { verb: 'CANCEL_ACTION_PLAN', resource: holder.planUuid ?? '' } as const;
  const possible: Possible[] = [...(planRuns ? [cancel] : []), ...possibleWith(holder, driver)];
  const by = planRuns ? ` of plan ${holder.planUuid}` : '';
  const words =
    possible.length === 0
      ? 'wait until it is at rest'
      : possibleWords(possible, { CANCEL_ACTION_PLAN: 'cancel the plan' });
  return failWith(
    'NODE_HELD',
    `node ${node.name} is held by power task ${holder.uuid}${by}, ${holder.target} ${holder.state} since ${sinceS} s; ${words}`,
    {
      resource: { type: 'node', name: node.name },
      possible,
      facts: { power_task: holder.uuid, ...(planRuns && { action_plan: holder.planUuid ?? '' }) },
    },
  );
}

/** The targets that would be accepted now, in the order of the driver; an abort only if there is something to abort. */
export function possibleTargets(standing: Standing, now: number): Target[] {
  const { node, driver, holder, givenUp } = standing;
  // Nothing is sent to a server that is not the node's, until an operator accepts it.
  const isOther = node.otherGuid !== null || node.problem?.code === 'BMC_IS_ANOTHER';
  return (driver?.targets ?? []).filter((target) => {
    if (refusalOf(target, standing, now) !== null) return false;
    return isAbort(target) ? judgeAbort(target, holder, null, givenUp).matches : !isOther;
  });
}

/** The order about a power task that would be accepted now: the gentlest way to be rid of it, if there is one. */
export function possibleWith(task: PowerTaskRow, driver: Pick<DriverRow, 'targets'> | null): Possible[] {
  if (isAbort(task.target) || isAtRest(task.state)) return [];
  const withdrawal = { verb: 'WITHDRAW_POWER_TASK', resource: task.uuid } as const;
  if (isWithdrawable(task, false)) return [withdrawal];
  const abort = abortTargetOf(task.target);
  const canAbort = abort !== null && (driver?.targets.includes(abort) ?? false);
  if (canAbort && judgeAbort(abort, task, null).matches) return [possibleAbort(task, abort)];
  return isWithdrawable(task, true) ? [{ ...withdrawal, stopWaiting: true }] : [];
}

/** The driver that decides what may be ordered about a task; null if nothing may, or if there is none. */
export async function driverOfTask(task: PowerTaskRow, sql: Transaction['sql']): Promise<DriverRow | null> {
  if (isAbort(task.target) || isAtRest(task.state)) return null;
  const node = await findNode(task.nodeUuid, sql);
  return node && (await findDriver(node, sql));
}
