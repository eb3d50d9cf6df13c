/** What every RPC shares: its signal, and the one place where an error becomes a status. */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';
import { ServerError, Status } from 'nice-grpc';
import type { Chance } from '../../core/chance.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { KEPT_LIMITS } from '../../core/limits.ts';
import { ERROR_CODE_KEY, STATUS_DETAILS_KEY } from '../../core/metadata.ts';
import { type Cancellation, onAbort, openCancellation } from '../../core/signals.ts';
import { cutText } from '../../core/texts.ts';
import type { Disk } from '../disk.ts';
import type { Log } from '../log.ts';
import { encodeStatus } from './details.ts';
import { sayable } from './errors.ts';
import type { Guard } from './guards.ts';

/**
 * Runs a streaming RPC under the signal of its call: aborted with CALL_ENDED when the client stops listening and with
 * SHUTTING_DOWN when the conductor stops. It stops the streaming, never the work.
 */
export async function* underCall<T>(
  context: CallContext,
  shutdown: AbortSignal,
  stream: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const cancellation = openCall(context, shutdown);
  try {
    yield* stream(cancellation.signal);
  } finally {
    cancellation.end();
  }
}

/**
 * Runs the part of a unary RPC that waits for others under the signal of its call, which is aborted as that of `underCall`.
 * What `work` asks of agents is taken back at the abort.
 */
export async function inCall<T>(
  context: CallContext,
  shutdown: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancellation = openCall(context, shutdown);
  try {
    return await work(cancellation.signal);
  } finally {
    cancellation.end();
  }
}

/** Made once: to note where an error came from takes long, and thousands of calls may be reset. */
export const CLIENT_GONE = fail('CALL_ENDED', 'the client stopped listening; the work goes on');

function openCall(context: CallContext, shutdown: AbortSignal): Cancellation {
  const cancellation = openCancellation([shutdown]);
  const unlink = onAbort(context.signal, () => cancellation.abort(CLIENT_GONE));
  const end = (): void => {
    unlink();
    cancellation.end();
  };
  return { ...cancellation, end };
}

/** True for the RPCs of health: a load balancer asks for it, and has no credentials. */
export const isOpenToAll = (path: string): boolean => path.startsWith('/grpc.health.v1.Health/');

/** The path of the only RPC of agents. */
export const ATTACH = '/countermand.v1.AgentService/Attach';

/** Refuses what begins work while the disk is full. */
export function refuseWhenFull(disk: Disk): Guard {
  return ({ method, request, requestStream }) => {
    if (!requestStream) disk.admit(method.path, request);
  };
}

/** A sentence may repeat what the request said, and a status that is too long breaks the connection. */
const SENTENCE_LIMIT = KEPT_LIMITS.answer_text.limit;

/** An error as it goes over the wire. */
interface WireAnswer {
  readonly error: ServerError;
  readonly code: string;
  readonly details: Uint8Array | null;
}

/** Thousands of streams may end by the same error: a shutdown. It is put into bytes once. */
const answers = new WeakMap<CountermandError, WireAnswer>();

function answerTo(said: CountermandError): WireAnswer {
  const known = answers.get(said);
  if (known) return known;
  const message = cutText(said.message, SENTENCE_LIMIT);
  const status = Status[said.row.status];
  const error = new ServerError(status, message);
  const answer = { error, code: said.code, details: encodeStatus(said, status, message) };
  answers.set(said, answer);
  return answer;
}

/**
 * Turns every error into a status with its code; what is not an error of ours into INTERNAL with an id for the log.
 * @param inTime waits for the answer of a call that is no stream; what it rejects with is said to the caller, whatever becomes of the call
 */
export function errorsToStatus(
  { log, chance }: { readonly log: Log; readonly chance: Chance },
  inTime: <T>(answer: Promise<T>) => Promise<T>,
): ServerMiddleware {
  return async function* toStatus<Request, Response>(
    call: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ) {
    try {
      if (call.requestStream || call.responseStream) return yield* call.next(call.request as never, context);
      return (await inTime(call.next(call.request, context).next())).value;
    } catch (thrown) {
      if (thrown instanceof ServerError) throw thrown;
      // No caller hears this; said in the transport's own words, it is not taken for a fault.
      if (context.signal.aborted) throw new ServerError(Status.CANCELLED, 'the client stopped listening');
      const { error, code, details } = answerTo(sayable(thrown, call.method.path, log, chance));
      context.trailer.set(ERROR_CODE_KEY, code);
      if (details !== null) context.trailer.set(STATUS_DETAILS_KEY, details);
      throw error;
    }
  };
}
