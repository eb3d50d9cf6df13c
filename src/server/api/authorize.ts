/** Whether a caller may do what a call asks for: the same for every protocol. */
import type { CallContext } from 'nice-grpc';
import { type CountermandError, fail } from '../../core/errors.ts';
import { onAbort, openCancellation } from '../../core/signals.ts';
import type { Access } from '../access/access.ts';
import type { Asked } from '../access/identity.ts';
import type { OpenStreams } from '../access/open_streams.ts';
import type { Rights } from '../access/rights.ts';
import type { Store } from '../store/store.ts';
import { admit } from './admit.ts';
import { ATTACH, CLIENT_GONE } from './calls.ts';
import { denied } from './denied.ts';
import type { Guard } from './guards.ts';
import { RPC_RULES } from './rpc_verbs.ts';
import { veiled } from './veil.ts';
import { View, type Viewed } from './view.ts';

/** What it is decided by. */
interface Deciders {
  readonly access: Access;
  readonly streams: OpenStreams;
  readonly store: Store;
}

/**
 * Lets a call pass whose caller has its verbs over what it names, and gives its service the view of the caller. A stream ends when
 * its caller is not good any more or may do something else.
 * @throws PERMISSION_DENIED with the verb and the node; the errors of what the caller may not see, which does not exist
 */
export function authorize({ access, streams, store }: Deciders): Guard<Asked & Viewed> {
  const { read } = store.database;
  return async ({ method: { path }, request, requestStream, responseStream, context }) => {
    const { identity } = context;
    const rule = RPC_RULES.get(path);
    if (rule === undefined)
      throw fail('PERMISSION_DENIED', `${path} is not in the table of verbs, so no caller may call it`);
    if (Array.isArray(identity.agentZones) && path !== ATTACH)
      throw fail('PERMISSION_DENIED', `${identity.name} is an agent, and may not call ${path}`);
    const rights = access.rightsOf(identity);
    if (identity.onBehalfOf && !rights.may('access.delegate')) throw denied(identity.name, 'access.delegate', null);
    const view = new View(rights, identity.name, read);
    if (requestStream) return { context: { view } };
    const admitted = await admit(request, rule, view, read);
    const good = responseStream ? whileGood(context, rights, streams) : null;
    return {
      request: admitted,
      context: { view, ...(good && { signal: good.signal }) },
      async end(ending) {
        good?.leave();
        if (ending.how !== 'failed') return;
        return { how: 'failed', error: await veiled(good?.ended() ?? ending.error, view) };
      },
    };
  };
}

/** A stream while its caller is good, and may do what it could at its begin. */
interface GoodStream {
  /** Aborted as that of the call, and when this ends. */
  readonly signal: AbortSignal;
  /** Why this has ended; null if it has not. */
  ended(): CountermandError | null;
  /** The stream has ended. */
  leave(): void;
}

function whileGood({ identity, signal }: CallContext & Asked, { text }: Rights, streams: OpenStreams): GoodStream {
  const cancellation = openCancellation([]);
  const unlink = onAbort(signal, () => cancellation.abort(CLIENT_GONE));
  let ended: CountermandError | null = null;
  const leave = streams.enter({
    identity,
    rights: text,
    end(reason) {
      ended ??= reason;
      cancellation.abort(reason);
    },
  });
  return {
    signal: cancellation.signal,
    ended: () => ended,
    leave() {
      leave();
      unlink();
      cancellation.end();
    },
  };
}
