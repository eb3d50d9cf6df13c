/**
 * Abort signals: made, linked and waited for in one place.
 *
 * call  lives as long as one RPC; its abort means that the caller is gone, and stops no work
 * task  lives as long as one power task; its abort means: stop waiting for the node
 *
 * A signal is the last argument of every function that waits. Such a function settles soon after the abort with
 * `signal.reason`, which is always a CountermandError, and leaves no listener behind.
 */
import type { Clock } from './clock.ts';
import { type CountermandError, fail } from './errors.ts';
import type { CallTrace } from './tracing.ts';

/** A signal that can be aborted, once, with a reason. */
export interface Cancellation {
  readonly signal: AbortSignal;
  /** Aborts the signal; the first reason stands. */
  abort(reason: CountermandError): void;
  /** Lets go of the parents and of the timer. Call it when the work is over. */
  end(): void;
}

/**
 * A new cancellation that is aborted with its parents, with their reason. With `limit`, also after `limit.afterMs` by the
 * clock, with reason TOOK_TOO_LONG and the sentence of `limit.what`.
 */
export function openCancellation(
  parents: readonly AbortSignal[],
  limit?: { clock: Clock; afterMs: number; what: string },
): Cancellation {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(reason);
  const links = parents.map((parent) => onAbort(parent, abort));
  if (isAnyTraced) inherit(controller.signal, parents);
  for (const parent of parents) {
    const objection = objections.get(parent);
    if (objection) onlyWhile(controller.signal, objection);
  }
  const timer = limit?.clock.after(limit.afterMs, () =>
    abort(fail('TOOK_TOO_LONG', `${limit.what} took longer than ${limit.afterMs / 1000} s`)),
  );
  return {
    signal: controller.signal,
    abort,
    end() {
      for (const unlink of links) unlink();
      timer?.cancel();
    },
  };
}

/** What is asked before something is sent under a signal. */
const objections = new WeakMap<AbortSignal, () => CountermandError | null>();

/**
 * What is sent under this signal, and under all that are made with it as a parent, is sent only while `objection` answers null, and so
 * does each that was given before. A process that was frozen takes up what has arrived before its timers run: a limit of time that
 * must not be missed is looked up.
 */
export function onlyWhile(signal: AbortSignal, objection: () => CountermandError | null): void {
  const before = objections.get(signal);
  objections.set(signal, before ? () => before() ?? objection() : objection);
}

/** Why nothing may be sent under this signal any more, also if its abort is not told yet; null if it may. */
export function endOf(signal: AbortSignal): CountermandError | null {
  return signal.aborted ? signal.reason : (objections.get(signal)?.() ?? null);
}

/**
 * The last look before something is sent that cannot be taken back.
 * @throws what `endOf` answers; an objection, unlike the reason of an abort, proves that it was not sent
 */
export function throwIfOver(signal: AbortSignal): void {
  const reason = endOf(signal);
  if (reason !== null) throw reason;
}

/** Where the calls behind signals stand in their traces. Nothing is looked up before the first one is told. */
const traces = new WeakMap<AbortSignal, CallTrace>();
let isAnyTraced = false;

/** From now on, `signal` and all that are made with it as a parent carry this. */
export function carryTrace(signal: AbortSignal, trace: CallTrace): void {
  isAnyTraced = true;
  traces.set(signal, trace);
}

/** Where the call behind a signal stands in its trace; undefined if it is in none. */
export const traceOf = (signal: AbortSignal): CallTrace | undefined => traces.get(signal);

function inherit(signal: AbortSignal, parents: readonly AbortSignal[]): void {
  for (const parent of parents) {
    const trace = traces.get(parent);
    if (trace) traces.set(signal, trace);
  }
}

/** Calls `listener` with the reason, once, at the abort or at once if it has happened. Returns how to stop listening. */
export function onAbort(signal: AbortSignal, listener: (reason: CountermandError) => void): () => void {
  if (signal.aborted) {
    listener(signal.reason);
    return () => {};
  }
  const all = relaysOf(signal);
  const relay = (): void => listener(signal.reason);
  all.add(relay);
  return () => {
    all.delete(relay);
    if (all.size === 0) forget(signal);
  };
}

/**
 * Who is told of the abort of each signal. The signal itself has one listener: thousands wait for the same one, and it looks
 * through all of its own whenever one comes or goes.
 */
const relays = new WeakMap<AbortSignal, { readonly all: Set<() => void>; readonly tell: () => void }>();

function relaysOf(signal: AbortSignal): Set<() => void> {
  const known = relays.get(signal);
  if (known) return known.all;
  const all = new Set<() => void>();
  const tell = (): void => {
    relays.delete(signal);
    for (const relay of all) relayTo(relay);
  };
  relays.set(signal, { all, tell });
  signal.addEventListener('abort', tell, { once: true });
  return all;
}

/** One that fails does not keep the abort from the others. */
function relayTo(relay: () => void): void {
  try {
    relay();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function forget(signal: AbortSignal): void {
  const known = relays.get(signal);
  if (known?.all.size !== 0) return;
  signal.removeEventListener('abort', known.tell);
  relays.delete(signal);
}

/** Waits `delayMs`. Rejects with the reason of the abort, at once. */
export function sleep(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return abortable<void>((resolve) => {
    const timer = clock.after(delayMs, resolve);
    return () => timer.cancel();
  }, signal);
}

/**
 * A promise that `start` settles, or the abort rejects. `start` returns how to call it off; that runs on the abort only.
 */
export function abortable<T>(
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => () => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let unlink = (): void => {};
    let settled = false;
    const settle =
      <V>(how: (value: V) => void) =>
      (value: V): void => {
        settled = true;
        unlink();
        how(value);
      };
    const callOff = start(settle(resolve), settle(reject));
    if (settled) return;
    unlink = onAbort(signal, (reason) => {
      callOff();
      reject(reason);
    });
  });
}

/** `promise`, but rejects with the reason at the abort. The work behind the promise is not stopped by this. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // After an abort it is not waited for, and its failure is no fault of whoever waited.
  promise.catch(() => {});
  return abortable<T>((resolve, reject) => {
    promise.then(resolve, reject);
    return () => {};
  }, signal);
}
