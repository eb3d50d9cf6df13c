/** What is old is deleted from a copy of a world's database; what must stay has stayed, and what need not is gone. */
import type { Clock } from '../../src/core/clock.ts';
import { isAtRest, isPlanAtRest } from '../../src/core/states.ts';
import { prune, type Retention } from '../../src/server/retention.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { ActionPlanRow, AuditRow } from '../../src/server/store/plan_rows.ts';
import type { EventRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import type { Store } from '../../src/server/store/store.ts';
import { never } from '../counterparts/signals.ts';
import { SharedConnection } from '../world/shared_connection.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';
import { type PlanRows, readPlanRows } from './plan_invariants.ts';
import { checkHolders, readPowerRows } from './power_invariants.ts';

const LOG = { info: () => {}, warn: () => {}, error: () => {} };

/** Everything that is at rest and older than `ms`. */
export const keepFor = (ms: number): Retention => {
  const keep = { forMs: ms, rows: 0 };
  return { events: keep, tasks: keep, plans: keep, audits: keep, trail: keep };
};

/** Deletes what is old from the database, as a conductor does; between two portions no time passes. */
export function pruneNow(
  store: Store,
  database: Database,
  keep: Retention,
  readTo: number | null = null,
): Promise<void> {
  // The time that rows are compared with is the world's; the rests between portions are not.
  const now = store.clock;
  const clock: Clock = {
    now: () => now.now(),
    monotonic: () => 0,
    after(_, act) {
      void Promise.resolve().then(act);
      return { cancel: () => {} };
    },
  };
  const parts = { keep: () => keep, deleted: () => {}, log: LOG, shutdown: never(), readers: [async () => readTo] };
  return prune({ ...parts, store: { ...store, clock, database } });
}

/** What a database has that is deleted when it is old. */
interface Rows extends PlanRows {
  readonly events: readonly Pick<EventRow, 'sequence' | 'timestamp'>[];
}

const rowsOf = async (database: Database): Promise<Rows> => ({
  ...(await readPlanRows(database)),
  events: await database.read('events').orderBy('sequence').select('sequence', 'timestamp'),
});

/** @throws at the first row that was deleted and must not be, or the other way round */
export async function checkPruning(world: World, keepMs: number): Promise<void> {
  const shared = SharedConnection.create(await world.image());
  const copy = shared.observe();
  try {
    const before = await rowsOf(copy);
    await pruneNow(world.conductor.store, copy, keepFor(keepMs));
    const after = await rowsOf(copy);
    const wanted = keptOf(before, world.conductor.store.clock.now(), keepMs);
    for (const kind of ['audits', 'plans', 'actions', 'tasks', 'events'] as const) {
      const name = (row: object): string => String('uuid' in row ? row.uuid : (row as EventRow).sequence);
      const [has, must] = [after[kind].map(name).sort(), wanted[kind].map(name).sort()];
      const lost = must.find((each) => !has.includes(each));
      insist(lost === undefined, `of ${kind}, ${lost} was deleted`);
      insist(has.length === must.length, `of ${kind}, ${has.find((each) => !must.includes(each))} was left`);
    }
    checkHolders(await readPowerRows(copy));
  } finally {
    await copy.close();
  }
}

/** What must stay, said once more and in another way than the product says it. */
function keptOf({ audits, plans, actions, tasks, events }: Rows, now: number, keepMs: number): Rows {
  const cut = now - keepMs;
  const isOld = (row: { readonly createdAt: number }, end: number | null): boolean =>
    row.createdAt < cut && end !== null && end < cut;
  const endOf = (plan: ActionPlanRow): number => plan.endedAt ?? plan.updatedAt;
  const goes = (plan: ActionPlanRow): boolean =>
    isPlanAtRest(plan.state) && isOld(plan, endOf(plan)) && (plan.rollbackUntil ?? 0) < now;
  const isYoung = (rollback: ActionPlanRow): boolean =>
    !isPlanAtRest(rollback.state) || endOf(rollback) >= cut || (rollback.rollbackUntil ?? 0) >= now;
  const lives = new Set(
    tasks.filter((task) => !isAtRest(task.state) || (task.mayChangeUntil ?? 0) >= now).map(({ planUuid }) => planUuid),
  );
  const keptPlans = plans.filter(
    (plan) =>
      !goes(plan) || lives.has(plan.uuid) || plans.some((other) => other.rollbackOf === plan.uuid && isYoung(other)),
  );
  const kept = new Set(keptPlans.map(({ uuid }) => uuid));
  const taskStays = (task: PowerTaskRow): boolean =>
    task.planUuid === null
      ? !(isAtRest(task.state) && isOld(task, task.endedAt) && (task.mayChangeUntil ?? 0) < now)
      : kept.has(task.planUuid);
  const auditStays = (audit: AuditRow): boolean =>
    !['SUCCEEDED', 'FAILED', 'CANCELLED', 'DELETED'].includes(audit.state) ||
    !isOld(audit, audit.updatedAt) ||
    keptPlans.some(({ auditUuid }) => auditUuid === audit.uuid);
  const firstYoung = events.findIndex(({ timestamp }) => timestamp >= cut);
  return {
    plans: keptPlans,
    actions: actions.filter(({ planUuid }) => kept.has(planUuid)),
    tasks: tasks.filter(taskStays),
    audits: audits.filter(auditStays),
    events: events.slice(firstYoung === -1 ? -1 : Math.min(firstYoung, events.length - 1)),
  };
}
