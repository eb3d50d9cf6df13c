/**
 * IPMI messages as they travel over LAN: addresses, network function, sequence number, command, data and two checksums
 * (IPMI 2.0 section 13.8, table 13-8). Pure; what is malformed is null.
 */

/** Network functions (IPMI 2.0 table 5-1). A request's is even; its answer's is one more. */
export const NET_FN = { chassis: 0x00, app: 0x06, oem: 0x2e } as const;

/** A question to a BMC. */
export interface RequestMessage {
  readonly netFn: number;
  readonly command: number;
  /** 0 to 63; the answer bears the same. */
  readonly sequence: number;
  readonly data: Buffer;
}

/** What a BMC answers. */
export interface ResponseMessage extends RequestMessage {
  /** 00h is done; the others stand in completion_codes.ts. */
  readonly completionCode: number;
}

/** The BMC itself (IPMI 2.0 section 5.2: slave address 20h). */
const BMC_ADDRESS = 0x20;
/** A remote console (IPMI 2.0 table 5-4: software id 81h). */
const CONSOLE_ADDRESS = 0x81;
const SHORTEST = { request: 7, response: 8 } as const;
/** The sequence number has six bits. */
export const SEQUENCES = 64;

/** What makes the sum of all bytes from `start` to before `end` zero, together with them. */
function checksum(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 1) sum += bytes[at] ?? 0;
  return -sum & 0xff;
}

/** A request as the payload of a packet. */
export function encodeRequest({ netFn, command, sequence, data }: RequestMessage): Buffer {
  return encode(BMC_ADDRESS, netFn, CONSOLE_ADDRESS, sequence, command, data);
}

/** An answer as the payload of a packet. */
export function encodeResponse({ netFn, command, sequence, completionCode, data }: ResponseMessage): Buffer {
  const answer = Buffer.concat([Buffer.from([completionCode]), data]);
  return encode(CONSOLE_ADDRESS, netFn, BMC_ADDRESS, sequence, command, answer);
}

function encode(to: number, netFn: number, from: number, sequence: number, command: number, data: Buffer): Buffer {
  const payload = Buffer.allocUnsafe(SHORTEST.request + data.length);
  const last = payload.length - 1;
  payload[0] = to;
  payload[1] = netFn << 2;
  payload[2] = checksum(payload, 0, 2);
  payload[3] = from;
  payload[4] = sequence << 2;
  payload[5] = command;
  data.copy(payload, 6);
  payload[last] = checksum(payload, 3, last);
  return payload;
}

/** The request in a payload; null if it is none, or not to the BMC. */
export function decodeRequest(payload: Buffer): RequestMessage | null {
  if (payload.length < SHORTEST.request || payload[0] !== BMC_ADDRESS || !isWhole(payload)) return null;
  const { netFn, command, sequence } = headOf(payload);
  return netFn % 2 === 1 ? null : { netFn, command, sequence, data: payload.subarray(6, -1) };
}

/** The answer in a payload; null if it is none, or not to a console. */
export function decodeResponse(payload: Buffer): ResponseMessage | null {
  if (payload.length < SHORTEST.response || payload[0] !== CONSOLE_ADDRESS || !isWhole(payload)) return null;
  const { netFn, command, sequence } = headOf(payload);
  if (netFn % 2 === 0) return null;
  return { netFn, command, sequence, completionCode: payload.readUInt8(6), data: payload.subarray(7, -1) };
}

function headOf(payload: Buffer): Pick<RequestMessage, 'netFn' | 'command' | 'sequence'> {
  return { netFn: payload.readUInt8(1) >> 2, command: payload.readUInt8(5), sequence: payload.readUInt8(4) >> 2 };
}

/** Both checksums are right: with them, all bytes that they are about sum up to zero. */
function isWhole(payload: Buffer): boolean {
  return checksum(payload, 0, 3) === 0 && checksum(payload, 3, payload.length) === 0;
}
