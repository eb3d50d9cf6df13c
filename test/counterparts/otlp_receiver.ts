/** A receiver of OTLP over HTTP, which decodes what comes by the protobuf of OpenTelemetry. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import type { ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { Watch } from '../e2e/watching.ts';

/** A span as it came. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The traces and spans that it is linked with. */
  readonly links: readonly string[];
  /** 2 is an error. */
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** One that runs. */
export interface OtlpReceiver {
  readonly endpoint: string;
  /** All that has come. */
  readonly spans: ReceivedSpan[];
  /** The status of each request that was answered. */
  readonly answered: Watch<number>;
  /** All bodies, decoded as text: for what must not be in them. */
  readonly bodies: string[];
  /** What it answers; only what is answered with 200 is taken. */
  status: number;
}

interface KeyValue {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}
interface WireLink {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
}
interface WireSpan extends WireLink {
  readonly parentSpanId: Buffer;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly links: readonly WireLink[];
  readonly status?: { readonly code: number };
}
interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

const PROTO = fileURLToPath(new URL('./otlp.proto', import.meta.url));

/** Starts one; it ends with the test. */
export async function openOtlpReceiver(t: ExecutionContext): Promise<OtlpReceiver> {
  const service = loadSync(PROTO, { longs: String, defaults: true, oneofs: true })['otlp.TraceService'];
  const decode = (service as ServiceDefinition).Export?.requestDeserialize as (bytes: Buffer) => unknown;
  const statuses: number[] = [];
  let wake = (): void => {};
  const answers = async function* (): AsyncGenerator<number> {
    for (;;) {
      while (statuses.length > 0) yield statuses.shift() as number;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const receiver = {
    ...{ endpoint: '', spans: [] as ReceivedSpan[], bodies: [] as string[], status: 200 },
    answered: new Watch(answers()),
  };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const sent = Buffer.concat(parts);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const isRight = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
    const status = isRight ? receiver.status : 404;
    if (status === 200) receiver.spans.push(...spansIn(decode(body) as WireRequest));
    receiver.bodies.push(body.toString('latin1'));
    response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
    statuses.push(status);
    wake();
  });
  server.listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  receiver.endpoint = `http://${address}:${port}`;
  return receiver;
}

const spansIn = ({ resourceSpans }: WireRequest): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => received(span, valuesOf(resource?.attributes ?? [])))),
  );

function received(span: WireSpan, resource: ReceivedSpan['resource']): ReceivedSpan {
  const { name, kind, traceState, status } = span;
  return {
    ...{ name, kind, traceState, resource, status: status?.code ?? 0 },
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentSpanId: span.parentSpanId.toString('hex'),
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    attributes: valuesOf(span.attributes),
    links: span.links.map(({ traceId, spanId }) => `${traceId.toString('hex')} ${spanId.toString('hex')}`),
  };
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  const plain = ({ value = {} }: KeyValue): unknown => {
    const found = value[String(value.value)];
    return value.value === 'intValue' ? Number(found) : found;
  };
  return Object.fromEntries(attributes.map((each) => [each.key, plain(each)]));
}
