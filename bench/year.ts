/**
 * Does a year make anything slower? A fleet of 10,000 nodes with a plan of 100 power orders an hour. The product runs one such plan; its rows
 * are written again for each hour of the year, with other uuids and times, and each day what is old is deleted as a conductor does.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemChance } from '../src/core/chance.ts';
import { type Clock, systemClock } from '../src/core/clock.ts';
import { ActionPlanState } from '../src/gen/countermand/v1/action_plan.ts';
import { openStore } from '../src/server/conductor.ts';
import { prune } from '../src/server/retention.ts';
import type { Database } from '../src/server/store/database.ts';
import { lastSequence, readEvents } from '../src/server/store/events.ts';
import { listPlans } from '../src/server/store/plans.ts';
import { portionsOf, ROWS_AT_ONCE } from '../src/server/store/portions.ts';
import { openDatabase } from '../src/server/store/sqlite/database.ts';
import { type Row, timed } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';

const NODES = 10_000;
const ACTIONS = 100;
/** YEAR_DAYS makes it shorter. */
const DAYS = Number(process.env.YEAR_DAYS ?? 365);
const MONTH_DAYS = 30;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A month is kept, so that from the second month on as much goes as comes. */
const KEEP = { forMs: MONTH_DAYS * DAY_MS, rows: 0 };

/** In the order in which they are written. */
const TABLES = ['audits', 'action_plans', 'actions', 'power_tasks', 'events'];

type Rows = Readonly<Record<string, readonly Record<string, unknown>[]>>;

/** The rows: for each month, the size of the database, and what takes how long in it. */
export async function year(signal: AbortSignal, days = DAYS, nodes = NODES): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  try {
    const flags = ['--data', folder, '--sync-power-state-interval', '0'];
    await withFleet(flags, (fleet) => runOnePlan(fleet, nodes), signal);
    const database = await openDatabase(folder);
    try {
      return await passTime(database, days, signal);
    } finally {
      await database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOnePlan(fleet: Fleet, count: number): Promise<void> {
  const nodes = await fleet.enrolFake(count);
  const { plans } = fleet.conductor;
  const actions = nodes.slice(0, ACTIONS).map((node) => ({
    name: node,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: node, state: 'power off' },
  }));
  const { actionPlan, takesDown } = await plans.createActionPlan({
    name: 'hourly',
    requestId: randomUUID(),
    maxParallel: 50,
    actions,
  });
  await plans.startActionPlan({ actionPlan: actionPlan?.uuid, expectTakenDown: takesDown?.count });
  for await (const answer of plans.watchActionPlan({ actionPlan: actionPlan?.uuid }))
    if (answer.actionPlan?.state === ActionPlanState.SUCCEEDED) return;
  throw new Error('the plan did not succeed');
}

async function passTime(database: Database, days: number, signal: AbortSignal): Promise<Row[]> {
  const template = await templateOf(database);
  const rows: Row[] = [];
  const begin = Date.parse('2030-01-01');
  let now = begin;
  const clock: Clock = { ...systemClock, now: () => now };
  const store = openStore({ database, clock, chance: systemChance, publisherId: 'bench' });
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const keep = { events: KEEP, tasks: KEEP, plans: KEEP, audits: KEEP, trail: KEEP };
  const month = { writes: [] as number[], prunes: [] as number[], reads: [] as number[] };
  for (let day = 1; day <= days; day += 1) {
    for (let hour = 0; hour < 24; hour += 1) {
      signal.throwIfAborted();
      now = begin + day * DAY_MS + hour * HOUR_MS;
      month.writes.push(await timed(() => writeAgain(template, now, database)));
    }
    const parts = { keep: () => keep, deleted: () => {}, store, log, shutdown: signal };
    month.prunes.push(await timed(() => prune(parts)));
    month.reads.push(await timed(() => look(database)));
    if (day % MONTH_DAYS !== 0 && day !== days) continue;
    const name = `day ${day}`;
    rows.push({ what: `${name}: the database`, times: [(await database.bytes()) / 1e6], unit: 'MB' });
    rows.push({ what: `${name}: a plan's rows are written`, times: month.writes.splice(0) });
    rows.push({ what: `${name}: a day is deleted, with its rests`, times: month.prunes.splice(0) });
    rows.push({ what: `${name}: the newest plans and events are read`, times: month.reads.splice(0) });
  }
  return rows;
}

/** What one plan has left. */
async function templateOf({ read }: Database): Promise<Rows> {
  const tables = await Promise.all(TABLES.map(async (table) => [table, await read(table)] as const));
  const rows = Object.fromEntries(tables) as Rows;
  const isOfPlan = (text: unknown): boolean => /^(action|audit)|power_set/.test(String(text));
  return { ...rows, events: (rows.events ?? []).filter(({ event_type: type }) => isOfPlan(type)) };
}

const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
const TIMES = /_at$|^timestamp$|_until$/;

/** The same rows an hour later: nodes stay, all else has another uuid. */
async function writeAgain(template: Rows, now: number, database: Database): Promise<void> {
  const known = new Map<string, string>();
  const own = new Set(
    TABLES.flatMap((table) => (template[table] ?? []).map((row) => String(row.uuid ?? row.message_id))),
  );
  const other = (uuid: string): string => {
    if (!own.has(uuid)) return uuid;
    const again = known.get(uuid) ?? randomUUID();
    known.set(uuid, again);
    return again;
  };
  const oldest = Number(template.audits?.[0]?.created_at ?? 0);
  const later = ([column, value]: [string, unknown]): [string, unknown] => {
    if (typeof value === 'number' && TIMES.test(column)) return [column, value - oldest + now];
    if (column === 'request_id' && value !== null) return [column, randomUUID()];
    return [column, typeof value === 'string' ? value.replaceAll(UUID, other) : value];
  };
  await database.write(async ({ sql }) => {
    for (const table of TABLES) {
      const rows = (template[table] ?? []).map(({ sequence: _, ...row }) =>
        Object.fromEntries(Object.entries(row).map(later)),
      );
      for (const part of portionsOf(rows, ROWS_AT_ONCE)) await sql(table).insert(part);
    }
  });
}

async function look({ read }: Database): Promise<void> {
  await listPlans(
    { states: [], auditUuid: null, nodeUuids: null, startedSince: null, oldestFirst: false },
    null,
    100,
    read,
  );
  await readEvents((await lastSequence(read)) - 100, 100, read);
}
