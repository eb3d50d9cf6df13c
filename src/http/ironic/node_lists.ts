/** Lists of nodes: filters, fields, order and pages. */
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import { type Answer, ok } from '../answer.ts';
import { nextPage } from '../pages.ts';
import { direction, flag, limit, names, uuid } from '../query.ts';
import { type Ask, type Route, route } from '../route.ts';
import { targetsOfDrivers } from './ask_nodes.ts';
import { FIELDS, FullNode, pickFields, ShortNode, toFullNode, toShortNode, zoneOf } from './node_view.ts';

const Query = z.strictObject({
  limit: limit.optional().describe('The page size, at most 1000; 0 means 1000.'),
  marker: uuid.optional().describe('The page begins after this node.'),
  sort_key: z.enum(['name'], { error: 'lists are sorted by name' }).optional(),
  sort_dir: direction.optional(),
  fields: names.optional().describe('Only these fields, between commas.'),
  detail: flag.optional().describe('Whole nodes.'),
  maintenance: flag.optional(),
  driver: z.string().optional(),
  conductor_group: z.string().optional().describe('The zone; empty is the zone `default`.'),
  associated: flag.optional().describe('No node has an instance.'),
  instance_uuid: z.string().optional().describe('No node has an instance.'),
  provision_state: z.string().optional().describe('No node has one.'),
  resource_class: z.string().optional().describe('No node has one.'),
  fault: z.string().optional().describe('No node has one.'),
  owner: z.string().optional().describe('No node has one.'),
  lessee: z.string().optional().describe('No node has one.'),
  chassis_uuid: z.string().optional().describe('No node has one.'),
  retired: flag.optional().describe('No node is retired.'),
});
type ListQuery = z.infer<typeof Query>;

const Link = z.object({ href: z.string(), rel: z.string() });
const Page = z.object({
  nodes: z.array(z.union([FullNode, ShortNode, z.record(z.string(), z.unknown())])),
  next: z.string().optional(),
  nodes_links: z.array(Link).optional(),
});

/** What no node here has: a list of the nodes that have it is empty. */
const NEVER = [
  'instance_uuid',
  'provision_state',
  'resource_class',
  'fault',
  'owner',
  'lessee',
  'chassis_uuid',
] as const;

async function list(ask: Ask<ListQuery>, whole: boolean): Promise<Answer> {
  const { query, base, url, conductor } = ask;
  if (whole && query.fields)
    throw fail('ARGUMENT_INVALID', 'fields: whole nodes have every field; leave one of the two');
  const unknown = (query.fields ?? []).filter((field) => !FIELDS.includes(field));
  if (unknown.length > 0)
    throw fail('ARGUMENT_INVALID', `fields: unknown: ${unknown.join(', ')}; a node has ${FIELDS.join(', ')}`);
  const isNever = query.associated || query.retired || NEVER.some((name) => query[name] !== undefined);
  const pageSize = isNever ? 1 : (query.limit ?? 1000);
  const { nodes, nextPageToken } = await conductor.nodes.listNodes({
    pageSize,
    after: query.marker ?? '',
    zone: query.conductor_group === undefined ? '' : zoneOf(query.conductor_group),
    driver: query.driver ?? '',
    maintenance: query.maintenance,
    descending: query.sort_dir === 'desc',
  });
  // Asked all the same: who may not list nodes is told so, whatever the filter.
  if (isNever) return ok({ nodes: [] });
  const view = await viewOf(ask, whole);
  const last = nodes.at(-1);
  const more = nextPageToken !== '' && last ? { next: nextPage(base, url, last.uuid, pageSize) } : null;
  return ok({
    nodes: nodes.map(view),
    ...(more && { ...more, nodes_links: [{ rel: 'next', href: more.next }] }),
  } satisfies z.infer<typeof Page>);
}

async function viewOf(
  { query, base, conductor }: Ask<ListQuery>,
  whole: boolean,
): Promise<(node: Node) => Record<string, unknown>> {
  const { fields } = query;
  if (!whole && !fields) return (node) => toShortNode(node, base);
  const targetsOf = await targetsOfDrivers(conductor);
  const full = (node: Node) => toFullNode(node, targetsOf, base);
  return fields ? (node) => pickFields(full(node), fields) : full;
}

/** The routes that list nodes. */
export const NODE_LIST_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/nodes',
    chapter: 'ironic',
    says: 'lists nodes, by name, at most 1000 a page; `next` repeats the filters',
    command: 'baremetal node list',
    calls: 'NodeService.ListNodes',
    differs:
      'The order is that of names, both ways; other sort keys are refused. Filters on what no node here has give an empty list. Ironic leaves the filters out of `next`, and gives a `next` after the last full page.',
    status: 200,
    query: Query,
    answer: Page,
    handle: (ask) => list(ask, ask.query.detail ?? false),
  }),
  route({
    method: 'GET',
    path: '/v1/nodes/detail',
    chapter: 'ironic',
    says: 'lists whole nodes; filters and pages are those of `/v1/nodes`',
    command: 'baremetal node list --long',
    calls: 'NodeService.ListNodes, ConductorService.ListDrivers',
    status: 200,
    query: Query,
    answer: Page,
    handle: (ask) => list(ask, true),
  }),
];
