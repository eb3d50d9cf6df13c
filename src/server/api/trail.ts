/**
 * The audit trail as it is written: one entry for each call that changes something, in the transaction of the change, and one for
 * each that was refused.
 */
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import { cutText } from '../../core/texts.ts';
import type { TraceContext } from '../../core/tracing.ts';
import type { Asked, Identity } from '../access/identity.ts';
import type { Verb } from '../access/verbs.ts';
import type { Log } from '../log.ts';
import type { Actor } from '../store/actor.ts';
import type { Also, Touched } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { trailCodec } from '../store/trail.ts';
import type { Ending, Guard } from './guards.ts';
import { changesSomething, verbsOf } from './rpc_verbs.ts';
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
  }

  done(noted: boolean): void {
    this.#done ||= noted;
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
    const row = {
      at,
      identity: identity.name,
      onBehalfOf,
      rpc,
      node: node === null ? null : cutText(node, 255),
      outcome,
      entry,
    };
    await transaction.append('trail', [trailCodec.encode(row)]);
  }
}

/**
 * Gives each call what its changes are noted with, and writes an entry for one that changes nothing: of every call that could change
 * something, and of every other one that its caller may not make.
 */
export function keepTrail(store: Store, log: Log): Guard<Asked & Traced & Recorded> {
  return (call) => {
    const request = (call.requestStream ? {} : call.request) as object;
    const { identity, peer, trace } = call.context;
    const rpc = shortName(call.method.path);
    const record = new CallRecord({ identity, peer, trace, rpc, verbs: verbsOf(call), request }, store);
    const changes = changesSomething(call);
    const end = async (ending: Ending): Promise<void> => {
      if (ending.how === 'left') return;
      const error = ending.how === 'failed' ? asCountermandError(ending.error) : null;
      if (!changes && error?.code !== 'PERMISSION_DENIED') return;
      await record.finish(error).catch(({ message: reason }: Error) => {
        log.error({ rpc, identity: identity.name, reason }, 'a call could not be written into the trail');
      });
    };
    return { context: { record }, end };
  };
}

/** `NodeService/UpdateNode` of `/countermand.v1.NodeService/UpdateNode`. */
export const shortName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
