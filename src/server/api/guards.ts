/**
 * What a call passes before its service: guards, one after the other. A guard is a function and not middleware, which is a generator
 * around the call: each message of a stream would pass every one of them.
 */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';

/** How a call has ended. It is `left` if its client has gone before the end of its answer. */
export type Ending =
  | { readonly how: 'answered' }
  | { readonly how: 'left' }
  | { readonly how: 'failed'; readonly error: unknown };

/**
 * Told once how the call has ended. What it returns is told to the guards before, and to the client, instead: `left` stays what it is. An
 * error that it throws stands for a call that has failed by it.
 */
type End = Told<void> | Told<Promise<void>> | Told<Ending | undefined> | Told<Promise<Ending | undefined>>;
type Told<Answer> = (ending: Ending) => Answer;

/** A call that has arrived at a guard, with what the guards before have made of it. */
export interface Arrived<Context> {
  readonly method: { readonly path: string };
  /** A message; several of them, one after the other, if `requestStream`. */
  readonly request: unknown;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly context: CallContext & Context;
}

/** What a guard makes of a call. What is left out stays as it was. */
interface Passed<Context> {
  readonly request?: unknown;
  /** Added to the context, or put in the place of what was there. */
  readonly context?: Partial<CallContext & Context>;
  readonly end?: End;
}

/** Lets a call pass, or throws why not; then the guards after it and the service do not see it. */
export type Guard<Context = object> = (
  call: Arrived<Context>,
) => Passed<Context> | undefined | Promise<Passed<Context> | undefined>;

/** Several guards as one: a call passes them in this order, and they are told of its end in the opposite one. */
export function inTurn<Context>(guards: readonly Guard<Context>[]): Guard<Context> {
  return async (call) => {
    let { request, context } = call;
    const ends: End[] = [];
    try {
      for (const guard of guards) {
        const { method, requestStream, responseStream } = call;
        const passing = guard({ method, request, requestStream, responseStream, context });
        const passed = passing instanceof Promise ? await passing : passing;
        if (!passed) continue;
        if (passed.request !== undefined) request = passed.request;
        if (passed.context !== undefined) context = { ...context, ...passed.context };
        if (passed.end !== undefined) ends.push(passed.end);
      }
    } catch (error) {
      const ending = await tell(ends, { how: 'failed', error });
      throw ending.how === 'failed' ? ending.error : error;
    }
    return { request, context, end: (ending) => tell(ends, ending) };
  };
}

async function tell(ends: readonly End[], ending: Ending): Promise<Ending> {
  let told = ending;
  for (const end of ends.toReversed())
    try {
      const instead = end(told);
      told = (instead instanceof Promise ? await instead : instead) ?? told;
    } catch (error) {
      told = { how: 'failed', error };
    }
  return told;
}

/** A guard as middleware: the one generator around the service. */
export function guarded<Adds extends object = object, Needs extends object = object>(
  guard: Guard<Adds & Needs>,
): ServerMiddleware<Adds, Needs> {
  return async function* guardedCall<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, Adds>,
    given: CallContext & Needs,
  ) {
    const context = given as CallContext & Adds & Needs;
    const passed = (await guard({ ...call, context })) ?? {};
    let ending: Ending = { how: 'left' };
    let answer: unknown;
    try {
      const answers = call.next((passed.request ?? call.request) as never, { ...context, ...passed.context });
      answer = call.responseStream ? yield* answers : (await answers.next()).value;
      ending = { how: 'answered' };
    } catch (error) {
      ending = { how: 'failed', error };
    } finally {
      // A client that goes away ends the generator here.
      if (passed.end) ending = await tell([passed.end], ending);
    }
    if (ending.how === 'failed') throw ending.error;
    return answer as never;
  };
}
