/**
 * The first start on a backup. What was under way when it was made has ended since in some way that its rows do not know: to carry on with it
 * would switch nodes on and off that others have put to other uses. So it ends, with nothing asked of the hardware.
 */
import { type CountermandError, fail } from '../core/errors.ts';
import { isAbort } from '../core/power.ts';
import { ACTION_PLAN_RUNNING, type AuditEvent } from '../core/states.ts';
import type { Log } from './log.ts';
import { moveAudit } from './plans/audit_transition.ts';
import { canBecomeStale, NOT_LAUNCHED, supersedePlans } from './plans/supersede.ts';
import { moveActions, movePlan } from './plans/transition.ts';
import { endAbort } from './power/aborts.ts';
import { endRecall, isRecall } from './power/late_recalls.ts';
import type { Limits } from './power/limits.ts';
import { findTaskAndNode, transition } from './power/transition.ts';
import { getActions, listActionsOf } from './store/actions.ts';
import { listUnsettledAudits } from './store/audits.ts';
import type { Transaction } from './store/database.ts';
import { backedUpAt, becomeAnother } from './store/events.ts';
import { listAllNodes, saveNode } from './store/nodes.ts';
import type { ActionPlanRow, AuditRow } from './store/plan_rows.ts';
import { contextOf, getPlan, listPlansIn } from './store/plans.ts';
import { portionsOf, ROWS_AT_ONCE } from './store/portions.ts';
import { listUnsettled } from './store/power_tasks.ts';
import { listSinks, saveOffReason } from './store/sinks.ts';
import type { Store } from './store/store.ts';

/** More orders than any node has had since any backup. */
const FENCES_SINCE = 2 ** 20;

/**
 * Ends what a backup has under way, if the database was put back from one, and gives it another id, as its events fork from those that
 * were told before. Nothing is done in a database that is none. A crash in between leaves the rest to the next start.
 */
export async function endWhatABackupHolds(store: Store, limits: Limits, log: Log): Promise<void> {
  const { database, chance } = store;
  const at = await backedUpAt(database.read);
  if (at === null) return;
  const why = fail(
    'OUTCOME_UNKNOWN',
    `it was under way in the backup of ${new Date(at).toISOString()} that was put back; what became of it then is not known`,
  );
  const ended = {
    power_tasks: await endTasks(why, limits, store),
    plans: await endPlans(why, store),
    audits: await endAudits(why, store),
    sinks: await stopSinks(at, store),
  };
  await raiseFences(store);
  await database.write((transaction) => becomeAnother(chance.uuid().replaceAll('-', ''), transaction));
  log.warn(
    { backed_up_at: new Date(at).toISOString(), ...ended },
    'the database is a backup: what it had under way has ended',
  );
}

/** Agents that were there all the time have seen newer fences than the backup has, and would drop what carries an older one. */
async function raiseFences({ database }: Store): Promise<void> {
  for (const nodes of portionsOf(await listAllNodes(database.read), ROWS_AT_ONCE))
    await database.write(async (transaction) => {
      for (const node of nodes) await saveNode(node, { fence: node.fence + FENCES_SINCE }, transaction);
    });
}

async function endTasks(why: CountermandError, limits: Limits, store: Store): Promise<number> {
  const tasks = await listUnsettled(store.database.read);
  for (const { uuid } of tasks)
    await store.database.write((transaction) => endTask(uuid, why, limits, transaction, store));
  return tasks.length;
}

async function endTask(
  uuid: string,
  why: CountermandError,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const at = await findTaskAndNode(uuid, transaction.sql);
  if (at === null) return;
  const end = { outcome: 'FAILED' as const, reason: why.message, observed: null };
  if (isAbort(at.task.target) && isRecall(at.task)) await endRecall(at, end, transaction, store);
  else if (at.task.state === 'ABORTING') await endAbort(at, end, limits, transaction, store);
  else {
    const task = { errorCode: why.code, errorMessage: why.message };
    await transition('fail', at, { task, node: { lastError: why.message } }, transaction, store);
  }
}

async function endPlans(why: CountermandError, store: Store): Promise<number> {
  const plans = await listPlansIn([...NOT_LAUNCHED, ...ACTION_PLAN_RUNNING], store.database.read);
  for (const { uuid } of plans) await store.database.write((transaction) => endPlan(uuid, why, transaction, store));
  return plans.length;
}

async function endPlan(uuid: string, why: CountermandError, transaction: Transaction, store: Store): Promise<void> {
  const plan = await getPlan(uuid, transaction.sql);
  if (canBecomeStale(plan)) await supersedePlans([plan], why.message, transaction, store);
  else await endActionsAndPlan(plan, why, transaction, store);
}

const ACTION_ENDS = { PENDING: 'drop', ONGOING: 'fail', CANCELLING: 'cancel_fail' } as const;
const PLAN_ENDS = { RECOMMENDED: 'drop', PENDING: 'drop', ONGOING: 'fail', CANCELLING: 'cancel_fail' } as const;

async function endActionsAndPlan(
  plan: ActionPlanRow,
  why: CountermandError,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const { sql } = transaction;
  const error = { errorCode: why.code, errorMessage: why.message };
  const uuids = (await listActionsOf([plan.uuid], sql)).map(({ uuid }) => uuid);
  const moves = (await getActions(uuids, sql)).flatMap(({ uuid, state }) => {
    const event = ACTION_ENDS[state as keyof typeof ACTION_ENDS];
    return event === undefined
      ? []
      : [{ event, uuid, patch: event === 'drop' ? { statusMessage: why.message } : error }];
  });
  const context = await contextOf(plan, sql);
  await moveActions(moves, context, transaction, store);
  const event = PLAN_ENDS[plan.state as keyof typeof PLAN_ENDS];
  // The moves of its actions have not changed the plan.
  await movePlan(event, context, event === 'drop' ? { statusMessage: why.message } : error, transaction, store);
}

async function endAudits(why: CountermandError, store: Store): Promise<number> {
  const audits = await listUnsettledAudits(store.database.read);
  for (const audit of audits)
    await store.database.write((transaction) =>
      moveAudit(eventOf(audit), audit, { statusMessage: why.message }, transaction, store),
    );
  return audits.length;
}

/** Where a backup is looked at, or tried, beside the installation that it is of, nothing must be sent to the receivers of that one. */
async function stopSinks(at: number, { database }: Store): Promise<number> {
  const sinks = (await listSinks(database.read)).filter(({ offReason }) => offReason === null);
  const offReason = `the database was put back from the backup of ${new Date(at).toISOString()}; test the sink, and it goes on from there`;
  await database.write(async (transaction) => {
    for (const sink of sinks) await saveOffReason(sink, offReason, transaction);
  });
  return sinks.length;
}

/** A continuous audit waits for an operator who wants it still. */
function eventOf({ state, auditType }: AuditRow): AuditEvent {
  if (state === 'PENDING') return 'cancel';
  return auditType === 'CONTINUOUS' ? 'suspend' : 'fail';
}
