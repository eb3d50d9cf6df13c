/** Messages as JSON for programs: proto JSON, but enums by their names without prefix. */
import * as plan from '../../gen/countermand/v1/action_plan.ts';
import * as audit from '../../gen/countermand/v1/audit.ts';
import * as conductor from '../../gen/countermand/v1/conductor.ts';
import * as node from '../../gen/countermand/v1/node.ts';
import * as notification from '../../gen/countermand/v1/notification.ts';
import * as power from '../../gen/countermand/v1/power.ts';

/** What generated code offers for a message. */
export interface MessageType<M> {
  toJSON(message: M): unknown;
}

/** The pairs of long and short names of every enum in a generated module, asked from its own `...ToJSON` functions. */
function enumNames(generated: Readonly<Record<string, unknown>>): [long: string, short: string][] {
  return Object.entries(generated).flatMap(([name, members]) => {
    const write = generated[`${name.charAt(0).toLowerCase()}${name.slice(1)}ToJSON`];
    if (typeof write !== 'function' || typeof members !== 'object' || members === null) return [];
    const shorts = Object.entries(members).filter(([, value]) => typeof value === 'number' && value >= 0);
    return shorts.map(([short, value]): [string, string] => [write(value), short]);
  });
}

const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  [plan, audit, conductor, node, notification, power].flatMap(enumNames),
);

/** Where the message has a number and its JSON a text, there is an enum; a text that only looks like one stays. */
function shortenEnums(message: unknown, json: unknown): unknown {
  if (typeof json === 'string') return typeof message === 'number' ? (SHORT_NAMES.get(json) ?? json) : json;
  if (typeof json !== 'object' || json === null) return json;
  const source = message as Record<string, unknown>;
  if (Array.isArray(json)) return json.map((item, index) => shortenEnums(source[index], item));
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, shortenEnums(source[key], value)]));
}

/**
 * A message as plain JSON: lowerCamelCase names, times in ISO 8601, 64-bit numbers as text, enums as names without
 * prefix ("SOFT_POWER_OFF"). As ever in proto JSON, what has its default value is left out.
 */
export function toPlainJson<M>(type: MessageType<M>, message: M): unknown {
  return shortenEnums(message, type.toJSON(message));
}

/**
 * The same, but what has its default value is there too: `false`, `0`, an empty text or list, and `UNSPECIFIED` for an enum
 * that says nothing. Left out is only what is absent, such as a time that has not come.
 */
export function toFullJson<M>(type: MessageType<M>, message: M): unknown {
  return filledUp(message, toPlainJson(type, message), type.toJSON(withoutZeros(message) as M));
}

type Keyed = Readonly<Record<string, unknown>>;

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !(value instanceof Date) && !(value instanceof Uint8Array);

/** A copy in which every number 0 is 1, so that its JSON has all of them and shows which are enums. */
function withoutZeros(value: unknown): unknown {
  if (value === 0) return 1;
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (!isKeyed(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, withoutZeros(inside)]));
}

/** The JSON of a value, with the defaults that it leaves out. An enum is a text in `probed`, the JSON without zeros. */
function filledUp(value: unknown, json: unknown, probed: unknown): unknown {
  if (Array.isArray(value)) {
    const [items, probes] = [json ?? [], probed ?? []] as [unknown[], unknown[]];
    return value.map((item, index) => filledUp(item, items[index], probes[index]));
  }
  if (isKeyed(value)) {
    const [has, probes] = [json ?? {}, probed ?? {}] as [Keyed, Keyed];
    const present = Object.entries(value).filter(([, inside]) => inside !== undefined);
    return Object.fromEntries(present.map(([key, inside]) => [key, filledUp(inside, has[key], probes[key])]));
  }
  if (json !== undefined) return json;
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' && typeof probed === 'string' ? 'UNSPECIFIED' : value;
}
