/** One plan that is cancelled and crashed at every moment of its run. */
import type { ExecutionContext } from 'ava';
import type { World } from '../world/world.ts';
import { endWorld, make, softOff, wanted, worldWith } from './plan_making.ts';

/** One action, then two side by side, then one that waits for the quicker of them. */
export const RACK = [
  wanted('in', 'set_node_maintenance', { resource_id: 'n1', maintenance: true, reason: 'rack' }),
  softOff('n1', ['in']),
  wanted('nap', 'sleep', { duration: 2 }, ['in']),
  wanted('rest', 'nop', {}, ['nap']),
];

/**
 * Runs RACK, does `meddle` just before the conductor's touch of its database of this number, and lets all come to rest.
 * Returns null if it has fewer.
 */
export async function runRack(
  t: ExecutionContext,
  touches: number,
  meddle: (world: World) => void,
): Promise<World | null> {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', RACK);
  const wasDone = world.conductorProcess.meddleAtTouch(touches, () => meddle(world));
  await world.conductor.plans.start('p1', false).catch(() => {});
  await world.clock.turn(2 * 60_000);
  if (wasDone()) return world;
  await endWorld(world);
  return null;
}

/** The plans and actions whose every `cancel.start` has not exactly one end. */
export function unpaired(told: readonly string[]): string[] {
  const open = new Map<string, number>();
  for (const line of told) {
    const [type = '', name = ''] = line.split(' ');
    const [, about, phase] = /^(action|action_plan)\.cancel\.(start|end|error)$/.exec(type) ?? [];
    if (about) open.set(`${about} ${name}`, (open.get(`${about} ${name}`) ?? 0) + (phase === 'start' ? 1 : -1));
  }
  return [...open].filter(([, count]) => count !== 0).map(([about]) => about);
}

/** How often a line was told. */
export const times = (told: readonly string[], line: string): number => told.filter((each) => each === line).length;

/** RACK with an order that may be sent again after a crash. */
const HARD_RACK = RACK.map((action) =>
  action.name === 'n1' ? { ...action, inputParameters: { resource_id: 'n1', state: 'power off' } } : action,
);

/**
 * Starts the plan, or cancels it a second after its start, with a conductor that dies at its touch of the database of this
 * number and is started again. Returns null if it has fewer.
 */
export async function crashRack(t: ExecutionContext, touch: number, cancelled: boolean): Promise<World | null> {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', cancelled ? RACK : HARD_RACK);
  const { conductor } = world;
  if (cancelled) {
    await conductor.plans.start('p1', false);
    await world.clock.turn(1000);
  }
  world.conductorProcess.dieAtTouch(touch);
  const order = cancelled ? conductor.plans.cancel('p1', '') : conductor.plans.start('p1', false);
  await order.catch(() => {});
  for (let second = 0; second < 5 && world.conductorAlive; second += 1) await world.clock.turn(1000);
  const died = !world.conductorAlive;
  if (died) await world.startConductor();
  await world.clock.turn(3 * 60_000);
  if (died) return world;
  await endWorld(world);
  return null;
}
