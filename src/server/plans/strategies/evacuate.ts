import * as z from 'zod';
import type { Instance } from '../../../compute/compute.ts';
import { fail, failAt } from '../../../core/errors.ts';
import { cutText } from '../../../core/texts.ts';
import type { WantedAction } from '../wanted.ts';
import { isComputeHost, lookAtHosts, seenOf } from './looking.ts';
import type { HostSeen, Looked, SeenNode } from './seen.ts';
import { defineStrategy, propose, shortName } from './strategy.ts';

const schema = z.strictObject({
  reason: z.string().min(1).max(200).default('the host is dead').describe('Why; the compute service keeps it.'),
  moves_at_once: z
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe('How many instances of one host are built anew at the same time.'),
  move_timeout: z.int().min(1).max(86_400).default(3600).describe('Seconds that one instance may take.'),
});
type Parameters = z.infer<typeof schema>;

/** What Nova evacuates. */
const EVACUATED = ['ACTIVE', 'SHUTOFF', 'ERROR'];

/**
 * The strategy `evacuate`: a dead host is powered off, and only when its node is seen off its instances are built anew elsewhere. Of a host
 * that only seems dead there would be two guests on one volume otherwise.
 */
export const evacuate = defineStrategy<Parameters>({
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a41',
  name: 'evacuate',
  displayName: 'Evacuation of dead hosts',
  meaning:
    'powers the nodes of the scope off hard and builds their instances anew elsewhere. It cannot be undone: what was on local disks is lost',
  goal: {
    uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a42',
    name: 'instance_recovery',
    displayName: 'Recovery of instances',
    indicators: [
      { name: 'nodes_powered_off', description: 'Nodes that are powered off first.', unit: null },
      { name: 'instances_evacuated', description: 'Instances that are built anew. This cannot be undone.', unit: null },
      { name: 'instances_left', description: 'Instances that cannot be evacuated.', unit: null },
    ],
  },
  actsOnScope: true,
  schema,
  look: (nodes, _parameters, clouds, signal) => lookAtHosts(nodes, clouds, signal),
  propose(nodes, parameters, looked) {
    const hosts = nodes.map((node) => ({ node, seen: seenDead(node, looked) }));
    const count = (can: boolean): number =>
      hosts.reduce((sum, { seen }) => sum + seen.instances.filter((each) => canBeEvacuated(each) === can).length, 0);
    return {
      actions: hosts.flatMap(({ node, seen }) => evacuateHost(node, seen, parameters)),
      efficacy: { nodes_powered_off: nodes.length, instances_evacuated: count(true), instances_left: count(false) },
    };
  },
});

const canBeEvacuated = ({ status }: Instance): boolean => EVACUATED.includes(status) || status === 'MIGRATING';

/** @throws HOST_NOT_READY for a host that lives, AUDIT_INVALID for a node that is none */
function seenDead(node: SeenNode, looked: Looked): HostSeen {
  if (!isComputeHost(node))
    throw failAt('AUDIT_INVALID', 'scope', `node ${node.name} has no label compute_host: there is nothing to evacuate`);
  const seen = seenOf(node, looked);
  if (seen.service.state === 'down') return seen;
  throw fail(
    'HOST_NOT_READY',
    `nova-compute of ${seen.host} (node ${node.name}) is up: the host is not dead; host_maintenance moves instances away from one that lives`,
  );
}

function evacuateHost(
  node: SeenNode,
  seen: HostSeen,
  { reason, moves_at_once: atOnce, move_timeout: timeout }: Parameters,
) {
  const off = `power off ${shortName(node)}`;
  const down = `${seen.title} is told to be down`;
  const actions: WantedAction[] = [
    propose(off, 'change_node_power_state', { resource_id: node.name, state: 'power off' }),
    propose(
      down,
      'change_compute_service_state',
      {
        resource_id: node.name,
        state: 'disabled',
        disabled_reason: `countermand: ${reason}`,
        forced_down: true,
      },
      [off],
    ),
  ];
  const moves: WantedAction[] = [];
  for (const { uuid, name } of seen.instances.filter(canBeEvacuated)) {
    const before = moves[moves.length - atOnce];
    const given = { resource_id: node.name, instance: uuid };
    const action = propose(`evacuate ${cutText(name, 150)} (${uuid})`, 'evacuate_instance', given, [
      before?.name ?? down,
    ]);
    moves.push({ ...action, timeoutMs: timeout * 1000 });
  }
  const left = seen.instances
    .filter((each) => !canBeEvacuated(each))
    .map(({ name, uuid, status }) =>
      propose(`leave ${cutText(name, 150)} (${uuid})`, 'nop', { message: `it is ${status} and cannot be evacuated` }),
    );
  return [...actions, ...left, ...moves];
}
