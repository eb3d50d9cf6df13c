/**
 * The one message in the body of a call of Connect or gRPC-Web: taken out of its envelope, unpacked, and held to its limits,
 * before the library makes objects of all of it.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { fail } from '../core/errors.ts';
import { exceeded, HTTP_LIMITS, type LimitRow } from '../core/limits.ts';
import type { ByteRpc } from '../server/api/in_process.ts';
import { isWholePlan, sizeLimitOf } from '../server/api/reading.ts';
import { parseJson } from './body.ts';

/** What precedes a message in a body that has an envelope, in bytes: its flags, and its length. */
const ENVELOPE = 5;
/** The flag of a message that is packed. */
const PACKED = 1;

/**
 * How large the message of an RPC may be over HTTP. The library makes objects of all of it at once, and each is many times its
 * bytes. So a plan is held to less than over gRPC.
 */
export const httpSizeLimitOf = (path: string): LimitRow =>
  isWholePlan(path) ? HTTP_LIMITS.plan_body_bytes : sizeLimitOf(path);

/**
 * Refuses a call by what it announces of its size. What is not announced is cut off at the same limit.
 * @throws MESSAGE_TOO_LARGE
 */
export function refuseAnnounced(path: string, headers: Headers): void {
  const announced = Number(headers.get('content-length') ?? 0);
  const limit = httpSizeLimitOf(path);
  if (announced > limit.limit + ENVELOPE) throw exceeded(limit, path.slice(1), announced);
}

/** What checks a message. */
interface Checks {
  /** Decodes a message, or what is parsed of it, as the library will. @throws what is said of a message that is none of the RPC */
  readonly decode: (message: { readonly json: unknown } | { readonly bytes: Uint8Array }) => void;
  readonly toError: (error: unknown) => Error;
}

/**
 * The same request, whose body is checked when it is read.
 * @returns it unchanged if it is of a form or an encoding that the library refuses
 */
export function checked(request: UniversalServerRequest, rpc: ByteRpc, { decode, toError }: Checks) {
  const type = (request.header.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isJson = type.endsWith('json');
  if (!/^application\/(?:(?:connect\+|grpc-web\+)?(?:json|proto)|grpc-web)$/.test(type)) return request;
  if (typeof request.body !== 'object' || request.body === null || !(Symbol.asyncIterator in request.body))
    return request;
  const hasEnvelope = type.includes('connect+') || type.includes('grpc-web');
  const isPacked = !hasEnvelope && request.header.get('content-encoding') === 'gzip';
  const header = new Headers(request.header);
  if (isPacked) header.delete('content-encoding');
  const wire = request.body;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      const limit = httpSizeLimitOf(rpc.path);
      const whole = await gather(wire, limit, rpc.path);
      // The library says what is missing.
      if (hasEnvelope && whole.length === 0) return;
      const message = hasEnvelope
        ? await opened(whole, limit, rpc.path)
        : isPacked
          ? await unpacked(whole, limit, rpc.path)
          : whole;
      if (message.length > limit.limit) throw exceeded(limit, rpc.path.slice(1), message.length);
      if (isJson) decode({ json: parseJson(message) });
      else {
        await rpc.refuseParts(message, HTTP_LIMITS.body_parts);
        decode({ bytes: message });
      }
      if (hasEnvelope) yield envelopeOf(message);
      yield message;
    } catch (error) {
      throw toError(error);
    }
  };
  return { ...request, header, body: body() };
}

async function gather(wire: AsyncIterable<Uint8Array>, limit: LimitRow, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of wire) {
    size += chunk.length;
    if (size > limit.limit + ENVELOPE) throw exceeded(limit, path.slice(1), `more than ${limit.limit}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function opened(whole: Buffer, limit: LimitRow, path: string): Promise<Buffer> {
  const flags = whole[0] ?? 0;
  const isWhole = whole.length >= ENVELOPE && whole.length - ENVELOPE === whole.readUInt32BE(1);
  if (!isWhole || (flags & ~PACKED) !== 0)
    throw fail('ARGUMENT_INVALID', `${path.slice(1)}: the body is not one message in an envelope`);
  const message = whole.subarray(ENVELOPE);
  return flags === PACKED ? unpacked(message, limit, path) : message;
}

function envelopeOf({ length }: Uint8Array): Uint8Array {
  const envelope = Buffer.alloc(ENVELOPE);
  envelope.writeUInt32BE(length, 1);
  return envelope;
}

async function unpacked(bytes: Buffer, limit: LimitRow, path: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: limit.limit });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw exceeded(limit, path.slice(1), `more than ${limit.limit}`);
    throw fail('ARGUMENT_INVALID', `${path.slice(1)}: the body is not gzip (${message})`);
  }
}
