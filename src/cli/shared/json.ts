/** Messages as JSON for programs: proto JSON, but enums by their names without prefix. */
import * as plan from '../../gen/countermand/v1/action_plan.ts';
import * as audit from '../../gen/countermand/v1/audit.ts';
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

const SHORT_NAMES: ReadonlyMap<string, string> = new Map([plan, audit, node, notification, power].flatMap(enumNames));

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
