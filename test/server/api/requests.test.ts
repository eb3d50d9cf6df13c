/** How many streams may be open, and what is counted. */
import test from 'ava';
import type { CallContext } from 'nice-grpc';
import type { CountermandError } from '../../../src/core/errors.ts';
import { OPEN_LIMITS } from '../../../src/core/limits.ts';
import { guarded } from '../../../src/server/api/guards.ts';
import { checkRequests } from '../../../src/server/api/requests.ts';

const CONTEXT = { signal: new AbortController().signal } as CallContext;

/** A stream that stays open until it is left. */
async function* open(): AsyncGenerator<string> {
  for (;;) yield 'message';
}

function streamsOf() {
  const check = guarded(checkRequests());
  return (path: string, request: object): AsyncGenerator<unknown> =>
    check(
      { method: { path } as never, requestStream: false, responseStream: true, request, next: open } as never,
      CONTEXT,
    ) as AsyncGenerator<unknown>;
}

const WATCH = '/countermand.v1.NodeService/WatchNodes';

test('one stream more than the limit is refused, and admitted when another has ended', async (t) => {
  const start = streamsOf();
  const streams = Array.from({ length: OPEN_LIMITS.streams.limit }, () => start(WATCH, { nodes: ['n1'] }));
  for (const stream of streams) await stream.next();
  await t.throwsAsync(start(WATCH, { nodes: ['n1'] }).next(), {
    code: 'TOO_MANY_STREAMS',
    message: /20000 are open/,
  } as never);
  await streams[0]?.return(undefined);
  t.deepEqual(await start(WATCH, { nodes: ['n1'] }).next(), { done: false, value: 'message' });
});

test('streams of the whole fleet have a limit of their own', async (t) => {
  const start = streamsOf();
  const streams = Array.from({ length: OPEN_LIMITS.fleet_watches.limit }, () => start(WATCH, { nodes: [] }));
  for (const stream of streams) await stream.next();
  await t.throwsAsync(start(WATCH, { nodes: [] }).next(), {
    code: 'TOO_MANY_STREAMS',
    message: /every node: 100/,
  } as never);
  t.is((await start(WATCH, { nodes: ['n1'] }).next()).done, false);
  await streams[0]?.return(undefined);
  t.is((await start(WATCH, { nodes: [] }).next()).done, false);
});

/** A call whose client has gone already: what became of it, and whether its service saw it. */
async function gone(path: string, responseStream: boolean) {
  let isSeen = false;
  const controller = new AbortController();
  controller.abort();
  const call = { method: { path }, requestStream: false, responseStream, request: { nodes: ['n1'] } };
  const next = async function* (): AsyncGenerator<unknown> {
    isSeen = true;
    yield 'message';
  };
  const outcome = await guarded(checkRequests())({ ...call, next } as never, { ...CONTEXT, signal: controller.signal })
    .next()
    .then(
      () => 'served',
      (error: CountermandError) => error.code,
    );
  return { isSeen, outcome };
}

test('what only reads is not begun for a client that has gone; what changes something is', async (t) => {
  const NEVER_BEGUN = { isSeen: false, outcome: 'CALL_ENDED' };
  for (const path of ['NodeService/RefreshNodes', 'NodeService/WatchNodes', 'NotificationService/Subscribe'])
    t.deepEqual(await gone(`/countermand.v1.${path}`, true), NEVER_BEGUN, path);
  t.deepEqual(await gone('/countermand.v1.NodeService/ListNodes', false), NEVER_BEGUN);
  const SERVED = { isSeen: true, outcome: 'served' };
  for (const [path, isStream] of [
    ['PowerService/SetPowerState', true],
    ['PowerService/WithdrawPowerTask', false],
    ['ActionPlanService/OrderCancel', false],
    ['ActionPlanService/CancelActionPlan', true],
  ] as const)
    t.deepEqual(await gone(`/countermand.v1.${path}`, isStream), SERVED, path);
});

for (const [request, says] of [
  [{ reason: 'a\0b' }, /^reason contains the character NUL$/],
  [{ labels: { rack: 'a\0' } }, /^labels\.rack contains the character NUL$/],
  [{ setLabels: { 'ra\0ck': '1' } }, /^set_labels contains the character NUL$/],
  [
    { actions: [{ inputParameters: { message: 'a\0' } }] },
    /^actions\[0\]\.input_parameters\.message contains the character NUL$/,
  ],
  [{ reason: 'half \ud800' }, /^reason is no text: it contains half of a surrogate pair$/],
  [{ scope: [{ nodes: ['\udc00'] }] }, /^scope\[0\]\.nodes\[0\] is no text/],
] as const)
  test(`a text that not every database can store is refused: ${JSON.stringify(request)}`, async (t) => {
    const check = guarded(checkRequests());
    const next = async function* (): AsyncGenerator<unknown> {
      yield 'served';
    };
    const call = { method: { path: WATCH }, requestStream: false, responseStream: false, request, next };
    const refused = await t.throwsAsync(check(call as never, CONTEXT).next());
    t.is((refused as CountermandError).code, 'ARGUMENT_INVALID');
    t.regex(refused?.message ?? '', says);
    const whole = { reason: 'ü 😀 \u0001', labels: { rack: '\uffff' } };
    t.deepEqual(await check({ ...call, request: whole } as never, CONTEXT).next(), { done: true, value: 'served' });
  });

test('one stream is begun in each turn of the event loop, and one that is reset while it waits is not', async (t) => {
  const check = guarded(checkRequests());
  let begun = 0;
  const next = async function* (): AsyncGenerator<unknown> {
    begun += 1;
    yield 'message';
  };
  const controllers = Array.from({ length: 1000 }, () => new AbortController());
  const call = {
    method: { path: WATCH },
    requestStream: false,
    responseStream: true,
    request: { nodes: ['n1'] },
    next,
  };
  const outcomes = controllers.map(({ signal }) => check(call as never, { ...CONTEXT, signal }).next());
  const all = Promise.allSettled(outcomes);
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  t.true(begun > 0 && begun <= 11, `${begun} in ten turns`);
  for (const controller of controllers.slice(0, -1)) controller.abort();
  await all;
  t.true(begun <= 12, `${begun} in all`);
  t.is((await outcomes.at(-1))?.done, false, 'the one that was not reset is begun');
});
