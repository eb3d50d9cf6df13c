/** Whether a caller may do what a call asks for: the same for every protocol. */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';
import { type CountermandError, fail } from '../../core/errors.ts';
import { onAbort, openCancellation } from '../../core/signals.ts';
import type { Access } from '../access/access.ts';
import type { Asked } from '../access/identity.ts';
import type { OpenStreams } from '../access/open_streams.ts';
import type { Store } from '../store/store.ts';
import { admit } from './admit.ts';
import { ATTACH, CLIENT_GONE } from './calls.ts';
import { denied } from './denied.ts';
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
export function authorize({ access, streams, store }: Deciders): ServerMiddleware<Viewed, Asked> {
  const { read } = store.database;
  return async function* decide<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, Viewed>,
    context: CallContext & Asked,
  ) {
    const { identity } = context;
    const { path } = call.method;
    const rule = RPC_RULES.get(path);
    if (rule === undefined)
      throw fail('PERMISSION_DENIED', `${path} is not in the table of verbs, so no caller may call it`);
    if (Array.isArray(identity.agentZones) && path !== ATTACH)
      throw fail('PERMISSION_DENIED', `${identity.name} is an agent, and may not call ${path}`);
    const rights = access.rightsOf(identity);
    if (identity.onBehalfOf && !rights.may('access.delegate')) throw denied(identity.name, 'access.delegate', null);
    const view = new View(rights, identity.name, read);
    if (call.requestStream) return yield* call.next(call.request, { ...context, view });
    const request = await admit(call.request, rule, view, read);
    try {
      if (!call.responseStream) return yield* call.next(request, { ...context, view });
      return yield* whileGood(call, request, { ...context, view }, streams);
    } catch (thrown) {
      throw await veiled(thrown, view);
    }
  };
}

async function* whileGood<Request, Response>(
  call: ServerMiddlewareCall<Request, Response, Viewed>,
  request: Request,
  context: CallContext & Asked & Viewed,
  streams: OpenStreams,
) {
  const cancellation = openCancellation([]);
  const unlink = onAbort(context.signal, () => cancellation.abort(CLIENT_GONE));
  let ended: CountermandError | null = null;
  const end = (reason: CountermandError): void => {
    ended ??= reason;
    cancellation.abort(reason);
  };
  const leave = streams.enter({ identity: context.identity, rights: context.view.rights.text, end });
  try {
    return yield* call.next(request as never, { ...context, signal: cancellation.signal });
  } catch (thrown) {
    throw ended ?? thrown;
  } finally {
    leave();
    unlink();
    cancellation.end();
  }
}
