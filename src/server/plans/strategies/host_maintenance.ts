import * as z from 'zod';
import type { WantedAction } from '../wanted.ts';
import { countFates, type Drain, disableAll, drainActions, drainOf, drainParameters, emptyName } from './drain.ts';
import { isComputeHost, lookAtHosts, seenOf } from './looking.ts';
import type { SeenNode } from './seen.ts';
import { defineStrategy, propose, shortName, softOff, softOffParameters } from './strategy.ts';

const schema = z.strictObject({
  reason: z.string().max(1000).default('host maintenance').describe('Why; it is kept with each node.'),
  wave_size: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe(
      'The number of nodes that are powered off before the next batch begins, at most max_parallel of them at once.',
    ),
  ...softOffParameters,
  ...drainParameters,
});
type Parameters = z.infer<typeof schema>;

/**
 * The strategy `host_maintenance`: every node of the scope goes into maintenance and is powered off softly, wave by wave. Nodes that are
 * hosts of a compute service are drained first.
 * What was off before is in the plan as well, so that its before-image is recorded: the plan's rollback brings each node
 * back to what it was, then its compute service, and then its instances.
 */
export const hostMaintenance = defineStrategy<Parameters>({
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a21',
  name: 'host_maintenance',
  displayName: 'Host maintenance',
  meaning:
    'puts the nodes of the scope into maintenance and powers them off softly, wave by wave; instances of a compute service are moved away first',
  goal: {
    uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a22',
    name: 'cluster_maintaining',
    displayName: 'Cluster maintaining',
    indicators: [
      { name: 'nodes_in_maintenance', description: 'Nodes that the plan puts into maintenance.', unit: null },
      { name: 'nodes_powered_off', description: 'Nodes that are not off and that the plan powers off.', unit: null },
      { name: 'instances_moved_live', description: 'Instances that are migrated live.', unit: null },
      { name: 'instances_moved_cold', description: 'Instances that are migrated cold, with a restart.', unit: null },
      { name: 'instances_stopped', description: 'Instances that are shut down, and stay.', unit: null },
      { name: 'instances_left', description: 'Instances that are left on their hosts as they are.', unit: null },
    ],
  },
  actsOnScope: true,
  schema,
  look: async (nodes, { move_instances: moves }, clouds, signal) =>
    moves ? lookAtHosts(nodes, clouds, signal) : new Map(),
  propose(nodes, parameters, looked) {
    const waves = wavesOf(nodes, parameters.wave_size);
    const hosts = parameters.move_instances ? nodes.filter(isComputeHost) : [];
    const drains = new Map(hosts.map((node) => [node.uuid, drainOf(node, seenOf(node, looked), parameters)]));
    const all = [...drains.values()];
    return {
      actions: [
        ...disableAll(all, parameters.reason),
        ...waves.flatMap((wave, at) => drainWave(wave, at, drains, parameters)),
        ...nodes.map((node) => maintain(node, parameters, drains.get(node.uuid))),
        ...waves.flatMap((wave, at) => powerOffWave(wave, at, at === waves.length - 1, parameters)),
      ],
      efficacy: {
        nodes_in_maintenance: nodes.filter(({ maintenance }) => !maintenance).length,
        nodes_powered_off: nodes.filter(({ powerState }) => powerState !== 'power off').length,
        instances_moved_live: countFates(all, 'live'),
        instances_moved_cold: countFates(all, 'cold'),
        instances_stopped: countFates(all, 'stop'),
        instances_left: countFates(all, 'leave'),
      },
    };
  },
});

/** The moves of a wave begin when the wave before is down: what goes wrong is seen with few hosts drained. */
function drainWave(
  wave: readonly SeenNode[],
  at: number,
  drains: ReadonlyMap<string, Drain>,
  parameters: Parameters,
): readonly WantedAction[] {
  const after = at === 0 ? [] : [downName(at - 1)];
  return wave.flatMap(({ uuid }) => {
    const drain = drains.get(uuid);
    return drain === undefined ? [] : drainActions(drain, parameters, after);
  });
}

function wavesOf(nodes: readonly SeenNode[], size: number): (readonly SeenNode[])[] {
  const count = Math.ceil(nodes.length / size);
  return Array.from({ length: count }, (_, at) => nodes.slice(at * size, (at + 1) * size));
}

const maintainName = (node: SeenNode): string => `maintain ${shortName(node)}`;
const downName = (at: number): string => `wave ${at + 1} is down`;

function maintain(node: SeenNode, { reason }: Parameters, drain: Drain | undefined): WantedAction {
  const given = { resource_id: node.name, maintenance: true, reason };
  return propose(maintainName(node), 'set_node_maintenance', given, drain ? [emptyName(drain)] : []);
}

/** The power offs of a wave, and a nop that the next wave waits for: far fewer parents than from each node to each. */
function powerOffWave(
  wave: readonly SeenNode[],
  at: number,
  isLast: boolean,
  parameters: Parameters,
): readonly WantedAction[] {
  const before = at === 0 ? [] : [downName(at - 1)];
  const offs = wave.map((node) => softOff(node, parameters, [maintainName(node), ...before]));
  if (isLast) return offs;
  const names = offs.map(({ name }) => name);
  return [...offs, propose(downName(at), 'nop', {}, names)];
}
