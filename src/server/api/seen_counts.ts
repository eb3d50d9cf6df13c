/** What a conductor counts, for callers who may not see every node: what they may not see is not counted. */
import type { ActionPlanState } from '../../core/states.ts';
import { isUnreadable } from '../nodes/problems.ts';
import { countNodes, countPlans, countUnsettled, type NodeCount } from '../store/census.ts';
import type { Transaction } from '../store/database.ts';
import type { NewestMark } from '../store/newest.ts';
import { listNodes } from '../store/nodes.ts';
import { listPlansIn } from '../store/plans.ts';
import { listPowerTasks } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import { fullPage } from './pages.ts';
import type { View } from './view.ts';

type Sql = Transaction['sql'];
const ALL = Number.MAX_SAFE_INTEGER;

/** As `countNodes`, of those that may be seen. The rows are looked at one by one: it costs as much as the fleet is large. */
export async function countSeenNodes(view: View | undefined, sql: Sql): Promise<NodeCount[]> {
  const sees = view?.filter;
  if (sees === undefined) return countNodes(sql);
  const nodes = await listNodes({ zone: '', driver: '', labels: {}, sees }, '', ALL, sql);
  const kinds = Map.groupBy(nodes, ({ zone, driver, powerState, problem }) =>
    JSON.stringify([zone, driver, powerState, isUnreadable(problem)]),
  );
  return [...kinds.values()].map(countAlike);
}

function countAlike(nodes: readonly NodeRow[]): NodeCount {
  const [{ zone, driver, powerState, problem }] = nodes as [NodeRow];
  const held = nodes.filter(({ heldBy }) => heldBy !== null).length;
  const maintenance = nodes.filter((node) => node.maintenance).length;
  return { zone, driver, powerState, unreadable: isUnreadable(problem), nodes: nodes.length, held, maintenance };
}

/** As `countUnsettled`, of those that may be seen. */
export async function countSeenTasks(view: View | undefined, sql: Sql): Promise<number> {
  if (view?.filter === undefined) return countUnsettled(sql);
  const tasks = await fullPage<PowerTaskRow, NewestMark>(
    { limit: ALL, after: null },
    (mark, atOnce) => listPowerTasks({ unsettled: true }, mark, atOnce, sql),
    (task) => task,
    (rows) => view.ofNodes(rows),
  );
  return tasks.length;
}

/** As `countPlans`, of those that may be seen. */
export async function countSeenPlans(
  states: readonly ActionPlanState[],
  view: View | undefined,
  sql: Sql,
): Promise<ReadonlyMap<string, number>> {
  if (view === undefined || view.rights.everywhere('plan.read')) return countPlans(states, sql);
  const plans = view.rights.may('plan.read') ? await view.plans(await listPlansIn(states, sql)) : [];
  return new Map([...Map.groupBy(plans, ({ state }) => state)].map(([state, alike]) => [state, alike.length]));
}
