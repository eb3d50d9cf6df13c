/** What guards are told of a call, however it ends; and that what they hold is let go of once. */
import test from 'ava';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc';
import { asCountermandError, fail } from '../../../src/core/errors.ts';
import { onAbort, openCancellation } from '../../../src/core/signals.ts';
import { Access } from '../../../src/server/access/access.ts';
import { parseAccess } from '../../../src/server/access/access_file.ts';
import { Budgets } from '../../../src/server/access/budgets.ts';
import type { Asked } from '../../../src/server/access/identity.ts';
import { OpenStreams } from '../../../src/server/access/open_streams.ts';
import { authorize } from '../../../src/server/api/authorize.ts';
import { type Ending, type Guard, guarded, inTurn } from '../../../src/server/api/guards.ts';
import { holdCallers } from '../../../src/server/api/identity_limits.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const WATCH = '/countermand.v1.NodeService/WatchNodes';
const LIST = '/countermand.v1.NodeService/ListNodes';

type Service = (request: unknown, context: CallContext) => AsyncGenerator<unknown, unknown>;

/** A call of `service` behind a guard. */
function callOf<T>(guard: Guard<T>, service: Service, how: { readonly isStream: boolean; readonly context?: object }) {
  const { isStream, context = {} } = how;
  const path = isStream ? WATCH : LIST;
  const call = { method: { path }, requestStream: false, responseStream: isStream, request: 'asked', next: service };
  const { signal } = openCancellation([]);
  return guarded(guard as unknown as Guard)(call as unknown as ServerMiddlewareCall<unknown, unknown>, {
    ...({ signal } as CallContext),
    ...context,
  });
}

const unary: Service = async function* (request) {
  if (request === null) yield;
  return 'answer';
};
const stream: Service = async function* () {
  yield 'first';
  yield 'second';
  return undefined;
};
const failing: Service = async function* (request) {
  if (request === null) yield;
  throw new Error('of the service');
};
const failingLater: Service = async function* () {
  yield 'first';
  throw new Error('of the service');
};

type Call = ReturnType<typeof callOf>;

/** Reads a call to its end, which is told. */
async function ends(call: Call): Promise<string> {
  try {
    for (;;) {
      const { done, value } = await call.next();
      if (done) return String(value);
    }
  } catch (error) {
    return (error as Error).message;
  }
}

const leaves = async (call: Call): Promise<string> => {
  await call.next();
  await call.return(undefined);
  return 'left';
};
const breaks = async (call: Call): Promise<string> => {
  await call.next();
  return call.throw(new Error('of the transport')).then(String, (error: Error) => error.message);
};

/** Each way in which a call ends: what its client is told, and what guards are. */
const ENDINGS: Readonly<
  Record<string, readonly [service: Service, isStream: boolean, read: (call: Call) => Promise<string>, told: string]>
> = {
  'a call is answered': [unary, false, ends, 'answered'],
  'a stream has ended': [stream, true, ends, 'answered'],
  'a call fails': [failing, false, ends, 'failed of the service'],
  'a stream fails at once': [failing, true, ends, 'failed of the service'],
  'a stream fails later': [failingLater, true, ends, 'failed of the service'],
  'the client of a stream leaves': [stream, true, leaves, 'left'],
  'a message cannot be sent': [stream, true, breaks, 'failed of the transport'],
};

const textOf = (ending: Ending): string =>
  ending.how === 'failed' ? `failed ${(ending.error as Error).message}` : ending.how;

for (const [what, [service, isStream, read, told]] of Object.entries(ENDINGS)) {
  test(`${what}: each guard is told so once, the last one first`, async (t) => {
    const heard: string[] = [];
    const guard =
      (name: string): Guard =>
      () => ({ end: (ending) => void heard.push(`${name} ${textOf(ending)}`) });
    await read(callOf(inTurn([guard('one'), inTurn([guard('two')]), guard('three')]), service, { isStream }));
    t.deepEqual(heard, [`three ${told}`, `two ${told}`, `one ${told}`]);
  });

  test(`${what}: its place among the streams of its caller is free again, and only that`, async (t) => {
    const budgets = new Budgets({ identity_calls: 100, identity_streams: 2 }, new VirtualClock());
    const guard = holdCallers(budgets, new Access(null));
    const context: Asked = { identity: { name: 'jwt:alice', agentZones: null } };
    const call = (by: Service, stays = isStream) => callOf(guard, by, { isStream: stays, context });
    const other = call(stream, true);
    await other.next();
    await read(call(service));
    const again = call(stream, true);
    t.is((await again.next()).value, 'first');
    await t.throwsAsync(call(stream, true).next(), { code: 'IDENTITY_LIMIT' } as never);
  });
}

test('what a guard changes, the guards after it and the service see; what it throws, the guards before it are told', async (t) => {
  const heard: string[] = [];
  const first: Guard = ({ request, context }) => {
    heard.push(`first ${request} ${context.peer}`);
    return { request: 'other', context: { peer: 'there' }, end: (ending) => void heard.push(textOf(ending)) };
  };
  const second: Guard = async ({ request, context }) => void heard.push(`second ${request} ${context.peer}`);
  const service: Service = async function* (request, { peer, signal }) {
    heard.push(`service ${request} ${peer} ${signal.aborted}`);
    return yield* unary(request, { peer, signal } as CallContext);
  };
  const how = { isStream: false, context: { peer: 'here' } };
  t.is(await ends(callOf(inTurn([first, second]), service, how)), 'answer');
  t.deepEqual(heard.splice(0), ['first asked here', 'second other there', 'service other there false', 'answered']);
  const refusing: Guard = async () => {
    throw new Error('refused');
  };
  t.is(await ends(callOf(inTurn([first, refusing, second]), service, how)), 'refused');
  t.deepEqual(heard, ['first asked here', 'failed refused']);
});

test('what a guard says instead of an error, or throws at the end, is told to the client and to the guards before it', async (t) => {
  const heard: string[] = [];
  const before: Guard = () => ({ end: (ending) => void heard.push(textOf(ending)) });
  const veils: Guard = () => ({ end: async () => ({ how: 'failed', error: new Error('veiled') }) });
  const breaksDown: Guard = () => ({
    end() {
      throw new Error('broken');
    },
  });
  t.is(await ends(callOf(inTurn([before, veils]), failing, { isStream: false })), 'veiled');
  t.is(await ends(callOf(inTurn([before, breaksDown]), unary, { isStream: false })), 'broken');
  const refusing: Guard = () => {
    throw new Error('refused');
  };
  t.is(await ends(callOf(inTurn([before, veils, refusing]), unary, { isStream: false })), 'veiled');
  t.deepEqual(heard, ['failed veiled', 'failed broken', 'failed veiled']);
});

test('a stream is cut when its caller may do something else, with that as its reason, and its signal is aborted', async (t) => {
  const bound = (role: string) => parseAccess({ bindings: [{ identities: ['jwt:alice'], role }] }, 'access.yaml');
  const access = new Access(bound('admin'));
  const streams = new OpenStreams(access);
  const shutdown = openCancellation([]);
  const looking = streams.lookOn(new VirtualClock(), shutdown.signal);
  const guard = authorize({ access, streams, store: { database: {} } as never });
  const aborted: string[] = [];
  const waiting: Service = async function* (_, { signal }) {
    yield 'first';
    await new Promise<void>((resolve) => onAbort(signal, () => resolve()));
    aborted.push(asCountermandError(signal.reason).code);
    throw fail('CALL_ENDED', 'as a service says that ends with its signal');
  };
  const gone = openCancellation([]);
  const open = (more = {}) =>
    callOf(guard, waiting, { isStream: true, context: { identity: { name: 'jwt:alice', agentZones: null }, ...more } });
  const request = { nodes: [] };
  const [cut, left] = [open({ request }), open({ signal: gone.signal })];
  for (const each of [cut, left]) t.is((await each.next()).value, 'first');
  const next = [ends(cut), ends(left)];
  gone.abort(fail('CALL_ENDED', 'the client has gone'));
  t.is(await next[1], 'as a service says that ends with its signal');
  access.replace(bound('operator'));
  t.regex((await next[0]) ?? '', /^what jwt:alice may do has changed; the stream has ended/);
  t.deepEqual(aborted, ['CALL_ENDED', 'PERMISSION_DENIED']);
  shutdown.abort(fail('SHUTTING_DOWN', 'the test is over'));
  await looking;
});
