/** The HTTP door itself: what it refuses before any route is asked, and how it closes. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { HTTP_LIMITS } from '../../src/core/limits.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { connect as connectClient } from '../e2e/client.ts';
import { openHouse } from '../e2e/house.ts';
import { ask } from '../e2e/http.ts';
import { runHere } from '../e2e/processes.ts';

const BOUNDS = {
  'x-openstack-ironic-api-minimum-version': '1.1',
  'x-openstack-ironic-api-maximum-version': '1.78',
  'openstack-api-minimum-version': '1.0',
  'openstack-api-maximum-version': '1.7',
};

/** Sends a request whose headers fetch would not let us choose; answers its status. */
async function statusOf(base: string, headers: Record<string, string>): Promise<number> {
  const sent = request(`${base}/healthz`, { headers }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

test('what it refuses, and in which form', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });

  t.like(await ask(http, 'GET /healthz'), { status: 200, json: { alive: true } });
  t.like(await ask(http, 'GET /readyz/'), { status: 200, json: { ready: true } });
  t.is((await fetch(`${http}/healthz`, { method: 'HEAD' })).status, 200);

  const unknown = await ask(http, 'GET /v1/nope');
  t.is(unknown.status, 404);
  t.is(unknown.text.slice(0, 19), '{"error_message":"{');
  t.is(unknown.headers.get('content-type'), 'application/json');
  t.regex(unknown.headers.get('openstack-request-id') ?? '', /^req-[0-9a-f-]{36}$/);
  t.is(unknown.sentence, 'there is no route /v1/nope; GET /openapi.json lists those there are');
  for (const [name, value] of Object.entries(BOUNDS)) t.is(unknown.headers.get(name), value, name);

  const method = await ask(http, 'PATCH /healthz', { body: [] });
  t.like(method, { status: 405, sentence: 'PATCH is not a method of /healthz; it has GET, HEAD' });
  t.is(method.headers.get('allow'), 'GET, HEAD');

  const query = await ask(http, 'GET /healthz?nope=1&also=2');
  t.like(query, { status: 400, sentence: 'unknown query parameter: nope, also; GET /healthz takes none' });
  t.is(query.headers.get('countermand-error-code'), 'ARGUMENT_INVALID');
  t.like(await ask(http, 'GET /healthz?a=1&a=2'), { status: 400, sentence: 'the query parameter a is given twice' });

  const html = await ask(http, 'GET /healthz', { headers: { Accept: 'text/html' } });
  t.like(html, { status: 406, sentence: 'Accept is text/html; this door answers application/json' });
  t.is((await ask(http, 'GET /healthz', { headers: { Accept: 'text/html, */*;q=0.8' } })).status, 200);
  // Scrapers ask for the format of Prometheus and nothing else, and a page may be asked for as a page.
  t.is((await ask(http, 'GET /metrics', { headers: { Accept: 'text/plain;version=0.0.4' } })).status, 200);
  t.is((await ask(http, 'GET /console', { headers: { Accept: 'text/html' } })).status, 200);
  t.is((await ask(http, 'GET /healthz', { headers: { 'X-Auth-Token': 'notused' } })).status, 200);
});

test('the console is served to whoever asks, compressed where that is taken, and under a strict policy', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  // A browser decompresses by itself, so that what was sent is only seen in the headers.
  const page = await ask(http, 'GET /console', {
    headers: { Accept: 'text/html,*/*;q=0.8', 'Accept-Encoding': 'identity' },
  });
  t.is(page.status, 200);
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.is(page.headers.get('content-encoding'), null);
  t.is(page.headers.get('cache-control'), 'no-store');
  t.false(
    /<script(?! type="module" src="\/console\/)|<style|\bon\w+=|\bstyle=/.test(page.text),
    'nothing stands in the page itself',
  );
  const files = [...page.text.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path]) => path);
  t.is(files.length, 3);
  for (const path of files) {
    const file = await ask(http, `GET ${path}`, { headers: { 'Accept-Encoding': 'br, gzip' } });
    t.is(file.status, 200, path);
    t.is(file.headers.get('content-encoding'), 'gzip');
    t.is(/immutable/.test(file.headers.get('cache-control') ?? ''), !path?.endsWith('.svg'), path);
    t.is(file.headers.get('x-content-type-options'), 'nosniff');
    t.regex(
      file.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self'; style-src 'self'; /,
    );
  }
  for (const path of ['/console/nope.js', '/console/..%2Fmain.js', '/console/%2e%2e/main.js'])
    t.is((await ask(http, `GET ${path}`)).status, 404, path);
  t.is(
    (await ask(http, 'GET /console', { headers: { 'Accept-Encoding': 'gzip;q=0' } })).headers.get('content-encoding'),
    null,
  );
});

test('what a foreign page makes a browser send is refused', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const { host, port } = new URL(http);
  t.is(await statusOf(http, {}), 200);
  t.is(await statusOf(http, { Host: `localhost:${port}` }), 200);
  t.is(await statusOf(http, { Host: `[::1]:${port}` }), 200);
  t.is(await statusOf(http, { Host: `evil.example:${port}` }), 403);
  t.is(await statusOf(http, { Origin: `http://${host}` }), 200);
  t.is(await statusOf(http, { Origin: 'http://evil.example' }), 403);
  t.is(await statusOf(http, { Origin: 'null' }), 403);
});

/** Starts a `serve` that must not start; answers its last words. */
async function refusal(t: ExecutionContext, ...flags: readonly string[]): Promise<string> {
  const data = await newFolder(t);
  const listen = `${ownAddress()}:0`;
  const { exitCode, stderr } = await runHere(['serve', '--data', data, '--listen', listen, '--no-agent', ...flags]);
  t.not(exitCode, 0);
  return stderr.split('\n').find((line) => line.startsWith('error: ')) ?? stderr;
}

test('where it may listen', async (t) => {
  const open =
    /^error: http_listen is 0\.0\.0\.0:0, which other hosts reach, and in plaintext .*; give tls_certificate .*--insecure$/;
  t.regex(await refusal(t, '--http-listen', '0.0.0.0:0'), open);
  t.regex(await refusal(t, '--http-listen', '[::]:0'), /which other hosts reach, and in plaintext/);
  t.regex(await refusal(t, '--http-listen', 'example:80'), /which other hosts reach, and in plaintext/);
  t.regex(
    await refusal(t, '--http-listen', '7078'),
    /^error: --http-listen must be HOST:PORT, .* or none; given: "7078"/,
  );
  const { http } = await openHouse(t, { here: true, http: true });
  const taken = await refusal(t, '--http-listen', http.slice('http://'.length));
  t.regex(taken, /^error: cannot listen on \S+: .*EADDRINUSE.*; choose another address \(http_listen\), or none$/);
});

test('a conductor without it has none', async (t) => {
  const house = await openHouse(t, { here: true });
  t.is(house.conductor.http, '');
});

test('it closes although connections are kept, are silent, or have sent half a request', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const { hostname, port } = new URL(house.http);
  const connected = async (text: string) => {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket
      .on('error', () => {})
      .resume()
      .write(text);
    return once(socket, 'close');
  };
  const closed = await Promise.all(
    ['', 'GET /healthz HTTP/1.1\r\n', 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{'].map(
      async (text) => ({ closed: connected(text) }),
    ),
  );
  t.is((await ask(house.http, 'GET /healthz')).status, 200);
  await house.stop('conductor');
  await Promise.all(closed.map((each) => each.closed));
  await house.start('conductor');
  t.is((await ask(house.http, 'GET /healthz')).status, 200);
});

test('headers that are too large are refused', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  t.is(await statusOf(http, { 'X-Large': 'x'.repeat(HTTP_LIMITS.header_bytes.limit) }), 431);
});

test('HTTP connections leave three quarters of the files to gRPC, agents and BMCs', async (t) => {
  const files = 400;
  const house = await openHouse(t, { http: true, disk: async () => ['prlimit', `--nofile=${files}`] });
  const { hostname, port } = new URL(house.http);
  let closed = 0;
  // One address has half of them, and the other gets the other half.
  const [one, other] = ['127.0.0.1', '127.0.0.2'].map((localAddress) =>
    Array.from({ length: files / 2 }, () => connect({ port: Number(port), host: hostname, localAddress })),
  ) as [Socket[], Socket[]];
  const sockets = [...one, ...other];
  t.teardown(() => sockets.forEach((socket) => void socket.destroy()));
  for (const socket of sockets)
    socket
      .on('error', () => {})
      .on('close', () => {
        closed += 1;
      });
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  await eventually('what is too much to be closed', () => closed === files - files / 4);
  for (const half of [one, other]) t.is(half.filter(({ destroyed }) => !destroyed).length, files / 8);
  t.deepEqual((await house.client.nodes.listNodes({})).nodes, []);
  const another = connectClient(house.address);
  t.teardown(() => another.close());
  t.deepEqual((await another.nodes.listNodes({})).nodes, []);
});

test('a connection whose client reads nothing of its answers is closed', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true, settings: { stream_read_timeout: 1 } });
  const { hostname, port } = new URL(http);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  let isClosed = false;
  socket.pause().on('error', () => {
    isClosed = true;
  });
  await once(socket, 'connect');
  // More than two sockets keep between them.
  for (let asked = 0; asked < 400; asked += 1) socket.write('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await eventually('the end of the connection', () => {
    // One that does not read finds out by writing.
    if (!isClosed) socket.write('\r\n');
    return isClosed;
  });
  t.like(await ask(http, 'GET /healthz'), { status: 200 });
});

test('a question with thousands of parameters is refused', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const names = Array.from({ length: 3000 }, (_, at) => at.toString(36));
  t.like(await ask(http, `GET /healthz?${names.join('&')}`), { status: 400 });
  t.like(await ask(http, `GET /healthz?${[...names, '0'].join('&')}`), {
    status: 400,
    sentence: 'the query parameter 0 is given twice',
  });
});

test('headers that do not come end with 408, and a connection that is not used is closed', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const { hostname, port } = new URL(http);
  const heard = async (sent: string): Promise<string> => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (data) => {
      text += String(data);
    });
    socket.write(sent);
    await once(socket, 'close');
    return text;
  };
  // These wait for the real limits: node's server has no other clock.
  const [late, idle] = await Promise.all([
    heard('GET /healthz HTTP/1.1\r\nHost: localhost\r\n'),
    heard('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  ]);
  t.regex(late, /^HTTP\/1.1 408 /);
  t.regex(idle, /^HTTP\/1.1 200 /);
});
