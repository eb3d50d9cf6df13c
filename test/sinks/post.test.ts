/** Webhooks over real sockets: what a receiver does wrong harms nothing. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { fail } from '../../src/core/errors.ts';
import { SINK_LIMITS } from '../../src/core/limits.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { overHttps } from '../../src/sinks/post.ts';
import { newAuthority } from '../counterparts/certificates.ts';

async function listen<S extends Server>(t: ExecutionContext, server: S): Promise<number> {
  server.listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    (server as unknown as { closeAllConnections(): void }).closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const ALLOWED = { objection: () => null };

async function posterTo(t: ExecutionContext, listener: RequestListener) {
  const port = await listen(t, createServer(listener));
  const poster = overHttps(new URL(`http://${ownAddress()}:${port}/hook?a=b`), null, ALLOWED);
  t.teardown(() => poster.close());
  return poster;
}

const never = () => openCancellation([]).signal;

test('requests go over one connection, with what was given, and redirects are not followed', async (t) => {
  const seen: [string, string, string, number][] = [];
  const poster = await posterTo(t, async (request, response) => {
    const parts = await request.toArray();
    seen.push([String(request.url), String(request.headers['x-a']), String(parts), request.socket.remotePort ?? 0]);
    response.writeHead(302, { location: '/elsewhere', 'retry-after': '3' }).end('moved');
  });
  for (const body of ['one', 'two'])
    t.deepEqual(await poster.post({ 'x-a': 'b' }, body, never()), { status: 302, retryAfter: '3' });
  t.deepEqual(
    seen.map(([url, header, body]) => [url, header, body]),
    [
      ['/hook?a=b', 'b', 'one'],
      ['/hook?a=b', 'b', 'two'],
    ],
  );
  t.is(seen[0]?.[3], seen[1]?.[3]);
});

test('the status counts, and no more of a body is read than its limit; one that breaks off is none of our business', async (t) => {
  let sent = 0;
  const poster = await posterTo(t, (_request, response) => {
    response.writeHead(202);
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16 * 1024))) sent += 16 * 1024;
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  t.is((await poster.post({}, 'x', never())).status, 202);
  t.true(sent > SINK_LIMITS.sink_answer_bytes.limit);
  t.true(sent < 64 * 2 ** 20);
  const broken = await posterTo(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('a', () => request.socket.end());
  });
  t.is((await broken.post({}, 'x', never())).status, 200);
});

test('what is no answer is a failure that repeats nothing of what was sent', async (t) => {
  const bad: readonly RequestListener[] = [
    (request) => request.socket.resetAndDestroy(),
    (request) => request.socket.end('HTTP/1.1 999999 \r\n\r\n'),
    (request) => request.socket.end(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`),
    (request) => request.socket.end('\0\0\0\0'),
  ];
  for (const listener of bad) {
    const poster = await posterTo(t, listener);
    const error = await t.throwsAsync(poster.post({ 'x-a': 'secret' }, 'secret', never()));
    t.regex(error?.message ?? '', /^no answer: /);
    t.notRegex(error?.message ?? '', /secret|hook/);
  }
});

test('a receiver that is silent is left at the abort', async (t) => {
  const limit = openCancellation([]);
  const poster = await posterTo(t, () => limit.abort(fail('TOOK_TOO_LONG', 'it took too long')));
  await t.throwsAsync(poster.post({}, 'x', limit.signal), { message: 'it took too long' });
});

test('addresses that may not be reached are not connected to, whether they are named or looked up', async (t) => {
  let connections = 0;
  const port = await listen(
    t,
    createServer(() => {}).on('connection', () => {
      connections += 1;
    }),
  );
  const asked: unknown[][] = [];
  const objection = (...of: unknown[]) => {
    asked.push(of);
    return 'it is out of bounds';
  };
  for (const host of [ownAddress(), 'localhost'])
    await t.throwsAsync(overHttps(new URL(`http://${host}:${port}/`), null, { objection }).post({}, 'x', never()), {
      message: /out of bounds/,
    });
  t.deepEqual(asked[0], [ownAddress(), ownAddress(), true]);
  t.is(asked[1]?.[0], 'localhost');
  t.is(connections, 0);
});

test('a certificate is accepted from the authority that is named, and from no other', async (t) => {
  const authority = await newAuthority(t);
  const identity = await authority.issue(ownAddress());
  const server = createSecureServer(identity, (_request, response) => response.writeHead(204).end());
  const url = new URL(`https://${ownAddress()}:${await listen(t, server)}/`);
  const good = overHttps(url, authority.cert, ALLOWED);
  t.is((await good.post({}, 'x', never())).status, 204);
  await good.close();
  const unknown = overHttps(url, null, ALLOWED);
  await t.throwsAsync(unknown.post({}, 'x', never()), { message: /no answer: \w+/ });
});
