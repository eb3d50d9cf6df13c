/** How many nodes, power tasks and plans there are, counted by the database. */
import type { Knex } from 'knex';
import type { PowerState } from '../../core/power.ts';
import { POWER_TASK_UNSETTLED } from '../../core/states.ts';
import { problemIs } from './rows.ts';

/** The nodes of a zone and driver that are in one state, all readable or all unreadable. */
export interface NodeCount {
  readonly zone: string;
  readonly driver: string;
  readonly powerState: PowerState | null;
  /** They cannot be read. */
  readonly unreadable: boolean;
  readonly nodes: number;
  /** How many of them are held by a power task. */
  readonly held: number;
  readonly maintenance: number;
}

/** All nodes, counted. The database looks at each of them once. */
export async function countNodes(sql: Knex): Promise<NodeCount[]> {
  // A node whose BMC is another's can be read.
  const unreadable = sql.raw('case when problem is null or problem like ? then 0 else 1 end as unreadable', [
    problemIs('BMC_TAKEN'),
  ]);
  const rows: readonly Record<string, unknown>[] = await sql('nodes')
    .select('zone', 'driver', 'power_state', unreadable)
    .count({ nodes: '*', held: 'held_by' })
    .sum({ maintenance: 'maintenance' })
    .groupBy('zone', 'driver', 'power_state', 'unreadable');
  return rows.map((row) => ({
    zone: String(row.zone),
    driver: String(row.driver),
    powerState: (row.power_state ?? null) as PowerState | null,
    unreadable: Number(row.unreadable) === 1,
    nodes: Number(row.nodes),
    held: Number(row.held),
    maintenance: Number(row.maintenance),
  }));
}

/** How many nodes of a driver have a problem. */
interface ProblemCount {
  readonly driver: string;
  readonly code: string;
  readonly nodes: number;
}

/** How a stored problem begins, and more characters than a code has. */
const [PROBLEM_BEGIN, CODE_LIMIT] = ['{"code":"', 40];

/** The nodes that have a problem, by its code. The database looks at each node once, and groups by how the problem begins. */
export async function countProblems(sql: Knex): Promise<ProblemCount[]> {
  const begin = sql.raw('substr(problem, ?, ?) as begins', [PROBLEM_BEGIN.length + 1, CODE_LIMIT]);
  const rows: readonly Record<string, unknown>[] = await sql('nodes')
    .select('driver', begin)
    .whereNotNull('problem')
    .count({ nodes: '*' })
    .groupBy('driver', 'begins');
  const counts = new Map<string, ProblemCount>();
  for (const { driver, begins, nodes } of rows) {
    const [code = ''] = String(begins).split('"', 1);
    const key = `${driver} ${code}`;
    counts.set(key, { driver: String(driver), code, nodes: (counts.get(key)?.nodes ?? 0) + Number(nodes) });
  }
  return [...counts.values()];
}

/** The zones that have a node. */
export async function zonesWithNodes(sql: Knex): Promise<string[]> {
  return sql('nodes').distinct('zone').pluck('zone');
}

/** The power tasks that are not at rest. */
export async function countUnsettled(sql: Knex): Promise<number> {
  const [row] = await sql('power_tasks')
    .whereIn('state', [...POWER_TASK_UNSETTLED])
    .count({ tasks: '*' });
  return Number(row?.tasks ?? 0);
}

/** The power tasks that are not at rest, in each state. A state without one is not there. */
export async function countTasks(sql: Knex): Promise<ReadonlyMap<string, number>> {
  const rows: readonly Record<string, unknown>[] = await sql('power_tasks')
    .select('state')
    .whereIn('state', [...POWER_TASK_UNSETTLED])
    .count({ tasks: '*' })
    .groupBy('state');
  return new Map(rows.map(({ state, tasks }) => [String(state), Number(tasks)]));
}

/** The power tasks of a zone that wait. */
interface QueuedCount {
  readonly zone: string;
  readonly tasks: number;
  /** When the oldest of them was ordered. */
  readonly oldestAt: number;
}

/** The power tasks that are QUEUED, by the zone of their node. */
export async function countQueued(sql: Knex): Promise<QueuedCount[]> {
  const rows: readonly Record<string, unknown>[] = await sql('power_tasks')
    .join('nodes', 'nodes.uuid', 'power_tasks.node_uuid')
    .where('power_tasks.state', 'QUEUED')
    .select('nodes.zone')
    .count({ tasks: '*' })
    .min({ oldest: 'power_tasks.created_at' })
    .groupBy('nodes.zone');
  return rows.map(({ zone, tasks, oldest }) => ({
    zone: String(zone),
    tasks: Number(tasks),
    oldestAt: Number(oldest),
  }));
}

/** The plans in each of these states. A state without a plan is not there. */
export async function countPlans(states: readonly string[], sql: Knex): Promise<ReadonlyMap<string, number>> {
  const rows: readonly Record<string, unknown>[] = await sql('action_plans')
    .select('state')
    .whereIn('state', states)
    .count({ plans: '*' })
    .groupBy('state');
  return new Map(rows.map(({ state, plans }) => [String(state), Number(plans)]));
}
