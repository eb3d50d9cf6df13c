/**
 * The audit trail as it is written: one entry for each call that changes something, in the transaction of the change, and one for
 * each that was refused.
 */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import type { TraceContext } from '../../core/tracing.ts';
import type { Asked, Identity } from '../access/identity.ts';
import type { Verb } from '../access/verbs.ts';
import type { Log } from '../log.ts';
import type { Actor } from '../store/actor.ts';
import type { Also, Touched } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { trailCodec } from '../store/trail.ts';
import { type AnyCall, changesSomething, verbsOf } from './rpc_verbs.ts';
import type { Traced } from './traced.ts';
import { aboutOf, changesOf, summaryOf } from './trail_entry.ts';

/** What the context of each call carries for the trail. */
export interface Recorded {
  /** Notes what the call changes. */
  readonly record: Also;
}

/** Who called what. */
interface Called {
  readonly identity: Identity;
  readonly peer: string;
  readonly trace: TraceContext | null;
  /** `NodeService/UpdateNode`. */
  readonly rpc: string;
  readonly verbs: readonly Verb[];
  readonly request: object;
}

/** The entry of one call. */
class CallRecord implements Also {
  readonly actor: Actor;
  readonly #called: Called;
  readonly #store: Store;
  #noted = false;
  #done = false;

  constructor(called: Called, store: Store) {
    this.#called = called;
    const { identity, peer, trace } = called;
    this.actor = { identity: identity.name, onBehalfOf: identity.onBehalfOf ?? null, peer, trace };
    this.#store = store;
  }

  async note(transaction: Transaction, touched: Touched): Promise<void> {
    const changes = await changesOf(touched, transaction.sql);
    await this.#append(transaction, { outcome: 'OK', ...aboutOf(touched), ...changes });
    this.#noted = true;
  }

  done(): void {
    this.#done = this.#noted;
  }

  /** The call has ended without a change: it was refused, or what it asked for was there already. */
  async finish(error: CountermandError | null): Promise<void> {
    if (this.#done) return;
    const what = error === null ? { outcome: 'OK', changed: false } : { outcome: error.code, message: error.message };
    await this.#store.database.write((transaction) => this.#append(transaction, what));
  }

  async #append(transaction: Transaction, what: { readonly outcome: string; readonly node?: string }): Promise<void> {
    const { identity, peer, rpc, verbs, request } = this.#called;
    const at = this.#store.clock.now();
    const summary = summaryOf(request);
    const { outcome, node = summary.node ?? null, ...rest } = what;
    const entry = JSON.stringify({
      at,
      identity: identity.name,
      ...(identity.onBehalfOf && { on_behalf_of: identity.onBehalfOf }),
      peer,
      rpc,
      verbs,
      outcome,
      node,
      ...rest,
      ...summary.parts,
    });
    const onBehalfOf = identity.onBehalfOf ?? null;
    const row = { at, identity: identity.name, onBehalfOf, rpc, node: node?.slice(0, 255) ?? null, outcome, entry };
    await transaction.append('trail', [trailCodec.encode(row)]);
  }
}

/**
 * Gives each call what its changes are noted with, and writes an entry for one that changes nothing: of every call that could change
 * something, and of every other one that its caller may not make.
 */
export function keepTrail(store: Store, log: Log): ServerMiddleware<Recorded, Asked & Traced> {
  return async function* keep<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, Recorded>,
    context: CallContext & Asked & Traced,
  ) {
    const request = (call.requestStream ? {} : call.request) as object;
    const verbs = verbsOf(call as AnyCall);
    const rpc = call.method.path
      .split('/')
      .map((part) => part.split('.').at(-1))
      .join('/')
      .slice(1);
    const { identity, peer, trace } = context;
    const record = new CallRecord({ identity, peer, trace, rpc, verbs, request }, store);
    const changes = changesSomething(call as AnyCall);
    const finish = (error: CountermandError | null): Promise<void> =>
      record.finish(error).catch((thrown: Error) => {
        log.error(
          { rpc, identity: identity.name, reason: thrown.message },
          'a call could not be written into the trail',
        );
      });
    try {
      const answered = yield* call.next(call.request, { ...context, record });
      if (changes) await finish(null);
      return answered;
    } catch (thrown) {
      const error = asCountermandError(thrown);
      if (changes || error.code === 'PERMISSION_DENIED') await finish(error);
      throw thrown;
    }
  };
}
