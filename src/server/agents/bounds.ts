/**
 * The limits on what agents say: one for each text and list of their messages. A field that is new in the contract does not compile
 * until it has one. The numbers are those of core/limits.ts. What passes can be stored: it fits, and has no character NUL.
 */

import { asCountermandError, failAt } from '../../core/errors.ts';
import { AGENT_LIMITS, exceeded, KEPT_LIMITS, type LimitRow, SENT_LIMITS } from '../../core/limits.ts';
import { cutText } from '../../core/texts.ts';
import type {
  Answer,
  AttachRequest,
  Heartbeat,
  Hello,
  NodeTraits,
  Parsed,
  Probed,
  Reading,
  TaskError,
  TaskReport,
} from '../../gen/countermand/v1/agent.ts';

/** What becomes of more than the limit: the rest is cut, the field counts as absent, or the message is refused. */
type Over = 'cut' | 'absent' | 'refuse';

/** The limit of a text, or of the entries of a list. */
export interface FieldBound {
  readonly row: LimitRow;
  readonly over: Over;
  /** What each entry of a list is held to. Null: it is no list, or one of numbers. */
  readonly each: FieldBound | MessageBounds | null;
}

/** The limits of a message, by field. */
export interface MessageBounds {
  readonly [field: string]: FieldBound | MessageBounds;
}

/** Fields that have as many values as their type, and cost nothing more. */
type Small = number | boolean | Date;

type BoundOf<Value> = Value extends string
  ? FieldBound
  : Value extends readonly (infer Entry)[]
    ? FieldBound & { readonly each: Entry extends Small ? null : BoundOf<Entry> }
    : Bounds<Value>;

/** A limit for each field of a message that can be large. */
type Bounds<Message> = {
  readonly [Field in keyof Message as NonNullable<Message[Field]> extends Small ? never : Field]-?: BoundOf<
    NonNullable<Message[Field]>
  >;
};

/** The cases of a oneof, by name. */
type Cases<Choice> = {
  readonly [Case in Choice as Case extends { readonly $case: infer Name extends string } ? Name : never]: Case extends {
    readonly value: infer Value;
  }
    ? Bounds<Value>
    : never;
};

const text = (over: Over, row: LimitRow) => ({ row, over, each: null }) as const;
const listOf = <Each>(over: Over, row: LimitRow, each: Each) => ({ row, over, each }) as const;

const KEPT_TEXT = text('cut', KEPT_LIMITS.agent_text);
/** A part of an id is another id, or none. */
const ID = text('absent', SENT_LIMITS.name);

const TASK_ERROR: Bounds<TaskError> = { code: ID, message: KEPT_TEXT };
const TRAITS: Bounds<NodeTraits> = { recalls: listOf('cut', AGENT_LIMITS.targets, null) };
// A GUID or a place that is cut could be that of another server: two BMCs would become one.
const READING: Bounds<Reading> = { guid: text('absent', KEPT_LIMITS.guid), place: text('absent', KEPT_LIMITS.place) };

const HELLO: Bounds<Hello> = {
  agentUuid: text('refuse', AGENT_LIMITS.agent_uuid),
  name: text('refuse', SENT_LIMITS.name),
  zones: listOf('refuse', AGENT_LIMITS.zones, text('refuse', SENT_LIMITS.name)),
  drivers: listOf('refuse', AGENT_LIMITS.drivers, {
    name: text('refuse', AGENT_LIMITS.driver_name),
    driverInfoSchema: text('refuse', AGENT_LIMITS.driver_schema),
    targets: listOf('refuse', AGENT_LIMITS.targets, null),
    recalls: listOf('refuse', AGENT_LIMITS.targets, null),
  }),
};

const REPORT: Bounds<TaskReport> = {
  taskUuid: ID,
  before: READING,
  observed: READING,
  error: TASK_ERROR,
  abort: { reason: KEPT_TEXT, observed: READING },
  unreadable: TASK_ERROR,
  traits: TRAITS,
  sent: KEPT_TEXT,
};

const PARSED: Bounds<Parsed> = { bmcKey: text('refuse', AGENT_LIMITS.bmc_key) };
const PROBED: Bounds<Probed> = {
  targets: listOf('cut', AGENT_LIMITS.targets, null),
  reason: KEPT_TEXT,
  traits: TRAITS,
};
const ANSWERS: Cases<NonNullable<Answer['answer']>> = {
  error: TASK_ERROR,
  parsed: PARSED,
  reading: READING,
  probed: PROBED,
};

const HEARTBEAT: Bounds<Heartbeat> = {
  sessions: listOf('cut', AGENT_LIMITS.drivers, { driver: text('absent', AGENT_LIMITS.driver_name) }),
};

/** The limits of all that an agent says, by message. */
export const AGENT_BOUNDS = {
  hello: HELLO,
  heartbeat: HEARTBEAT,
  report: REPORT,
  answer: ANSWERS,
  farewell: {},
} as const satisfies Record<NonNullable<AttachRequest['message']>['$case'], MessageBounds>;

/** @throws ARGUMENT_INVALID naming the place, if a text or list of a hello is beyond its limit */
export function boundHello(hello: Hello): Hello {
  return held(hello, HELLO, 'hello') as Hello;
}

/** A heartbeat within its limits. */
export function boundHeartbeat(heartbeat: Heartbeat): Heartbeat {
  return held(heartbeat, HEARTBEAT, 'heartbeat') as Heartbeat;
}

/** A report within its limits. */
export function boundReport(report: TaskReport): TaskReport {
  return held(report, REPORT, 'report') as TaskReport;
}

/** An answer within its limits. One that cannot be cut becomes an error. */
export function boundAnswer(answer: NonNullable<Answer['answer']>): NonNullable<Answer['answer']> {
  try {
    return { $case: answer.$case, value: held(answer.value, ANSWERS[answer.$case], answer.$case) } as typeof answer;
  } catch (thrown) {
    const { code, message } = asCountermandError(thrown);
    return { $case: 'error', value: { code, message } };
  }
}

function held(value: unknown, bound: FieldBound | MessageBounds, place: string): unknown {
  if (value === undefined) return value;
  return isOfField(bound)
    ? heldField(value as string | unknown[], bound, place)
    : heldMessage(value as object, bound, place);
}

const isOfField = (bound: FieldBound | MessageBounds): bound is FieldBound => 'row' in bound && 'over' in bound;

/** A text with the character NUL, which not every database can store. */
const hasNul = (value: string | unknown[]): boolean => typeof value === 'string' && value.includes('\0');

function heldField(given: string | unknown[], { row, over, each }: FieldBound, place: string): unknown {
  if (over === 'refuse' && hasNul(given)) throw failAt(row.error, place, `${place} contains the character NUL`);
  if (over === 'absent' && hasNul(given)) return '';
  const value = typeof given === 'string' && hasNul(given) ? given.replaceAll('\0', '\ufffd') : given;
  const isOver = value.length > row.limit;
  if (isOver && over === 'refuse') throw exceeded(row, place, value.length);
  if (isOver && over === 'absent') return typeof value === 'string' ? '' : [];
  if (typeof value === 'string') return isOver ? cutText(value, row.limit) : value;
  const kept = isOver ? value.slice(0, row.limit) : value;
  if (each === null) return kept;
  return kept.map((entry, at) => held(entry, each, `${place}[${at}]`));
}

function heldMessage(message: object, bounds: MessageBounds, place: string): object {
  const kept: Record<string, unknown> = { ...message };
  for (const [field, bound, name] of fieldsOf(bounds)) kept[field] = held(kept[field], bound, `${place}.${name}`);
  return kept;
}

/** The fields of messages that have been held to their limits, with the names of the contract: agents send the same ones again and again. */
const fields = new WeakMap<MessageBounds, readonly (readonly [string, FieldBound | MessageBounds, string])[]>();

function fieldsOf(bounds: MessageBounds): readonly (readonly [string, FieldBound | MessageBounds, string])[] {
  const known = fields.get(bounds);
  if (known !== undefined) return known;
  const all = Object.entries(bounds).map(([field, bound]) => [field, bound, protoName(field)] as const);
  fields.set(bounds, all);
  return all;
}

const protoName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
