/** Patches of a node (RFC 6902, as far as Ironic's clients send it) as one change of the conductor. */
import * as z from 'zod';
import { type ErrorCode, fail } from '../../core/errors.ts';
import { LOST_KEY } from '../../core/json_parts.ts';
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

/** What the patches so far make of a field with keys: the keys that stay as they are, and those that are given. */
interface Pairs {
  readonly code: ErrorCode;
  readonly stays: Set<string>;
  readonly given: Map<string, string>;
}

type PairField = 'extra' | 'driver_info';

/** What one list of patches changes. */
interface Patched {
  readonly change: Change;
  readonly pairs: Readonly<Record<PairField, Pairs>>;
}

const pairsOf = (values: Readonly<Record<string, string>>, code: ErrorCode): Pairs => ({
  code,
  stays: new Set(Object.keys(values)),
  given: new Map(),
});

/**
 * One change from all patches, each of which finds what those before it have made.
 * @throws ARGUMENT_INVALID, DRIVER_INFO_INVALID naming the patch; then nothing was changed
 */
export function changeFrom(patches: z.infer<typeof Patch>, node: Node): Change & { node: string } {
  const { labels, driverInfo } = node;
  const extra = pairsOf(labels, 'ARGUMENT_INVALID');
  const info = pairsOf(driverInfo, 'DRIVER_INFO_INVALID');
  const patched: Patched = { change: {}, pairs: { extra, driver_info: info } };
  for (const [at, patch] of patches.entries()) applyPatch(patch, `[${at}]`, patched, node.name);
  const gone = (values: object, { stays, given }: Pairs): string[] =>
    Object.keys(values).filter((key) => !stays.has(key) && !given.has(key));
  return {
    node: node.uuid,
    ...patched.change,
    setDriverInfo: Object.fromEntries(info.given),
    removeDriverInfo: gone(driverInfo, info),
    setLabels: Object.fromEntries(extra.given),
    removeLabels: gone(labels, extra),
  };
}

const isPairField = (field: string): field is PairField => field === 'extra' || field === 'driver_info';

function applyPatch(patch: OnePatch, place: string, { change, pairs }: Patched, node: string): void {
  const [, field = '', ...keys] = patch.path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (isPairField(field)) {
    changePairs(pairs[field], keys, patch, place, node);
    return;
  }
  const set = SINGLES.get(field);
  if (set === undefined || keys.length > 0)
    throw fail('ARGUMENT_INVALID', `${place}.path: ${whyNot(patch.path, field)}`);
  set(patch, `${place}.value`, change);
}

function changePairs(
  { code, stays, given }: Pairs,
  keys: readonly string[],
  { op, path, value }: OnePatch,
  place: string,
  node: string,
): void {
  const [key] = keys;
  if (keys.length > 1) throw fail(code, `${place}.path: ${path} is nested; values here are texts`);
  if (key === LOST_KEY) throw fail(code, `${place}.path: ${LOST_KEY} cannot be a key`);
  if (key === undefined) {
    // A whole object takes the place of what was there.
    const whole = op === 'remove' ? {} : textsOf(value, `${place}.value`, code);
    stays.clear();
    given.clear();
    for (const [name, text] of Object.entries(whole)) given.set(name, text);
  } else if (op === 'remove') {
    const [wasGiven, didStay] = [given.delete(key), stays.delete(key)];
    if (!wasGiven && !didStay) throw fail(code, `${place}.path: node ${node} has no ${path}`);
  } else given.set(key, textOf(value, `${place}.value`, code));
}

type Single = (patch: OnePatch, place: string, change: Change) => void;

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
  const can = `these can: /${[...SINGLES.keys(), 'extra', 'driver_info'].join(', /')}`;
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
