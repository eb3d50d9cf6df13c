/**
 * From bytes to messages. A message becomes many times its bytes in memory, so its size and its parts are limited before it is
 * decoded. A plan may be large: it is decoded action by action, and other calls are served in between.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { CountermandError, fail } from '../../core/errors.ts';
import { LOST_KEY } from '../../core/json_parts.ts';
import { exceeded, exceededWhole, type LimitRow, SENT_LIMITS } from '../../core/limits.ts';
import { nextPortion } from '../../core/long_work.ts';
import { CreateActionPlanRequest, NewAction, PreviewActionPlanRequest } from '../../gen/countermand/v1/action_plan.ts';

/** Decodes a plan, and counts what it reads. */
type PlanReader = (bytes: Uint8Array, budget: Budget) => Promise<unknown>;

/** The RPCs whose message has a whole plan in it. */
const WHOLE_PLANS: Readonly<Record<string, PlanReader>> = {
  '/countermand.v1.ActionPlanService/CreateActionPlan': readPlan,
  '/countermand.v1.ActionPlanService/PreviewActionPlan': readPreview,
};

/** True for an RPC whose message has a whole plan in it. */
export const isWholePlan = (path: string): boolean => WHOLE_PLANS[path] !== undefined;

/** How large the message of an RPC may be. */
export const sizeLimitOf = (path: string): LimitRow =>
  isWholePlan(path) ? SENT_LIMITS.plan_message_bytes : SENT_LIMITS.message_bytes;

/** How many parts are read before others are served. */
const PORTION = 10_000;

/** What may still be read of one message. */
class Budget {
  readonly #row: LimitRow;
  readonly #place: string;
  #left: number;
  #nextPause: number;

  constructor(row: LimitRow, place: string) {
    this.#row = row;
    this.#place = place;
    this.#left = row.limit;
    this.#nextPause = row.limit - PORTION;
  }

  /** A reader that throws MESSAGE_TOO_LARGE when the budget is spent. Nested messages are read by the same reader. */
  reader(bytes: Uint8Array): BinaryReader {
    const reader = new BinaryReader(bytes);
    const read = reader.uint32;
    const spend = (): void => this.#spend();
    reader.uint32 = function count(this: BinaryReader): number {
      spend();
      return read.call(this);
    };
    return reader;
  }

  #spend(): void {
    this.#left -= 1;
    if (this.#left < 0) throw exceededWhole(this.#row, this.#place, `more than ${this.#row.limit}`);
  }

  /** Serves others after each portion. */
  async pause(): Promise<void> {
    if (this.#left > this.#nextPause) return;
    this.#nextPause = this.#left - PORTION;
    await nextPortion();
  }
}

/** A message that is decoded, or refused, where that can be an answer of ours: the transport would call it a fault of the server. */
class Unread {
  readonly bytes: Uint8Array;
  readonly type: MessageType;

  constructor(bytes: Uint8Array, type: MessageType) {
    this.bytes = bytes;
    this.type = type;
  }
}

interface MessageType {
  decode(bytes: Uint8Array | BinaryReader): unknown;
}

interface Definition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, { readonly name: string; readonly requestType: MessageType }>>;
}

/** The same service, whose requests are still bytes when they arrive: `readMessage` decodes them. */
export function unread<T extends Definition>(definition: T): T {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const { requestType } = method;
    const decode = (bytes: Uint8Array): Unread => new Unread(bytes, requestType);
    return [key, { ...method, requestType: { ...requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

/**
 * The message of a call of `unread`; another is answered as it is.
 * @throws MESSAGE_TOO_LARGE, ARGUMENT_INVALID if the bytes are not a message of the RPC
 */
export async function readMessage<T>(message: T, path: string): Promise<T> {
  if (!(message instanceof Unread)) return message;
  const limit = sizeLimitOf(path);
  if (message.bytes.length > limit.limit) throw exceededWhole(limit, path.slice(1), message.bytes.length);
  return (await decode(message, path, SENT_LIMITS.message_parts)) as T;
}

/**
 * Refuses a message of too many parts for a decoder that costs more than ours.
 * @throws MESSAGE_TOO_LARGE, ARGUMENT_INVALID if the bytes are not a message of the RPC
 */
export async function refuseParts(bytes: Uint8Array, type: MessageType, path: string, row: LimitRow): Promise<void> {
  await decode({ bytes, type }, path, row);
}

/** A key of a map or of a payload as it is written: field 1 of an entry, its length, its text. A name in field 1 looks the same. */
const LOST_FIELD = Buffer.concat([Buffer.from([0x0a, LOST_KEY.length]), Buffer.from(LOST_KEY)]);

async function decode({ bytes, type }: Pick<Unread, 'bytes' | 'type'>, path: string, row: LimitRow): Promise<unknown> {
  // The decoder would drop it: a filter for that label alone would find every node.
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(LOST_FIELD))
    throw fail('ARGUMENT_INVALID', `${path.slice(1)}: ${LOST_KEY} can be neither a key nor a name`);
  const budget = new Budget(row, path.slice(1));
  try {
    return await (WHOLE_PLANS[path]?.(bytes, budget) ?? type.decode(budget.reader(bytes)));
  } catch (error) {
    if (error instanceof CountermandError) throw error;
    const { message } = error as Error;
    throw fail('ARGUMENT_INVALID', `${path.slice(1)}: the bytes are not a message of this RPC (${message})`);
  }
}

/** The numbers of the fields that hold what is large. */
const ACTIONS = 2;
const WANTED = 2;

async function readPlan(bytes: Uint8Array, budget: Budget): Promise<CreateActionPlanRequest> {
  const { held, rest } = await split(bytes, ACTIONS, budget);
  const plan = CreateActionPlanRequest.decode(budget.reader(atOnce(rest, 'the plan without its actions')));
  if (held.length > SENT_LIMITS.actions.limit) throw exceeded(SENT_LIMITS.actions, 'actions', held.length);
  for (const [at, action] of held.entries()) {
    plan.actions.push(NewAction.decode(budget.reader(atOnce(action, `actions[${at}]`))));
    await budget.pause();
  }
  return plan;
}

async function readPreview(bytes: Uint8Array, budget: Budget): Promise<PreviewActionPlanRequest> {
  const { held, rest } = await split(bytes, WANTED, budget);
  const preview = PreviewActionPlanRequest.decode(budget.reader(atOnce(rest, 'the preview without its plan')));
  // A message that is there twice is one, with the fields of both (protobuf, "last one wins").
  if (held.length > 0) preview.wanted = await readPlan(Buffer.concat(held), budget);
  return preview;
}

/** The values of one field of a message, and the bytes of all its other fields. */
async function split(bytes: Uint8Array, field: number, budget: Budget) {
  const held: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  const reader = budget.reader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [found, type] = reader.tag();
    if (found === field && type === WireType.LengthDelimited) held.push(reader.bytes());
    else {
      reader.skip(type, found);
      rest.push(bytes.subarray(start, reader.pos));
    }
    await budget.pause();
  }
  return { held, rest: Buffer.concat(rest) };
}

/** Bytes that are decoded in one go, while others wait. */
function atOnce(bytes: Uint8Array, place: string): Uint8Array {
  if (bytes.length > SENT_LIMITS.message_bytes.limit) throw exceeded(SENT_LIMITS.message_bytes, place, bytes.length);
  return bytes;
}
