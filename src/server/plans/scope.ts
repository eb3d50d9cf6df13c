/** Scopes: which nodes an audit and its plans are about. The form is Watcher's: a list of sections, ours is `baremetal`. */

import * as z from 'zod';
import { asCountermandError, type CountermandError, failAt } from '../../core/errors.ts';
import { fieldOf, PLAIN_WORDS, pathText, quotedKeys } from '../../core/fault_places.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import { checkSize, eachName, expandInPortions, type RangeSize, sizeOfRange, sumOf } from '../../core/ranges.ts';
import type { Transaction } from '../store/database.ts';
import { byName, findNodes } from '../store/nodes.ts';
import type { NodeRow, ScopedNode } from '../store/rows.ts';
import { everyNodeAsOf, type NodesAsOf, nodesAsOf } from './nodes_as_of.ts';

const LIST_LIMIT = SENT_LIMITS.list.limit;
const words = z.array(z.string().min(1)).min(1).max(LIST_LIMIT);
const criteria = {
  nodes: words.optional(),
  zones: words.optional(),
  labels: z
    .record(z.string().min(1), z.string())
    .refine((labels) => Object.keys(labels).length > 0, 'name at least one label')
    .optional(),
};
const oneOnly = (item: object): boolean => Object.keys(item).length === 1;
const excluded = z.strictObject(criteria).refine(oneOnly, 'give one of nodes, zones, labels');
const included = z
  .strictObject({ ...criteria, exclude: z.array(excluded).min(1).max(LIST_LIMIT).optional() })
  .refine(oneOnly, 'give one of nodes, zones, labels, exclude');
const schema = z
  .array(z.strictObject({ baremetal: z.array(included).min(1).max(LIST_LIMIT) }))
  .max(LIST_LIMIT)
  .describe('Which nodes: a list of {baremetal: [...]}; empty is every node.');

/** A scope that is one. Whether there are such nodes is another question. */
export type Scope = z.infer<typeof schema>;
type Criterion = z.infer<typeof excluded>;
type Section = Scope[number]['baremetal'];

function invalid(place: string, rule: string): CountermandError {
  return failAt('SCOPE_INVALID', place, `${place}: ${rule}`);
}

/** True for a scope that begins with every node: an empty one, or one with a section that only excludes. */
export function coversEveryNode(scope: Scope): boolean {
  const excludesOnly = ({ baremetal }: Scope[number]): boolean =>
    baremetal.every(({ exclude }) => exclude !== undefined);
  return scope.length === 0 || scope.some(excludesOnly);
}

/** @throws SCOPE_INVALID with the path to each fault */
export function parseScope(scope: unknown): Scope {
  const parsed = schema.safeParse(scope, PLAIN_WORDS);
  if (parsed.success) return withinLimits(parsed.data);
  const { issues } = parsed.error;
  const sentences = issues.slice(0, 5).map((issue) => `${pathText(['scope', ...issue.path])}: ${sentenceOf(issue)}`);
  throw failAt('SCOPE_INVALID', fieldOf(issues[0], 'scope'), sentences.join('; '));
}

/** What one scope costs to evaluate is limited as a whole, not list by list. */
function withinLimits(scope: Scope): Scope {
  const criteria = scope.flatMap(({ baremetal }) =>
    baremetal.flatMap(({ exclude, ...own }) => [own, ...(exclude ?? [])]),
  );
  const count = criteria.reduce((sum, one) => sum + sizeOfCriterion(one), 0);
  if (count > SENT_LIMITS.scope_criteria.limit) throw exceeded(SENT_LIMITS.scope_criteria, 'scope', count);
  const sizes = criteria.flatMap(({ nodes }) => nodes ?? []).map(sizeOf);
  try {
    checkSize(sumOf(sizes), 'nodes');
  } catch (thrown) {
    throw invalid('scope', asCountermandError(thrown).message);
  }
  return scope;
}

/** What is looked at for each node of the fleet. */
const sizeOfCriterion = ({ zones, labels }: Criterion): number =>
  zones?.length ?? Math.max(1, Object.keys(labels ?? {}).length);

const NOTHING: RangeSize = { names: 0, characters: 0 };

/** What is no range is told with its place when it is expanded. */
function sizeOf(range: string): RangeSize {
  try {
    return sizeOfRange(range);
  } catch {
    return NOTHING;
  }
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const known = { 1: 'baremetal', 3: 'nodes, zones, labels, exclude' }[issue.path.length];
  return `there is no ${quotedKeys(issue.keys)}; there is ${known ?? 'nodes, zones, labels'}`;
}

/**
 * The nodes of a scope, among these, in their order. A node is in it if it is in one of the sections. It is in a section if
 * one of `nodes`, `zones`, `labels` means it, or there is none of these, and no `exclude` does. Of `labels` all must hold.
 * @throws SCOPE_INVALID if it names a node that is not there, or means none
 */
export function nodesInScope<Node extends ScopedNode>(scope: Scope, nodes: readonly Node[]): Node[] {
  if (scope.length === 0) return [...nodes];
  const known = new Map(nodes.flatMap((node) => [[node.name, node.uuid] as const, [node.uuid, node.uuid] as const]));
  const sections = scope.map(({ baremetal }, at) => inSection(baremetal, `scope[${at}].baremetal`, known));
  const found = nodes.filter((node) => sections.some((holds) => holds(node)));
  if (found.length === 0) throw invalid('scope', 'it means no node');
  return found;
}

type Test = (node: ScopedNode) => boolean;

function inSection(section: Section, place: string, known: ReadonlyMap<string, string>): Test {
  const means: Test[] = [];
  const spares: Test[] = [];
  for (const [at, { exclude, ...criterion }] of section.entries()) {
    if (!exclude) means.push(testOf(criterion, `${place}[${at}]`, known));
    for (const [index, spared] of (exclude ?? []).entries())
      spares.push(testOf(spared, `${place}[${at}].exclude[${index}]`, known));
  }
  const anyOf = (tests: readonly Test[], node: ScopedNode): boolean => tests.some((test) => test(node));
  return (node) => (means.length === 0 || anyOf(means, node)) && !anyOf(spares, node);
}

function testOf({ nodes, zones, labels = {} }: Criterion, place: string, known: ReadonlyMap<string, string>): Test {
  if (nodes) {
    const uuids = new Set(nodes.flatMap((range, at) => uuidsOf(range, `${place}.nodes[${at}]`, known)));
    return ({ uuid }) => uuids.has(uuid);
  }
  if (zones) {
    const meant = new Set(zones);
    return ({ zone }) => meant.has(zone);
  }
  const wanted = Object.entries(labels);
  return (node) => wanted.every(([name, value]) => node.labels[name] === value);
}

/** Each name is made when its turn comes: the first that no node has is told, and the others are not made. */
function uuidsOf(range: string, place: string, known: ReadonlyMap<string, string>): string[] {
  const uuids: string[] = [];
  try {
    for (const name of eachName(range)) {
      const uuid = known.get(name);
      if (uuid === undefined) throw invalid(place, `there is no node '${name}'`);
      uuids.push(uuid);
    }
  } catch (thrown) {
    const error = asCountermandError(thrown);
    throw error.code === 'SCOPE_INVALID' ? error : invalid(place, error.message);
  }
  return uuids;
}

/**
 * The nodes of a scope, in the order of their names; null if it is empty and so no limit. Not for a transaction, which has
 * `readCandidates` done before it.
 * @throws SCOPE_INVALID
 */
export async function findScopeOf(scope: unknown, sql: Transaction['sql']): Promise<NodeRow[] | null> {
  const candidates = await readCandidates(scope, sql);
  return candidates && scopeAmong(scope, candidates.nodes);
}

/** The nodes among which those of a scope are; null if it is empty and so no limit. @throws SCOPE_INVALID */
export async function readCandidates(scope: unknown, sql: Transaction['sql']): Promise<NodesAsOf | null> {
  const parsed = parseScope(scope);
  if (parsed.length === 0) return null;
  return isOfNames(parsed) ? nodesAsOf(sql, () => findNamed(parsed, sql)) : everyNodeAsOf(sql);
}

/**
 * The nodes of a scope that is not empty, among its candidates and any others.
 * @param sees a node that is named, and that it says no to, does not exist
 * @throws SCOPE_INVALID
 */
export function scopeAmong(
  scope: unknown,
  nodes: readonly NodeRow[],
  sees: (node: NodeRow) => boolean = () => true,
): NodeRow[] {
  const parsed = parseScope(scope);
  // Named against those that are seen first: what is named and hidden is told as what is not there.
  const seen = nodes.filter(sees);
  if (seen.length < nodes.length) nodesInScope(parsed, seen);
  return nodesInScope(parsed, nodes);
}

/** True if it means nodes by their names alone: then it costs what it names, and not what the fleet has. */
function isOfNames(scope: Scope): boolean {
  const sections = scope.map(({ baremetal }) => baremetal.filter(({ exclude }) => exclude === undefined));
  return sections.every((means) => means.length > 0 && means.every(({ nodes }) => nodes !== undefined));
}

async function findNamed(scope: Scope, sql: Transaction['sql']): Promise<NodeRow[]> {
  const criteria = scope.flatMap(({ baremetal }) => baremetal.flatMap((item) => [item, ...(item.exclude ?? [])]));
  const ranges = criteria.flatMap(({ nodes }) => nodes ?? []).filter((range) => sizeOf(range).names > 0);
  const found = await findNodes(await expandInPortions(ranges, 'scope'), sql);
  return [...new Set(found.values())].sort(byName);
}
