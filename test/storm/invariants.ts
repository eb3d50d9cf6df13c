/** What must be true of the database that a storm has left: the invariants of the simulation, on real rows and events. */
import { isAbort, type OrderTarget } from '../../src/core/power.ts';
import type { ChassisControl } from '../../src/drivers/ipmi/rmcp/commands.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { AuditRow } from '../../src/server/store/plan_rows.ts';
import { EVERY_NODE } from '../../src/server/store/plans.ts';
import type { PowerTaskRow } from '../../src/server/store/rows.ts';
import { openDatabase } from '../../src/server/store/sqlite/database.ts';
import type { SimReceived } from '../../src/sim/ipmi/sim_bmc.ts';
import { insist } from '../simulation/insist.ts';
import { checkEnds } from '../simulation/plan_ends.ts';
import { checkCancels, checkReplayed, type PlanRows, readPlanRows } from '../simulation/plan_invariants.ts';
import { type ActionFacts, type Facts, type PlanFacts, Replay } from '../simulation/plan_replay.ts';
import { checkStaleness } from '../simulation/plan_staleness.ts';
import { checkHolders, checkSettled, readPowerRows } from '../simulation/power_invariants.ts';
import { checkLinks, checkUndos } from '../simulation/rollback_invariants.ts';
import { DEFAULT_LIMITS } from '../world/settings.ts';

/** What reached the BMC of a node. */
export interface Reached {
  readonly nodeUuid: string;
  readonly received: readonly SimReceived[];
}

/** How many rows were checked. */
export interface Checked {
  readonly tasks: number;
  readonly plans: number;
  readonly audits: number;
}

/**
 * Checks a database that no conductor has open any more. @throws a sentence for the first invariant that is broken
 * @param folder its data folder
 */
export async function checkWhatIsLeft(folder: string, reached: readonly Reached[]): Promise<Checked> {
  const database = await openDatabase(folder);
  try {
    const power = await readPowerRows(database);
    checkHolders(power);
    await checkSettled(power, database);
    for (const { nodeUuid, received } of reached)
      checkOnce(
        power.tasks.filter((task) => task.nodeUuid === nodeUuid),
        received,
      );
    const rows = await readPlanRows(database);
    await checkPlans(rows, database);
    return { tasks: rows.tasks.length, plans: rows.plans.length, audits: rows.audits.length };
  } finally {
    await database.close();
  }
}

async function checkPlans(rows: PlanRows, database: Database): Promise<void> {
  const newest = await database.read('events').max({ last: 'timestamp' }).first();
  const now = Number(newest?.last);
  const world = { database, clock: { now: () => now, set: { forwardMs: 0, backMs: 0 } }, limits: DEFAULT_LIMITS };
  for (const { name, uuid, state } of rows.plans)
    insist(!['PENDING', 'ONGOING', 'CANCELLING'].includes(state), `plan ${name} ${uuid} is still ${state}`);
  for (const { name, uuid, state } of rows.audits)
    insist(!['PENDING', 'ONGOING'].includes(state), `audit ${name} ${uuid} is still ${state}`);
  const replay = new Replay();
  await replay.goOn(factsOf(rows), world);
  checkReplayed([...rows.audits, ...rows.plans, ...rows.actions], replay);
  checkCancels(replay);
  await checkStaleness(rows.plans, world);
  checkLinks(rows);
  checkUndos(rows);
  checkEnds(rows, null, true);
}

/** What never changes of plans and actions, for the replay. A plan is at least about the nodes of its actions. */
function factsOf({ audits, plans, actions }: PlanRows): Facts {
  const byUuid = new Map(audits.map((audit) => [audit.uuid, audit]));
  const byPlan = Map.groupBy(actions, ({ planUuid }) => planUuid);
  const facts = { plans: new Map<string, PlanFacts>(), actions: new Map<string, ActionFacts>() };
  const everyNode = new Set([EVERY_NODE, ...actions.map(({ nodeUuid }) => nodeUuid ?? EVERY_NODE)]);
  for (const row of plans) {
    const own = byPlan.get(row.uuid) ?? [];
    const named = new Set(own.map(({ nodeUuid }) => nodeUuid).filter((node) => node !== null));
    const nodes = isAboutEveryNode(byUuid.get(row.auditUuid)) ? everyNode : named;
    const startOrder = (): number => row.startOrder ?? Number.POSITIVE_INFINITY;
    const plan = { ...row, actions: own.map(({ uuid }) => uuid), nodes, startOrder };
    facts.plans.set(row.uuid, plan);
    for (const action of own) facts.actions.set(action.uuid, { ...action, plan });
  }
  return facts;
}

const isAboutEveryNode = (audit: AuditRow | undefined): boolean =>
  audit !== undefined && audit.scope.length === 0 && audit.everyNode;

/** The commands that must not be repeated, and the targets that may send each of them once. */
const ONCE: Readonly<Partial<Record<ChassisControl, readonly OrderTarget[]>>> = {
  cycle: ['rebooting'],
  reset: ['rebooting'],
  diag: ['inject nmi'],
  soft: ['soft power off', 'soft rebooting'],
};

/** An order that is not idempotent reaches the BMC at most once, and none reaches it that was not given. */
function checkOnce(tasks: readonly PowerTaskRow[], received: readonly SimReceived[]): void {
  for (const [command, targets] of Object.entries(ONCE)) {
    const times = received.filter((each) => each === command).length;
    const orders = tasks.filter(
      ({ target, sendingAt }) => !isAbort(target) && sendingAt !== null && targets.includes(target as OrderTarget),
    ).length;
    insist(times <= orders, `${command} reached the BMC ${times} times, for ${orders} orders`);
  }
  const hasSent = tasks.some(({ sendingAt }) => sendingAt !== null);
  insist(hasSent || received.every((each) => each === 'status'), 'a BMC was ordered about although nothing was sent');
}
