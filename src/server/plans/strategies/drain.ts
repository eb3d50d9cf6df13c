/** How the instances of hosts are moved away, as actions. */

import * as z from 'zod';
import type { Instance } from '../../../compute/compute.ts';
import { fail } from '../../../core/errors.ts';
import { cutText } from '../../../core/texts.ts';
import { mayStay } from '../actions/compute/looking.ts';
import type { WantedAction } from '../wanted.ts';
import type { HostSeen, SeenNode } from './seen.ts';
import { propose } from './strategy.ts';

/** The parameters of a strategy that moves instances. */
export const drainParameters = {
  move_instances: z
    .boolean()
    .default(true)
    .describe(
      'Move the instances away from nodes with the label compute_host first; without it, whatever runs there goes down.',
    ),
  live: z.boolean().default(true).describe('Instances that run are migrated live.'),
  cold: z
    .boolean()
    .default(true)
    .describe(
      'Instances that are shut off, or run and are not migrated live, are migrated cold: their guests are restarted.',
    ),
  cannot_move: z
    .enum(['refuse', 'stop', 'leave'])
    .default('refuse')
    .describe(
      'Instances that can be moved in neither way: no plan is made, those that run are shut down and stay, or they are left as they are. What would run on while its host goes down lets no plan be made either.',
    ),
  moves_at_once: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('How many instances of one host are moved at the same time.'),
  move_timeout: z
    .int()
    .min(1)
    .max(86_400)
    .default(3600)
    .describe('Seconds that the move of one instance may take; then it is taken back.'),
};
const schema = z.strictObject(drainParameters);
type Parameters = z.infer<typeof schema>;

/** What becomes of an instance. */
type Fate = 'live' | 'cold' | 'stop' | 'leave';

/** A host and what becomes of its instances. */
export interface Drain {
  readonly node: SeenNode;
  readonly seen: HostSeen;
  readonly fates: readonly { readonly instance: Instance; readonly fate: Fate }[];
}

/**
 * What becomes of the instances of a host.
 * @throws HOST_NOT_READY naming everything that is in the way of a drain: then no plan is made
 */
export function drainOf(node: SeenNode, seen: HostSeen, parameters: Parameters): Drain {
  const { host, service, instances, moves } = seen;
  const busy = instances
    .filter(isBusy)
    .map(({ name, status, taskState }) => `${name} is ${status}${taskState ? `, ${taskState}` : ''}`);
  const fates = instances.map((instance) => ({ instance, fate: fateOf(instance, parameters) }));
  // Of one that is off already, and empty, nothing has to be moved.
  const isAsked = fates.some(({ fate }) => fate !== 'leave');
  const isDown =
    service.state === 'down' && isAsked ? [`nova-compute of ${host} is down: nothing can be moved from it`] : [];
  const cannot = fates.flatMap(({ instance, fate }) => objectionTo(instance, fate, parameters) ?? []);
  const inTheWay = [...isDown, ...moves, ...busy, ...cannot];
  if (inTheWay.length === 0) return { node, seen, fates };
  const more = inTheWay.length > 10 ? `; and ${inTheWay.length - 10} more` : '';
  throw fail('HOST_NOT_READY', `node ${node.name}, host ${host}: ${inTheWay.slice(0, 10).join('; ')}${more}`);
}

/** Why no plan is made because of this fate of an instance; null if one may be. */
function objectionTo({ name, status }: Instance, fate: Fate, { cannot_move: otherwise }: Parameters): string | null {
  if (fate !== 'leave' && fate !== 'stop') return null;
  if (otherwise === 'refuse') return `${name} is ${status} and cannot be moved (cannot_move)`;
  if (fate === 'stop' || mayStay({ status })) return null;
  const instead = status === 'ACTIVE' ? '; cannot_move: stop shuts it down' : '';
  return `${name} is ${status} and cannot be moved, and would be left on a host that goes down${instead}`;
}

/** A person works on it, or has to decide about it. */
const isBusy = ({ status, taskState }: Instance): boolean =>
  taskState !== null || ['BUILD', 'VERIFY_RESIZE'].includes(status);

function fateOf({ status }: Instance, { live, cold, cannot_move: otherwise }: Parameters): Fate {
  if (live && ['ACTIVE', 'PAUSED'].includes(status)) return 'live';
  if (cold && ['ACTIVE', 'SHUTOFF'].includes(status)) return 'cold';
  return otherwise !== 'leave' && status === 'ACTIVE' ? 'stop' : 'leave';
}

/** How many instances have this fate. */
export function countFates(drains: readonly Drain[], wanted: Fate): number {
  return drains.reduce((sum, { fates }) => sum + fates.filter(({ fate }) => fate === wanted).length, 0);
}

/** What follows the moves of a host: nothing is on it. */
export const emptyName = (drain: Drain): string => `${drain.seen.title} is empty`;
const DISABLED = 'compute services are disabled';

/** The services of all hosts, before anything is moved: no instance goes to a host that is drained next. */
export function disableAll(drains: readonly Drain[], reason: string): WantedAction[] {
  const disables = drains.map((drain) =>
    propose(`disable ${drain.seen.title}`, 'change_compute_service_state', {
      resource_id: drain.node.name,
      state: 'disabled',
      disabled_reason: cutText(`countermand: ${reason}`, 255),
    }),
  );
  const names = disables.map(({ name }) => name);
  return drains.length === 0 ? [] : [...disables, propose(DISABLED, 'nop', {}, names)];
}

/** The moves of one host, as many at once as wanted, and the look at what is left. @param after what they wait for besides */
export function drainActions(drain: Drain, parameters: Parameters, after: readonly string[]): WantedAction[] {
  const { node, fates } = drain;
  const moving = fates.filter(({ fate }) => fate !== 'leave');
  const moves: WantedAction[] = [];
  for (const [at, { instance, fate }] of moving.entries()) {
    const before = moves[at - parameters.moves_at_once];
    const parents = before ? [before.name] : [DISABLED, ...after];
    const given = { resource_id: node.name, instance: instance.uuid };
    const action = fate === 'stop' ? 'stop_instance' : 'migrate';
    const how = fate === 'stop' ? given : { ...given, kind: fate, confirm: fate === 'cold' };
    const name = `${fate === 'stop' ? 'stop' : `move ${fate}`} ${label(instance)}`;
    moves.push({ ...propose(name, action, how, parents), timeoutMs: parameters.move_timeout * 1000 });
  }
  const stays = fates.filter(({ fate }) => fate === 'leave').map(({ instance }) => leave(drain, instance));
  const except = fates.filter(({ fate }) => fate === 'leave' || fate === 'stop').map(({ instance }) => instance.uuid);
  const last = moves.slice(-parameters.moves_at_once).map(({ name }) => name);
  const parents = last.length === 0 ? [DISABLED, ...after] : last;
  return [
    ...stays,
    ...moves,
    propose(emptyName(drain), 'check_compute_host', { resource_id: node.name, except }, parents),
  ];
}

const label = ({ name, uuid }: Instance): string => `${cutText(name, 150)} (${uuid})`;

/** Nothing is done with it, and the plan says so before it starts. */
function leave(drain: Drain, instance: Instance): WantedAction {
  return propose(`leave ${label(instance)}`, 'nop', {
    message: cutText(`${cutText(instance.name, 300)} is ${instance.status} and stays on ${drain.seen.host}`, 1000),
  });
}
