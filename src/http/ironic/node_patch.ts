/** Patches of a node (RFC 6902, as far as Ironic's clients send it) as one change of the conductor. */
import * as z from 'zod';
import { type ErrorCode, fail } from '../../core/errors.ts';
import { HTTP_LIMITS } from '../../core/limits.ts';
import type { Node, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import { zoneOf } from './node_view.ts';

/** What Ironic's clients send. */
export const Patch = z
  .array(
    z.strictObject({
      op: z.enum(['add', 'replace', 'remove'], { error: 'it is add, replace or remove' }),
      path: z.string({ error: 'it is a text such as /extra/rack' }).regex(/^\//, 'it begins with a slash'),
      value: z.unknown().optional(),
    }),
    { error: 'the body is a list of patches' },
  )
  .min(1, 'the list of patches is empty')
  .max(HTTP_LIMITS.patches.limit, `the body is a list of at most ${HTTP_LIMITS.patches.limit} patches`);
type OnePatch = z.infer<typeof Patch>[number];

/** What can be changed, and what it is changed to. */
type Change = { -readonly [Key in keyof UpdateNodeRequest]?: UpdateNodeRequest[Key] };

/**
 * One change from all patches.
 * @throws ARGUMENT_INVALID, DRIVER_INFO_INVALID naming the patch; then nothing was changed
 */
export function changeFrom(patches: z.infer<typeof Patch>, node: Node): WholeChange & { node: string } {
  const change: WholeChange = {
    setDriverInfo: {},
    removeDriverInfo: [],
    setLabels: {},
    removeLabels: [],
  };
  for (const [at, patch] of patches.entries()) applyPatch(patch, `[${at}]`, change, node);
  return { node: node.uuid, ...change };
}

type Lists = 'setDriverInfo' | 'removeDriverInfo' | 'setLabels' | 'removeLabels';
type WholeChange = Required<Pick<Change, Lists>> & Change;

function applyPatch(patch: OnePatch, place: string, change: WholeChange, node: Node): void {
  const [, field = '', ...keys] = patch.path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const pairs = PAIRS.get(field);
  if (pairs) {
    changePairs(pairs, keys, patch, place, change, node);
    return;
  }
  const set = SINGLES.get(field);
  if (set === undefined || keys.length > 0)
    throw fail('ARGUMENT_INVALID', `${place}.path: ${whyNot(patch.path, field)}`);
  set(patch, `${place}.value`, change);
}

/** Fields with keys below them. */
interface Pairs {
  readonly set: 'setDriverInfo' | 'setLabels';
  readonly remove: 'removeDriverInfo' | 'removeLabels';
  readonly of: (node: Node) => Readonly<Record<string, string>>;
  readonly code: ErrorCode;
}

const PAIRS: ReadonlyMap<string, Pairs> = new Map(
  Object.entries({
    extra: { set: 'setLabels', remove: 'removeLabels', of: ({ labels }) => labels, code: 'ARGUMENT_INVALID' },
    driver_info: {
      set: 'setDriverInfo',
      remove: 'removeDriverInfo',
      of: ({ driverInfo }) => driverInfo,
      code: 'DRIVER_INFO_INVALID',
    },
  } satisfies Record<string, Pairs>),
);

function changePairs(
  { set, remove, of, code }: Pairs,
  keys: readonly string[],
  { op, path, value }: OnePatch,
  place: string,
  change: WholeChange,
  node: Node,
): void {
  const [key] = keys;
  if (keys.length > 1) throw fail(code, `${place}.path: ${path} is nested; values here are texts`);
  if (op === 'remove') {
    const known = Object.keys(of(node));
    const removed = key === undefined ? known : [key];
    const missing = removed.find((name) => !known.includes(name) && !Object.hasOwn(change[set], name));
    if (missing !== undefined) throw fail(code, `${place}.path: node ${node.name} has no ${path}`);
    for (const name of removed) delete change[set][name];
    change[remove] = [...change[remove], ...removed];
    return;
  }
  const given =
    key === undefined ? textsOf(value, `${place}.value`, code) : { [key]: textOf(value, `${place}.value`, code) };
  // A whole object takes the place of what was there.
  if (key === undefined) change[remove] = Object.keys(of(node)).filter((name) => !Object.hasOwn(given, name));
  change[set] = { ...change[set], ...given };
  change[remove] = change[remove].filter((name) => !Object.hasOwn(given, name));
}

type Single = (patch: OnePatch, place: string, change: WholeChange) => void;

const SINGLES: ReadonlyMap<string, Single> = new Map(
  Object.entries<Single>({
    name({ op, value }, place, change) {
      if (op === 'remove') throw fail('ARGUMENT_INVALID', `${place}: every node has a name here; it can be replaced`);
      change.name = textOf(value, place, 'ARGUMENT_INVALID');
    },
    conductor_group({ op, value }, place, change) {
      change.zone = zoneOf(op === 'remove' ? '' : textOf(value, place, 'ARGUMENT_INVALID'));
    },
    maintenance({ op, value }, place, change) {
      if (op !== 'remove' && typeof value !== 'boolean')
        throw fail('ARGUMENT_INVALID', `${place}: it is true or false`);
      change.maintenance = op !== 'remove' && value === true;
    },
    maintenance_reason({ op, value }, place, change) {
      change.maintenanceReason = op === 'remove' || value === null ? '' : textOf(value, place, 'ARGUMENT_INVALID');
    },
  }),
);

/** Fields of Ironic that people look for, and where to put them instead. */
export const OPAQUE = ['properties', 'resource_class', 'description', 'owner', 'lessee'];

function whyNot(path: string, field: string): string {
  const can = `it can be changed: ${[...SINGLES.keys(), ...PAIRS.keys()].join(', ')}`;
  if (field === 'driver') return `the driver of a node is fixed; delete the node and create it again`;
  if (OPAQUE.includes(field)) return `countermand keeps no ${field}; put it into extra`;
  return `${path.slice(0, 200)} cannot be changed; ${can}`;
}

/** Texts, and numbers and booleans as texts. @throws the code, naming the place */
export function textsOf(value: unknown, place: string, code: ErrorCode): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail(code, `${place}: it is an object`);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, textOf(each, `${place}.${key}`, code)]));
}

function textOf(value: unknown, place: string, code: ErrorCode): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw fail(code, `${place.slice(0, 300)}: it is ${kindOf(value)}; texts, numbers and booleans are kept, as texts`);
}

const kindOf = (value: unknown): string =>
  value === undefined ? 'missing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
