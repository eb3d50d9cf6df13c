/**
 * The messages by which a session is opened: Open Session, and RAKP 1 to 4 (IPMI 2.0 sections 13.17 to 13.24), and what they
 * prove. Pure; both sides are here, so that a simulator uses the same code. What is malformed is null.
 */
import { type CipherSuite, type SecretKey, secretKey } from './cipher_suites.ts';

/** What is asked for in an Open Session Request. */
export interface OpenSessionRequest {
  readonly tag: number;
  readonly privilege: number;
  readonly consoleSessionId: number;
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
}

/** What answers it. With a status other than 0 the rest may be missing, and is 0 then. */
export interface OpenSessionResponse extends OpenSessionRequest {
  readonly status: number;
  readonly bmcSessionId: number;
}

/** Who asks to log in. */
export interface Rakp1 {
  readonly tag: number;
  readonly bmcSessionId: number;
  readonly consoleRandom: Buffer;
  /** The privilege level asked for, and how the user is looked up. */
  readonly role: number;
  readonly username: Buffer;
}

/** The BMC's half of the proof. With a status other than 0 only tag and id are there. */
export interface Rakp2 {
  readonly tag: number;
  readonly status: number;
  readonly consoleSessionId: number;
  readonly bmcRandom: Buffer;
  readonly bmcGuid: Buffer;
  readonly keyExchange: Buffer;
}

/** Our half of it. */
export interface Rakp3 {
  readonly tag: number;
  readonly status: number;
  readonly bmcSessionId: number;
  readonly keyExchange: Buffer;
}

/** The BMC has the same keys. */
export interface Rakp4 {
  readonly tag: number;
  readonly status: number;
  readonly consoleSessionId: number;
  readonly check: Buffer;
}

/** The status codes of these messages (IPMI 2.0 table 13-15). */
export const STATUS = {
  ok: 0x00,
  noResources: 0x01,
  invalidSessionId: 0x02,
  invalidRole: 0x09,
  unauthorizedRole: 0x0a,
  unauthorizedName: 0x0d,
  invalidIntegrityCheck: 0x0f,
} as const;

/** Those codes in the words of the specification. */
export const STATUS_WORDS: Readonly<Record<number, string>> = {
  1: 'insufficient resources to create a session',
  2: 'invalid session id',
  3: 'invalid payload type',
  4: 'invalid authentication algorithm',
  5: 'invalid integrity algorithm',
  6: 'no matching authentication payload',
  7: 'no matching integrity payload',
  8: 'inactive session id',
  9: 'invalid role',
  10: 'unauthorized role or privilege level requested',
  11: 'insufficient resources to create a session at the requested role',
  12: 'invalid name length',
  13: 'unauthorized name',
  14: 'unauthorized GUID',
  15: 'invalid integrity check value',
  16: 'invalid confidentiality algorithm',
  17: 'no cipher suite match with the proposed algorithms',
  18: 'illegal or unrecognized parameter',
};

const RANDOM_LENGTH = 16;
const GUID_LENGTH = 16;
/** A user name has 16 bytes at most (IPMI 2.0 section 22.28). */
export const LONGEST_USERNAME = 16;

/** One algorithm in an Open Session message: its kind, 8 as the length, its code. */
const algorithm = (kind: number, code: number): number[] => [kind, 0, 0, 8, code, 0, 0, 0];

/** The payload of an Open Session Request. */
export function encodeOpenSessionRequest(request: OpenSessionRequest): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(request.tag, 0);
  head.writeUInt8(request.privilege, 1);
  head.writeUInt32LE(request.consoleSessionId, 4);
  return Buffer.concat([head, algorithms(request)]);
}

function algorithms({ authentication, integrity, confidentiality }: OpenSessionRequest): Buffer {
  return Buffer.from([...algorithm(0, authentication), ...algorithm(1, integrity), ...algorithm(2, confidentiality)]);
}

/** An Open Session Request; null if it is none. */
export function decodeOpenSessionRequest(payload: Buffer): OpenSessionRequest | null {
  if (payload.length < 32) return null;
  return {
    tag: payload.readUInt8(0),
    privilege: payload.readUInt8(1) & 0x0f,
    consoleSessionId: payload.readUInt32LE(4),
    ...algorithmsAt(payload, 8),
  };
}

function algorithmsAt(payload: Buffer, at: number) {
  return {
    authentication: payload.readUInt8(at + 4) & 0x3f,
    integrity: payload.readUInt8(at + 12) & 0x3f,
    confidentiality: payload.readUInt8(at + 20) & 0x3f,
  };
}

/** The payload of an Open Session Response. */
export function encodeOpenSessionResponse(response: OpenSessionResponse): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(response.tag, 0);
  head.writeUInt8(response.status, 1);
  head.writeUInt8(response.privilege, 2);
  head.writeUInt32LE(response.consoleSessionId, 4);
  head.writeUInt32LE(response.bmcSessionId, 8);
  return response.status === STATUS.ok ? Buffer.concat([head, algorithms(response)]) : head.subarray(0, 8);
}

/** An Open Session Response; null if it is none. A refusal may be as short as two bytes. */
export function decodeOpenSessionResponse(payload: Buffer): OpenSessionResponse | null {
  if (payload.length < 2) return null;
  const tag = payload.readUInt8(0);
  const status = payload.readUInt8(1);
  const nothing = { privilege: 0, bmcSessionId: 0, authentication: 0, integrity: 0, confidentiality: 0 };
  if (status !== STATUS.ok) {
    const consoleSessionId = payload.length < 8 ? 0 : payload.readUInt32LE(4);
    return { tag, status, consoleSessionId, ...nothing };
  }
  if (payload.length < 36) return null;
  return {
    tag,
    status,
    privilege: payload.readUInt8(2) & 0x0f,
    consoleSessionId: payload.readUInt32LE(4),
    bmcSessionId: payload.readUInt32LE(8),
    ...algorithmsAt(payload, 12),
  };
}

/** The payload of RAKP message 1 (IPMI 2.0 section 13.20). */
export function encodeRakp1({ tag, bmcSessionId, consoleRandom, role, username }: Rakp1): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(tag, 0);
  head.writeUInt32LE(bmcSessionId, 4);
  return Buffer.concat([head, consoleRandom, Buffer.from([role, 0, 0, username.length]), username]);
}

/** RAKP message 1; null if it is none. */
export function decodeRakp1(payload: Buffer): Rakp1 | null {
  if (payload.length < 28) return null;
  const length = payload.readUInt8(27);
  if (length > LONGEST_USERNAME || payload.length < 28 + length) return null;
  return {
    tag: payload.readUInt8(0),
    bmcSessionId: payload.readUInt32LE(4),
    consoleRandom: payload.subarray(8, 8 + RANDOM_LENGTH),
    role: payload.readUInt8(24),
    username: payload.subarray(28, 28 + length),
  };
}

/** Tag, status and session id: how messages 2, 3 and 4 begin. */
function proofHead(tag: number, status: number, sessionId: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(tag, 0);
  head.writeUInt8(status, 1);
  head.writeUInt32LE(sessionId, 4);
  return head;
}

const NONE = Buffer.alloc(0);

/** The payload of RAKP message 2 (IPMI 2.0 section 13.21). */
export function encodeRakp2(message: Rakp2): Buffer {
  const head = proofHead(message.tag, message.status, message.consoleSessionId);
  if (message.status !== STATUS.ok) return head;
  return Buffer.concat([head, message.bmcRandom, message.bmcGuid, message.keyExchange]);
}

/** RAKP message 2; null if it is none. */
export function decodeRakp2(payload: Buffer, suite: CipherSuite): Rakp2 | null {
  if (payload.length < 8) return null;
  const head = {
    tag: payload.readUInt8(0),
    status: payload.readUInt8(1),
    consoleSessionId: payload.readUInt32LE(4),
  };
  if (head.status !== STATUS.ok) return { ...head, bmcRandom: NONE, bmcGuid: NONE, keyExchange: NONE };
  const guidAt = 8 + RANDOM_LENGTH;
  const codeAt = guidAt + GUID_LENGTH;
  if (payload.length !== codeAt + suite.keyExchangeLength) return null;
  return {
    ...head,
    bmcRandom: payload.subarray(8, guidAt),
    bmcGuid: payload.subarray(guidAt, codeAt),
    keyExchange: payload.subarray(codeAt),
  };
}

/** The payload of RAKP message 3 (IPMI 2.0 section 13.22). With a status other than 0 it ends the attempt. */
export function encodeRakp3({ tag, status, bmcSessionId, keyExchange }: Rakp3): Buffer {
  return Buffer.concat([proofHead(tag, status, bmcSessionId), status === STATUS.ok ? keyExchange : NONE]);
}

/** RAKP message 3; null if it is none. */
export function decodeRakp3(payload: Buffer): Rakp3 | null {
  if (payload.length < 8) return null;
  return {
    tag: payload.readUInt8(0),
    status: payload.readUInt8(1),
    bmcSessionId: payload.readUInt32LE(4),
    keyExchange: payload.subarray(8),
  };
}

/** The payload of RAKP message 4 (IPMI 2.0 section 13.23). */
export function encodeRakp4({ tag, status, consoleSessionId, check }: Rakp4): Buffer {
  return Buffer.concat([proofHead(tag, status, consoleSessionId), status === STATUS.ok ? check : NONE]);
}

/** RAKP message 4; null if it is none. */
export function decodeRakp4(payload: Buffer, suite: CipherSuite): Rakp4 | null {
  if (payload.length < 8) return null;
  const status = payload.readUInt8(1);
  const check = payload.subarray(8);
  if (status === STATUS.ok && check.length !== suite.checkLength) return null;
  return { tag: payload.readUInt8(0), status, consoleSessionId: payload.readUInt32LE(4), check };
}

/** What both sides know when message 2 was exchanged; all proofs are about it. */
export interface Exchange {
  readonly suite: CipherSuite;
  readonly consoleSessionId: number;
  readonly bmcSessionId: number;
  readonly consoleRandom: Buffer;
  readonly bmcRandom: Buffer;
  readonly bmcGuid: Buffer;
  readonly role: number;
  readonly username: Buffer;
}

const id = (sessionId: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(sessionId, 0);
  return bytes;
};

const who = ({ role, username }: Exchange): Buffer => Buffer.concat([Buffer.from([role, username.length]), username]);

/** What proves in message 2 that the BMC knows the password (IPMI 2.0 section 13.31). */
export function proofOfBmc(exchange: Exchange, password: SecretKey): Buffer {
  const { consoleSessionId, bmcSessionId, consoleRandom, bmcRandom, bmcGuid } = exchange;
  return password(id(consoleSessionId), id(bmcSessionId), consoleRandom, bmcRandom, bmcGuid, who(exchange));
}

/** What proves in message 3 that we do. */
export function proofOfConsole(exchange: Exchange, password: SecretKey): Buffer {
  const { consoleSessionId, bmcRandom } = exchange;
  return password(bmcRandom, id(consoleSessionId), who(exchange));
}

/** The session integrity key, of the BMC key K_g; a BMC without one uses the password (IPMI 2.0 section 13.31). */
export function sessionIntegrityKey(exchange: Exchange, kg: SecretKey): SecretKey {
  const { suite, consoleRandom, bmcRandom } = exchange;
  return secretKey(suite, kg(consoleRandom, bmcRandom, who(exchange)));
}

/** What proves in message 4 that both have the same session integrity key. */
export function proofOfKey(exchange: Exchange, integrityKey: SecretKey): Buffer {
  const { suite, consoleRandom, bmcSessionId, bmcGuid } = exchange;
  return integrityKey(consoleRandom, id(bmcSessionId), bmcGuid).subarray(0, suite.checkLength);
}
