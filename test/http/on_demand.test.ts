/** What serves requests is loaded when the first one comes. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import test from 'ava';
import { onDemand } from '../../src/http/on_demand.ts';

/** Asks a listener, and says what it did with the answer. */
async function ask(listener: RequestListener): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  const response = {
    writeHead(status: number) {
      said.push(status);
      return response;
    },
    end: (text?: string) => said.push(text ?? ''),
  } as unknown as ServerResponse;
  await (listener(null as unknown as IncomingMessage, response) as unknown as Promise<void>);
  return said;
}

const SAYS_HELLO: RequestListener = (_, response) => response.end('hello');

test('it is loaded once, however many requests come before it is there', async (t) => {
  const { promise, resolve } = Promise.withResolvers<RequestListener>();
  let loads = 0;
  const listener = onDemand(
    () => {
      loads += 1;
      return promise;
    },
    { error: () => t.fail() },
  );
  t.is(loads, 0);
  const first = [ask(listener), ask(listener)];
  resolve(SAYS_HELLO);
  t.deepEqual(await Promise.all([...first, ask(listener)]), [['hello'], ['hello'], ['hello']]);
  t.is(loads, 1);
});

test('while it cannot be loaded, requests are refused, the log says why, and the next request tries again', async (t) => {
  const lines: unknown[] = [];
  let fault: Error | null = new Error("ENOENT: no such file or directory, open '/usr/lib/countermand/app.cjs'");
  const load = async (): Promise<RequestListener> => {
    if (fault) throw fault;
    return SAYS_HELLO;
  };
  const listener = onDemand(load, { error: (fields) => lines.push(fields) });
  t.deepEqual(await ask(listener), [503, '']);
  t.deepEqual(lines, [{ reason: fault.message }]);
  fault = null;
  t.deepEqual(await ask(listener), ['hello']);
});
