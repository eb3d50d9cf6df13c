/** Single nodes: enrolled, shown, changed, forgotten, checked. */
import * as z from 'zod';
import { CountermandError, fail } from '../../core/errors.ts';
import { MASK } from '../../core/masking.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { ok } from '../answer.ts';
import { names, uuid } from '../query.ts';
import { type IsRecent, isEqual } from '../repeated.ts';
import { type Route, route } from '../route.ts';
import { nodeIn, nodeNamed, targetsOfDrivers } from './ask_nodes.ts';
import { changeFrom, OPAQUE, Patch, textsOf } from './node_patch.ts';
import { FIELDS, FullNode, pickFields, toFullNode, zoneOf } from './node_view.ts';

/** What Ironic calls the driver that pretends. */
const FAKE_HARDWARE = 'fake-hardware';

const text = (what: string) =>
  z.string({ error: ({ input }) => (input === undefined ? `it is missing; ${what}` : what) });

/** Sent with nothing in it, what countermand does not keep is no news. */
const nothingIn = (field: string) =>
  z
    .unknown()
    .refine(
      (value) => value === null || (typeof value === 'object' && Object.keys(value).length === 0),
      `countermand keeps no ${field}; put it into extra`,
    )
    .optional();

const NewNode = z.strictObject({
  name: text('every node has a name here'),
  driver: text('it is the name of a driver, such as ipmi'),
  driver_info: z.unknown().optional(),
  extra: z.unknown().optional(),
  conductor_group: text('it is a text').optional(),
  uuid: uuid.optional(),
  ...Object.fromEntries(OPAQUE.map((field) => [field, nothingIn(field)])),
});

/** A node that others change is read and patched this often at most. */
const PATCH_ATTEMPTS = 5;

/** Patches a node as it was read: what another request or a reading has changed since is read anew. @throws REVISION_MISMATCH after the last attempt */
async function patchNode(ident: string, patches: z.infer<typeof Patch>, conductor: Clients): Promise<Node> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await nodeNamed(ident, conductor);
    const change = { ...changeFrom(patches, before), revision: before.revision };
    try {
      return nodeIn(await conductor.nodes.updateNode(change));
    } catch (error) {
      const isOvertaken = error instanceof CountermandError && error.code === 'REVISION_MISMATCH';
      if (!isOvertaken || attempt === PATCH_ATTEMPTS) throw error;
    }
  }
}

/** What CreateNode is told. */
interface Wanted {
  readonly name: string;
  readonly driver: string;
  readonly driverInfo: Record<string, string>;
  readonly labels: Record<string, string>;
  readonly zone: string;
  readonly uuid: string;
}

/** Enrols a node, or finds the one that an earlier attempt of the same request has enrolled. */
async function enrol(wanted: Wanted, isRecent: IsRecent, { nodes }: Clients): Promise<Node> {
  try {
    return nodeIn(await nodes.createNode(wanted));
  } catch (error) {
    if (!(error instanceof CountermandError && error.code === 'NODE_NAME_TAKEN')) throw error;
    const node = await nodes.getNode({ node: wanted.name }).then(nodeIn, () => null);
    if (node !== null && isRecent(node.createdAt) && isAsWanted(node, wanted)) return node;
    throw error;
  }
}

function isAsWanted(node: Node, { driver, driverInfo, labels, zone, uuid }: Wanted): boolean {
  // A secret is not shown, so it is taken for the same.
  const shown = Object.entries(driverInfo).map(([key, value]) => [key, node.driverInfo[key] === MASK ? MASK : value]);
  return (
    (uuid === '' || uuid === node.uuid) &&
    isEqual([node.driver, node.zone, node.labels], [driver, zone, labels]) &&
    isEqual(node.driverInfo, Object.fromEntries(shown))
  );
}

const Maintenance = z.strictObject({ reason: z.string({ error: 'it is a text' }).nullish() }).optional();

const Validity = z.object({ result: z.boolean(), reason: z.string().optional() });
const Validation = z.object({ power: Validity, management: Validity });

/** Enrols, changes and forgets. */
const CHANGES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/nodes',
    chapter: 'ironic',
    says: 'enrols a node; its BMC is read right after',
    command: 'baremetal node create',
    calls: 'NodeService.CreateNode',
    differs:
      'A node has a name. A node that was enrolled less than `repetition_window` ago with the same words is answered, not refused. `extra` is the labels, `driver_info` texts: numbers and booleans become texts, anything else is refused. `properties`, `resource_class`, `description` and `owner` are refused, not dropped. The driver `fake-hardware` is `fake`.',
    status: 201,
    body: NewNode,
    answer: FullNode,
    async handle({ body, base, isRecent, conductor }) {
      const wanted = {
        name: body.name,
        driver: body.driver === FAKE_HARDWARE ? 'fake' : body.driver,
        driverInfo: textsOf(body.driver_info ?? {}, 'driver_info', 'DRIVER_INFO_INVALID'),
        labels: textsOf(body.extra ?? {}, 'extra', 'ARGUMENT_INVALID'),
        zone: zoneOf(body.conductor_group ?? ''),
        uuid: body.uuid ?? '',
      };
      const node = await enrol(wanted, isRecent, conductor);
      // The node is there: nothing may make it look refused.
      const targetsOf = await targetsOfDrivers(conductor).catch(() => () => []);
      const view = toFullNode(node, targetsOf, base);
      return { status: 201, body: view, headers: { Location: `${base}/v1/nodes/${view.uuid}` } };
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/nodes/{node}',
    chapter: 'ironic',
    says: 'changes a node; all patches are one change',
    command: 'baremetal node set, unset',
    calls: 'NodeService.GetNode, UpdateNode',
    differs:
      'What can be changed: `/name`, `/conductor_group`, `/maintenance`, `/maintenance_reason`, `/extra` and `/driver_info`, whole or by key. The driver is fixed. A stored secret is given again with a change of where or how it is sent.',
    status: 200,
    body: Patch,
    answer: FullNode,
    async handle({ params, body, base, conductor }) {
      const targetsOf = await targetsOfDrivers(conductor);
      return ok(toFullNode(await patchNode(params.node ?? '', body, conductor), targetsOf, base));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/nodes/{node}',
    chapter: 'ironic',
    says: 'forgets a node',
    command: 'baremetal node delete',
    calls: 'NodeService.DeleteNode',
    status: 204,
    async handle({ params, conductor }) {
      await conductor.nodes.deleteNode({ node: params.node ?? '' });
      return { status: 204 };
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/nodes/{node}/maintenance',
    chapter: 'ironic',
    says: 'puts a node into maintenance',
    command: 'baremetal node maintenance set',
    calls: 'NodeService.UpdateNode',
    differs: 'It goes through while a power task holds the node, and stops neither readings nor orders.',
    status: 202,
    body: Maintenance,
    async handle({ params, body, conductor }) {
      const maintenanceReason = body?.reason ?? '';
      await conductor.nodes.updateNode({ node: params.node ?? '', maintenance: true, maintenanceReason });
      return { status: 202 };
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/nodes/{node}/maintenance',
    chapter: 'ironic',
    says: 'takes a node out of maintenance',
    command: 'baremetal node maintenance unset',
    calls: 'NodeService.UpdateNode',
    status: 202,
    async handle({ params, conductor }) {
      await conductor.nodes.updateNode({ node: params.node ?? '', maintenance: false });
      return { status: 202 };
    },
  }),
];

/** Shows and checks. */
const READINGS: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/nodes/{node}',
    chapter: 'ironic',
    says: 'answers one node, by name or uuid',
    command: 'baremetal node show',
    calls: 'NodeService.GetNode, ConductorService.ListDrivers',
    differs:
      '`provision_state` is always null: countermand does not provision. `reservation` is the power task that holds the node. `supported_power_states`, `power_state_read_at`, `may_still_change_until` and `problem` are there beside the fields of Ironic. `last_error` is empty after the next good reading.',
    status: 200,
    query: z.strictObject({ fields: names.optional().describe('Only these fields, between commas.') }),
    answer: z.union([FullNode, z.record(z.string(), z.unknown())]),
    async handle({ params, query, base, conductor }) {
      const unknown = (query.fields ?? []).filter((field) => !FIELDS.includes(field));
      if (unknown.length > 0)
        throw fail('ARGUMENT_INVALID', `fields: unknown: ${unknown.join(', ')}; a node has ${FIELDS.join(', ')}`);
      const node = await nodeNamed(params.node ?? '', conductor);
      const view = toFullNode(node, await targetsOfDrivers(conductor), base);
      return ok(query.fields ? pickFields(view, query.fields) : view);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/nodes/{node}/validate',
    chapter: 'ironic',
    says: 'lets the driver check the stored driver_info, without contact with the BMC',
    command: 'baremetal node validate',
    calls: 'NodeService.ValidateNode',
    differs: 'Only `power` and `management` are there: countermand has no other interfaces.',
    status: 200,
    answer: Validation,
    async handle({ params, conductor }) {
      const { valid, reason } = await conductor.nodes.validateNode({ node: params.node ?? '' });
      const validity = valid ? { result: true } : { result: false, reason };
      return ok({ power: validity, management: validity } satisfies z.infer<typeof Validation>);
    },
  }),
];

/** The routes of single nodes. */
export const NODE_ROUTES: readonly Route[] = [...READINGS, ...CHANGES];
