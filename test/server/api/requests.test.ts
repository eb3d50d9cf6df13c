/** How many streams may be open, and what is counted. */
import test from 'ava';
import type { CallContext } from 'nice-grpc';
import { OPEN_LIMITS } from '../../../src/core/limits.ts';
import { checkRequests } from '../../../src/server/api/requests.ts';

const CONTEXT = {} as CallContext;

/** A stream that stays open until it is left. */
async function* open(): AsyncGenerator<string> {
  for (;;) yield 'message';
}

function streamsOf() {
  const check = checkRequests();
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
