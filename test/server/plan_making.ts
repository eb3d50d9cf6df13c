/** Plans for tests: made from short words, run in a world, and read back. */

import type { ExecutionContext } from 'ava';
import type { ActionState } from '../../src/core/states.ts';
import { createActionPlan } from '../../src/server/plans/create.ts';
import type { WantedAction, WantedPlan } from '../../src/server/plans/wanted.ts';
import { listActions } from '../../src/server/store/actions.ts';
import { readEvents } from '../../src/server/store/events.ts';
import type { ActionPlanRow } from '../../src/server/store/plan_rows.ts';
import { getContext } from '../../src/server/store/plans.ts';
import type { WorldSettings } from '../world/settings.ts';
import { World } from '../world/world.ts';

/** An action that a client wants: `wanted('down', 'nop', {}, ['drain'])`. */
export function wanted(
  name: string,
  actionType: string,
  inputParameters: WantedAction['inputParameters'] = {},
  parents: readonly string[] = [],
): WantedAction {
  return { name, actionType, inputParameters, parents, timeoutMs: null };
}

/** A soft power off of a node, as an action of the node's name. */
export function softOff(node: string, parents: readonly string[] = []): WantedAction {
  return wanted(node, 'change_node_power_state', { resource_id: node, state: 'soft power off' }, parents);
}

/** Makes a plan. Its name is its request_id. */
export function make(
  world: World,
  name: string,
  actions: readonly WantedAction[],
  more: Partial<WantedPlan> = {},
): Promise<ActionPlanRow> {
  const plan = { name, requestId: name, maxParallel: 0, canary: 0, onFailure: 'STOP' as const, actions, ...more };
  return createActionPlan(plan, world.conductor);
}

/** A world with an agent and nodes whose operating systems take a minute to stop, and which can be asked not to. */
export function worldWith(t: ExecutionContext, ...nodes: readonly string[]): Promise<World> {
  return worldLike(t, {}, ...nodes);
}

/** As `worldWith`, with settings. */
export async function worldLike(
  t: ExecutionContext,
  settings: WorldSettings,
  ...nodes: readonly string[]
): Promise<World> {
  const world = await World.open(t, settings);
  await world.startAgent('a1');
  for (const node of nodes) await world.enrol(node, { fake_soft_ms: '60000' });
  return world;
}

/** Where a plan and its actions stand, by name. */
export interface Standing {
  readonly plan: ActionPlanRow;
  readonly actions: Readonly<Record<string, ActionState>>;
}

/** Where a plan stands, by its request_id. */
export async function standing(world: World, name: string): Promise<Standing> {
  const { read } = world.database;
  const { uuid } = await read('action_plans').where('request_id', name).first('uuid');
  const { plan } = await getContext(uuid, read);
  const actions = await listActions(uuid, -1, 50_000, read);
  return { plan, actions: Object.fromEntries(actions.map((action) => [action.name, action.state])) };
}

/** What the events of a world say of plans and actions: `action.cancel.start down CANCELLING`. */
export async function story(world: World): Promise<string[]> {
  const events = await readEvents(0, 50_000, world.database.read);
  return events.flatMap(({ eventType, payload }) => {
    if (!/^action(_plan)?\./.test(eventType)) return [];
    const { name, state } = payload['watcher_object.data'] as { name: string; state: string };
    return [`${eventType} ${name} ${state}`];
  });
}

/** Ends a world; what our own code logged as a fault is thrown. */
export async function endWorld(world: World): Promise<void> {
  const faults = world.faults.splice(0);
  await world.end();
  await world.close();
  if (faults.length > 0) throw new Error(faults.join('; '));
}
