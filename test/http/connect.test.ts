/** The services over Connect and gRPC-Web: what browsers and curl call passes what a gRPC call passes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import test from 'ava';
import { HTTP_LIMITS, OPEN_LIMITS, SENT_LIMITS } from '../../src/core/limits.ts';
import { CreateActionPlanRequest } from '../../src/gen/countermand/v1/action_plan.ts';
import { ErrorInfo } from '../../src/gen/google/rpc/error_details.ts';
import { rpcListener } from '../../src/http/rpcs.ts';
import { contractImage } from '../../src/server/api/image.ts';
import type { Services } from '../../src/server/api/services.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { ask, type Sent } from '../e2e/http.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, contractImage()));

/** What a generated client has, without its types: the contract is read from the image. */
interface Calls {
  listNodes(request: object): Promise<{ readonly nodes: readonly { readonly name: string }[] }>;
  getNode(request: object): Promise<unknown>;
  watchNodes(request: object, options?: { readonly signal: AbortSignal }): AsyncIterable<unknown>;
  setPowerState(request: object): AsyncIterable<{ readonly task: { readonly uuid: string; readonly state: number } }>;
}

const clientOf = (service: string, transport: Transport): Calls =>
  createClient(contract.getService(`countermand.v1.${service}`) as DescService, transport) as never;

const PROTOCOLS: readonly (readonly [name: string, transport: (baseUrl: string) => Transport])[] = [
  ['Connect', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  ['Connect in JSON', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false })],
  ['gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
];

const enrol = ({ client }: House, name: string) =>
  client.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name, fake_soft_ms: 'never' } });

/** What a call was refused with. */
async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConnectError) return error;
  throw error;
}

const infoIn = ({ details }: ConnectError): ErrorInfo => {
  const packed = details.find((detail) => 'type' in detail && detail.type === 'google.rpc.ErrorInfo');
  return ErrorInfo.decode((packed as { value: Uint8Array }).value);
};

for (const [name, transport] of PROTOCOLS)
  test(`${name}: unary calls, streams and refusals are those of gRPC`, async (t) => {
    const house = await openHouse(t, { here: true, http: true });
    await enrol(house, 'n1');
    const nodes = clientOf('NodeService', transport(house.http));
    const power = clientOf('PowerService', transport(house.http));

    const { nodes: listed } = await nodes.listNodes({});
    t.deepEqual(
      listed.map((node) => node.name),
      ['n1'],
    );

    const states: number[] = [];
    const order = { node: 'n1', target: 5, requestId: 'one' };
    for await (const { task } of power.setPowerState(order)) {
      states.push(task.state);
      if (task.state === 3) await house.client.power.withdrawPowerTask({ task: task.uuid, stopWaiting: true });
    }
    t.is(states.at(-1), 7, 'the stream ends when the task is at rest');

    const error = await refusal(nodes.getNode({ node: 'n9' }));
    t.is(error.code, Code.NotFound);
    t.is(error.rawMessage, "there is no node 'n9'");
    t.is(error.metadata.get('countermand-error-code'), 'NODE_NOT_FOUND');
    t.like(infoIn(error), { reason: 'NODE_NOT_FOUND', domain: 'countermand' });
  });

const LIST = 'POST /countermand.v1.NodeService/ListNodes';
const REPORT = 'POST /countermand.v1.AuditService/ReportClusterEvent';
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const typed = (type: string, body = '{}'): Sent => ({ headers: { 'Content-Type': type }, body });

const ROWS: readonly (readonly [line: string, sent: Sent, status: number, code: string, message: RegExp])[] = [
  [LIST, { body: { page_size: -1 } }, 400, 'invalid_argument', /^page_size is -1; /],
  [LIST, { body: '{' }, 400, 'invalid_argument', /JSON/],
  [LIST, { body: { nope: 1 } }, 400, 'invalid_argument', /nope/],
  [LIST, typed('text/plain'), 415, 'invalid_argument', /^Content-Type is text\/plain; it is application\/json, /],
  ['GET /countermand.v1.NodeService/ListNodes', {}, 405, 'unimplemented', /^GET is not a method of .*; it has POST$/],
  [LIST, { headers: { Origin: 'http://evil.example' }, body: {} }, 403, 'permission_denied', /^Origin is /],
  [LIST, { body: { zone: 'z'.repeat(SENT_LIMITS.message_bytes.limit) } }, 429, 'resource_exhausted', /at most 1048576/],
  [
    REPORT,
    { body: `{"event_type":"service.update","nodes":["n1"],"payload":${nested(32)}}` },
    400,
    'invalid_argument',
    /at most 32/,
  ],
  [REPORT, { body: `{"payload":${nested(40_000)}}` }, 400, 'invalid_argument', /./],
  [LIST, { body: '{"zone": "a", "zone": "b"}' }, 400, 'invalid_argument', /an object has the key zone twice/],
  [LIST, { headers: { 'connect-timeout-ms': 'soon' }, body: {} }, 400, 'invalid_argument', /timeout/],
];

test('what is refused over JSON says why, and the door goes on', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  for (const [line, sent, status, code, message] of ROWS) {
    const what = `${line} ${JSON.stringify(sent).slice(0, 100)}`;
    const { status: was, json } = await ask(house.http, line, sent);
    t.is(was, status, `${what}: ${JSON.stringify(json)}`);
    t.is((json as { code: string }).code, code, what);
    t.regex((json as { message: string }).message, message, what);
  }
  t.like(await ask(house.http, 'POST /countermand.v1.NodeService/Nope', { body: {} }), { status: 404 });
  t.like(await ask(house.http, 'POST /countermand.v1.AgentService/Attach', { body: {} }), { status: 404 });
  t.like(await ask(house.http, LIST, { body: {} }), { status: 200 });
});

const GET = 'countermand.v1.NodeService/GetNode';
const SUBSCRIBE = 'countermand.v1.NotificationService/Subscribe';
const inEnvelope = (message: string): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, Buffer.from(message)]);
};

for (const [what, path, type, body, sentence, field] of [
  [
    'a field of another type',
    GET,
    'json',
    '{"node":5}',
    /GetNodeRequest.node from JSON: expected string, got 5$/,
    'node',
  ],
  ['a field that is none', GET, 'json', '{"bogus":1}', /key "bogus" is unknown$/, undefined],
  ['a list', GET, 'json', '[]', /^the body must be an object$/, undefined],
  ['nothing', GET, 'json', '', /^the body must be an object$/, undefined],
  ['no JSON', GET, 'json', '{"node":"n1', /^the body is not valid JSON( at position \d+)?$/, undefined],
  [
    'no JSON, which may hold a secret',
    GET,
    'json',
    '{"node": s3cret}',
    /^the body is not valid JSON( at position \d+)?$/,
    undefined,
  ],
  ['a text that is none', GET, 'proto', Buffer.from([10, 2, 0xc3, 0x28]), /utf-8/, undefined],
  ['a stream', SUBSCRIBE, 'connect+json', inEnvelope('{"fromSequence":1.5}'), /from_sequence .* 1.5/, 'from_sequence'],
] as const)
  test(`a message that cannot be decoded has the code and the details of an error of ours: ${what}`, async (t) => {
    const { http } = await openHouse(t, { here: true, http: true });
    const headers = { 'Content-Type': `application/${type}` };
    const response = await fetch(`${http}/${path}`, { method: 'POST', headers, body });
    const text = await response.text();
    const { code, message, details = [] } = path === GET ? JSON.parse(text) : JSON.parse(text.slice(5)).error;
    t.is(code, 'invalid_argument');
    t.regex(message, sentence);
    const [info] = details;
    t.is(info?.type, 'google.rpc.ErrorInfo');
    const { reason, metadata } = ErrorInfo.decode(Buffer.from(info.value, 'base64'));
    t.is(reason, 'ARGUMENT_INVALID');
    t.is(metadata.field, field);
  });

test('a stream ends with its call: its place is free when its client has gone', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  const nodes = clientOf('NodeService', createConnectTransport({ baseUrl: house.http, httpVersion: '1.1' }));
  const open = async (): Promise<AbortController> => {
    const gone = new AbortController();
    const watch = nodes.watchNodes({}, { signal: gone.signal })[Symbol.asyncIterator]();
    await watch.next();
    return gone;
  };
  const opened = await Promise.all(Array.from({ length: OPEN_LIMITS.fleet_watches.limit }, open));
  t.is((await refusal(open())).metadata.get('countermand-error-code'), 'TOO_MANY_STREAMS');
  for (const gone of opened) gone.abort();
  await eventually('a place to be free', () =>
    open().then(
      (gone) => {
        gone.abort();
        return true;
      },
      () => false,
    ),
  );
});

test('a conductor that stops ends its streams, and says so', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  for (const [name, transport] of PROTOCOLS) {
    const nodes = clientOf('NodeService', transport(house.http));
    const watch = nodes.watchNodes({})[Symbol.asyncIterator]();
    await watch.next();
    const ended = refusal(
      (async () => {
        for (;;) if ((await watch.next())?.done) return;
      })(),
    );
    const stopped = house.stop('conductor');
    const error = await ended;
    t.is(error.code, Code.Unavailable, name);
    t.is(error.metadata.get('countermand-error-code'), 'SHUTTING_DOWN', name);
    await stopped;
    await house.start('conductor');
  }
});

test('a body that does not come in time ends with 408', async (t) => {
  const clock = new VirtualClock();
  const listener = rpcListener(
    { services: { clock } as unknown as Services, onLoopback: true, streamReadTimeoutMs: 300_000 },
    () => t.fail('it is an RPC'),
  );
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const path = '/countermand.v1.NodeService/ListNodes';
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{`,
  );
  // One for the body, and one for an answer that is not read.
  await eventually('the body to be waited for', () => clock.timers === 2);
  await clock.turn(HTTP_LIMITS.body_ms.limit);
  let said = '';
  for await (const data of socket) said += String(data);
  t.regex(said, /^HTTP\/1.1 408 /);
  t.regex(said, /"code":"deadline_exceeded","message":"the body did not come within 30 s; nothing was done"/);
});

const SMALL = SENT_LIMITS.message_bytes.limit;
const PLAN = HTTP_LIMITS.plan_body_bytes.limit;

/** How a message of some bytes is sent to an RPC, and how the answer says that it is too large. */
const LARGEST: readonly (readonly [rpc: string, limit: number, type: string, refused: RegExp])[] = [
  ['NodeService/ListNodes', SMALL, 'application/json', /resource_exhausted/],
  ['NodeService/ListNodes', SMALL, 'application/proto', /resource_exhausted/],
  ['NodeService/ListNodes', SMALL, 'application/grpc-web+proto', /grpc-status: 8/],
  ['PowerService/SetPowerState', SMALL, 'application/connect+json', /resource_exhausted/],
  ['PowerService/SetPowerState', SMALL, 'application/grpc-web+proto', /grpc-status: 8/],
  ['ActionPlanService/CreateActionPlan', PLAN, 'application/json', /resource_exhausted/],
];

test('a message that is larger by one than its RPC allows is refused before it is decoded, packed or not', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const send = async (rpc: string, type: string, bytes: number, headers: Record<string, string> = {}) => {
    const isEnveloped = /grpc-web|connect/.test(type);
    const head = Buffer.alloc(isEnveloped ? 5 : 0);
    if (isEnveloped) head.writeUInt32BE(bytes, 1);
    // No message of any RPC: if it is decoded, it is refused as that.
    const whole = Buffer.concat([head, Buffer.alloc(bytes, 0xff)]);
    const body = headers['Content-Encoding'] === 'gzip' ? gzipSync(whole) : whole;
    const request = { method: 'POST', headers: { 'Content-Type': type, ...headers }, body };
    return (await fetch(`${http}/countermand.v1.${rpc}`, request)).text();
  };
  for (const [rpc, limit, type, refused] of LARGEST) {
    t.notRegex(await send(rpc, type, limit), refused, `${rpc}, ${type}`);
    t.regex(await send(rpc, type, limit + 1), refused, `${rpc}, ${type}`);
  }
  const packed = { 'Content-Encoding': 'gzip' };
  t.regex(await send('NodeService/ListNodes', 'application/json', SMALL + 1, packed), /resource_exhausted/);
  t.notRegex(await send('NodeService/ListNodes', 'application/json', SMALL, packed), /resource_exhausted/);
});

test('a message of more parts than the library may make objects of is refused, in every form', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  const { limit } = HTTP_LIMITS.body_parts;
  const payload = { a: { b: Array.from({ length: limit / 2 + 1 }, () => []) } };
  const wanted = { name: 'a', actions: [{ name: 'a', actionType: 'nop', inputParameters: payload }] };
  const json = Buffer.from(JSON.stringify(wanted));
  const proto = CreateActionPlanRequest.encode(CreateActionPlanRequest.fromPartial(wanted)).finish();
  const enveloped = (message: Uint8Array, flags: number): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flags);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  };
  const forms: readonly (readonly [type: string, body: Uint8Array, headers?: Record<string, string>])[] = [
    ['application/json', json],
    ['application/json; charset=utf-8', json],
    ['application/json', gzipSync(json), { 'Content-Encoding': 'gzip' }],
    ['application/proto', proto],
    ['application/proto', gzipSync(proto), { 'Content-Encoding': 'gzip' }],
    ['application/grpc-web', enveloped(proto, 0)],
    ['application/grpc-web+proto', enveloped(gzipSync(proto), 1), { 'Grpc-Encoding': 'gzip' }],
    ['application/grpc-web+json', enveloped(json, 0)],
  ];
  for (const [type, body, headers = {}] of forms) {
    const request = { method: 'POST', headers: { 'Content-Type': type, ...headers }, body };
    const response = await fetch(`${http}/countermand.v1.ActionPlanService/CreateActionPlan`, request as RequestInit);
    const answer = `${await response.text()} ${response.headers.get('grpc-status') ?? ''}`;
    t.regex(decodeURIComponent(answer), /resource_exhausted|grpc-status: 8|8$/, `${type}: ${answer}`);
    t.regex(decodeURIComponent(answer), / parts; at most 100000 /, `${type}: ${answer}`);
  }
  t.is((await client.plans.listActionPlans({})).actionPlans.length, 0);
});

test('a body with an envelope that is not one message is refused', async (t) => {
  const { http } = await openHouse(t, { here: true, http: true });
  const two = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  for (const body of [
    two,
    Buffer.from([0, 0, 0, 0, 9]),
    Buffer.from([128, 0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0, 1, 7]),
  ]) {
    const headers = { 'Content-Type': 'application/grpc-web+proto', 'Grpc-Encoding': 'gzip' };
    const response = await fetch(`${http}/countermand.v1.NodeService/ListNodes`, { method: 'POST', headers, body });
    const answer = `${await response.text()} ${response.headers.get('grpc-status') ?? ''}`;
    t.regex(answer, /grpc-status: 3|3$/, answer);
  }
});

test('Subscribe sends its headers before there is an event', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  for (const type of ['application/connect+json', 'application/grpc-web+proto']) {
    const payload = type.endsWith('json') ? Buffer.from('{"eventTypes":["audit.*"]}') : Buffer.from([]);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(payload.length, 1);
    const gone = new AbortController();
    const request = { method: 'POST', headers: { 'Content-Type': type }, body: Buffer.concat([head, payload]) };
    const response = await fetch(`${http}/countermand.v1.NotificationService/Subscribe`, {
      ...request,
      signal: gone.signal,
    });
    t.is(response.headers.get('content-type'), type);
    t.is(response.headers.get('countermand-newest-sequence'), '0');
    gone.abort();
  }
  t.like(await client.notifications.getNewestSequence({}), { newestSequence: 0n }, 'no event has come');
});
