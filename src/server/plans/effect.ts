/** What an order would do besides taking nodes down: what a person is told before it is given. Nothing is written. */
import { naturally } from '../../core/natural_order.ts';
import { type Recall, recallOf, TARGET_TABLE } from '../../core/power.ts';
import { ACTION_PLAN_RUNNING, type ActionPlanState } from '../../core/states.ts';
import type { Limits } from '../power/limits.ts';
import type { Transaction } from '../store/database.ts';
import { findDriversOf } from '../store/drivers.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { byAge, listPlansMeeting } from '../store/plans.ts';
import type { NodeRow } from '../store/rows.ts';
import { type OrderGiven, parseParameters } from './actions/action_type.ts';
import { findActionType } from './actions/list.ts';
import { waitsForApproval } from './possible.ts';
import { canBecomeStale } from './supersede.ts';
import { isOff, type Step } from './takes_down.ts';

/** What an order would do if it were given now. */
export interface Effect {
  readonly nodes: number;
  /** The first of them in the order of their names. */
  readonly nodeNames: readonly string[];
  /** Those that are not known to be off. */
  readonly running: number;
  readonly held: number;
  /** How many power orders can be taken back how far. */
  readonly recalls: Readonly<Record<Recall, number>>;
  readonly longestTimeoutMs: number;
  /** Plans that run, or were started before. */
  readonly inTheWay: readonly ActionPlanRow[];
  /** Plans that its launch supersedes, those among them that wait for a second person. */
  readonly supersedes: readonly ActionPlanRow[];
}

/** At most this many nodes are named. */
const NAMED = 100;
/** At most this many plans are told. */
const PLANS = 100;

/**
 * What these actions would do.
 * @param about the nodes that their plan is about; the plan itself, if it was made, as it does not meet itself; and whether a plan in the
 *   queue is superseded by it, instead of coming before it
 */
export async function effectOf(
  steps: readonly Step[],
  about: {
    readonly nodeUuids: readonly string[];
    readonly plan: ActionPlanRow | null;
    readonly supersedes?: ((waiting: ActionPlanRow) => boolean) | undefined;
  },
  limits: Limits,
  sql: Transaction['sql'],
): Promise<Effect> {
  const nodes = new Map(steps.flatMap(({ node }) => (node ? [[node.uuid, node] as const] : [])));
  const all = [...nodes.values()];
  const orders = steps.flatMap((step) => orderOf(step) ?? []);
  const others = async (states: readonly ActionPlanState[], rollbacks: boolean): Promise<ActionPlanRow[]> =>
    (await listPlansMeeting(about.nodeUuids, { states, rollbacks }, PLANS + 1, sql)).filter(
      ({ uuid }) => uuid !== about.plan?.uuid,
    );
  const waiting = await others(['PENDING'], true);
  const isBefore = (plan: ActionPlanRow): boolean => !waitsForApproval(plan) && !about.supersedes?.(plan);
  return {
    nodes: all.length,
    nodeNames: all
      .map(({ name }) => name)
      .sort(naturally)
      .slice(0, NAMED),
    running: all.filter((node) => !isOff(node)).length,
    held: all.filter(({ heldBy }) => heldBy !== null).length,
    recalls: await recallsOf(orders, all, sql),
    longestTimeoutMs: orders.reduce((longest, { order }) => Math.max(longest, timeoutOf(order, limits)), 0),
    inTheWay: oldest([...(await others(ACTION_PLAN_RUNNING, true)), ...waiting.filter(isBefore)]),
    // A rollback never becomes stale.
    supersedes: oldest([
      ...(await others(['RECOMMENDED'], false)),
      ...waiting.filter((plan) => !isBefore(plan) && canBecomeStale(plan)),
    ]),
  };
}

const oldest = (plans: readonly ActionPlanRow[]): ActionPlanRow[] => plans.toSorted(byAge).slice(0, PLANS);

interface OrderedNode {
  readonly order: OrderGiven;
  readonly node: NodeRow;
}

/** The power order that an action gives; null if it gives none. */
export function orderOf({ actionType, inputParameters, node }: Step): OrderedNode | null {
  const type = findActionType(actionType);
  const order = type ? type.orders(parseParameters(type, inputParameters, actionType)) : null;
  return order && node && { order, node };
}

async function recallsOf(
  orders: readonly OrderedNode[],
  nodes: readonly NodeRow[],
  sql: Transaction['sql'],
): Promise<Record<Recall, number>> {
  const drivers = await findDriversOf(nodes, sql);
  const recalls: Record<Recall, number> = { BY_HARDWARE: 0, STOP_WAITING_ONLY: 0, IRREVOCABLE_ONCE_SENT: 0 };
  for (const { order, node } of orders) {
    const recall = recallOf(order.target, drivers.get(node.uuid)?.recalls ?? []);
    // What becomes hard cannot be taken back then.
    recalls[order.forced ? 'IRREVOCABLE_ONCE_SENT' : recall] += 1;
  }
  return recalls;
}

/** How long an order may take once it is sent: a soft reboot has a second half, and so has what is forced. */
function timeoutOf({ target, timeoutMs, forced }: OrderGiven, limits: Limits): number {
  const { softPowerOffTimeoutMs, powerStateChangeTimeoutMs } = limits;
  if (!TARGET_TABLE[target].soft) return timeoutMs ?? powerStateChangeTimeoutMs;
  const halves = (target === 'soft rebooting' ? 1 : 0) + (forced ? 1 : 0);
  return (timeoutMs ?? softPowerOffTimeoutMs) + halves * powerStateChangeTimeoutMs;
}
