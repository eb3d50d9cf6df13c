/** Plans by chance: a graph of any shape, small limits, and actions that take their time. */
import { TARGET_TABLE } from '../../src/core/power.ts';
import type { WantedAction, WantedPlan } from '../../src/server/plans/wanted.ts';
import type { SeededChance } from '../world/chance.ts';
import { ORDERS } from './power_orders.ts';
import { NODES } from './simulation.ts';

type Described = Pick<WantedAction, 'actionType' | 'inputParameters' | 'timeoutMs'>;

/** The reason of a `set_node_maintenance` is found on the node while what it set stands: so each is another. */
export function maintenanceReason(plan: string, action: string): string {
  return `set by ${action} of ${plan}`;
}

/** The larger takes more than one turn of the engine to be cancelled. */
const LARGE = [100, 100, 520];

/** A plan of 1 to 12 actions, now and then of many more, about one to four of the nodes. Its name is its own. */
export function randomPlan(name: string, chance: SeededChance): WantedPlan {
  const size = chance.happens(0.03) ? chance.pick(LARGE) : chance.between(1, 12);
  const large = LARGE.includes(size);
  const nodes = chance.pick([[chance.pick(NODES)], [chance.pick(NODES)], NODES.slice(0, 2), NODES.slice(2), NODES]);
  const actions = Array.from({ length: size }, (_, at) => ({
    ...(large && chance.happens(0.9) ? quickAction(chance) : anyAction(name, `a${at}`, chance.pick(nodes), chance)),
    name: `a${at}`,
    parents: parentsOf(at, chance),
  }));
  return {
    name,
    requestId: chance.uuid(),
    maxParallel: chance.pick([0, 0, 1, 2, 3]),
    canary: chance.happens(0.25) ? chance.between(1, Math.min(3, size)) : 0,
    onFailure: chance.pick(['STOP', 'CONTINUE', 'ROLLBACK']),
    actions: shuffled(actions, chance),
  };
}

/** A plan of one action that sets the maintenance of a node. */
export function maintenancePlan(name: string, node: string, chance: SeededChance): WantedPlan {
  const parameters = { resource_id: node, maintenance: true, reason: maintenanceReason(name, 'a0') };
  const action = { name: 'a0', actionType: 'set_node_maintenance', inputParameters: parameters };
  return {
    name,
    requestId: chance.uuid(),
    maxParallel: 0,
    canary: 0,
    onFailure: 'STOP',
    actions: [{ ...action, parents: [], timeoutMs: null }],
  };
}

/** Up to three of the actions before it. */
function parentsOf(at: number, chance: SeededChance): string[] {
  const count = at === 0 ? 0 : chance.pick([0, 1, 1, 2, 3]);
  return [...new Set(Array.from({ length: count }, () => `a${chance.between(0, at - 1)}`))];
}

function quickAction(chance: SeededChance): Described {
  if (chance.happens(0.7)) return { actionType: 'nop', inputParameters: {}, timeoutMs: null };
  return { actionType: 'sleep', inputParameters: { duration: chance.pick([0, 0.5, 3]) }, timeoutMs: null };
}

function anyAction(plan: string, name: string, node: string, chance: SeededChance): Described {
  const timeoutMs = chance.pick([null, null, null, 1000, 6000, 20_000, 100_000]);
  const kind = chance.pick(['quick', 'sleep', 'maintenance', 'power', 'power', 'power'] as const);
  if (kind === 'quick') return quickAction(chance);
  if (kind === 'power')
    return { actionType: 'change_node_power_state', inputParameters: powerParameters(node, chance), timeoutMs };
  if (kind === 'maintenance') {
    const maintenance = chance.happens(0.7);
    const reason = maintenance ? { reason: maintenanceReason(plan, name) } : {};
    const inputParameters = { resource_id: node, maintenance, ...reason };
    return { actionType: 'set_node_maintenance', inputParameters, timeoutMs };
  }
  // One that would sleep for hours is ended by its timeout.
  const duration = timeoutMs === null ? chance.pick([1, 5, 30]) : chance.pick([5, 10_000]);
  return { actionType: 'sleep', inputParameters: { duration }, timeoutMs };
}

function powerParameters(node: string, chance: SeededChance): Record<string, unknown> {
  const state = chance.pick(ORDERS);
  const timeout = chance.pick([undefined, 5, 40]);
  return {
    resource_id: node,
    state,
    ...(timeout === undefined ? {} : { timeout }),
    ...(TARGET_TABLE[state].soft && chance.happens(0.3) ? { on_timeout: 'FORCE' } : {}),
  };
}

/** The order in which a plan is written says nothing about its graph. */
function shuffled<T>(values: readonly T[], chance: SeededChance): T[] {
  const keys = new Map(values.map((value) => [value, chance.fraction()]));
  return [...values].sort((one, other) => (keys.get(one) ?? 0) - (keys.get(other) ?? 0));
}
