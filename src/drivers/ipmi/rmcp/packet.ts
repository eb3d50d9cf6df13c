/**
 * Packets: what stands in one UDP datagram around a message. Pure: bytes in, values out; what is malformed is null, and
 * nothing here throws on bytes from outside.
 *
 * RMCP header (IPMI 2.0 section 13.1.3), then one of
 *   ASF message (ASF 2.0 section 3.2.4): presence ping and pong
 *   IPMI 1.5 session header (IPMI 2.0 table 13-8): here only without authentication, for questions before a session
 *   RMCP+ session header and trailer (IPMI 2.0 section 13.6): everything else
 */

/** What an RMCP+ packet carries (IPMI 2.0 table 13-16). */
export const PAYLOAD = {
  ipmi: 0x00,
  openSessionRequest: 0x10,
  openSessionResponse: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;

/** An RMCP+ packet. */
export interface SessionPacket {
  readonly kind: 'session';
  /** One of PAYLOAD, or something unknown. */
  readonly payloadType: number;
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** The id that the receiver has chosen; 0 outside of a session. */
  readonly sessionId: number;
  readonly sequence: number;
  /** Encrypted if it says so. */
  readonly payload: Buffer;
  /** The bytes that the authentication code is about (IPMI 2.0 section 13.28.4); empty if there is none. */
  readonly signed: Buffer;
  readonly authCode: Buffer;
}

/** An IPMI message outside of any session. */
interface BarePacket {
  readonly kind: 'bare';
  readonly payload: Buffer;
}

/** A presence ping, or the pong that answers one. */
interface AsfPacket {
  readonly kind: 'ping' | 'pong';
  readonly tag: number;
  /** Of a pong: the system speaks IPMI (ASF 2.0 section 3.2.4.3, "Supported Entities"). */
  readonly ipmi: boolean;
}

/** Whatever one datagram can be. */
export type Packet = SessionPacket | BarePacket | AsfPacket;

const RMCP_VERSION = 0x06;
/** "No acknowledge wanted": IPMI uses none. */
const RMCP_SEQUENCE = 0xff;
const CLASS = { asf: 0x06, ipmi: 0x07 } as const;
const AUTH_TYPE = { none: 0x00, rmcpPlus: 0x06 } as const;
const ASF_IANA = 0x0000_11be;
const ASF_TYPE = { ping: 0x80, pong: 0x40 } as const;
const ASF_PONG_LENGTH = 16;
const ENTITY_IPMI = 0x80;
const ENCRYPTED = 0x80;
const AUTHENTICATED = 0x40;
const PAYLOAD_TYPE_MASK = 0x3f;
/** Behind the integrity pad: always 07h (IPMI 2.0 table 13-8). */
const NEXT_HEADER = 0x07;
const RMCP_LENGTH = 4;
const SESSION_HEADER_LENGTH = RMCP_LENGTH + 12;
const BARE_HEADER_LENGTH = RMCP_LENGTH + 10;
const NOTHING = Buffer.alloc(0);

const rmcpHeader = (messageClass: number): Buffer => Buffer.from([RMCP_VERSION, 0, RMCP_SEQUENCE, messageClass]);
const RMCP_IPMI = rmcpHeader(CLASS.ipmi);

/** Says what a datagram is; null if it is none of ours, or malformed. */
export function decodePacket(datagram: Buffer): Packet | null {
  if (datagram.length <= RMCP_LENGTH || datagram[0] !== RMCP_VERSION) return null;
  if (datagram[3] === CLASS.asf) return decodeAsf(datagram);
  if (datagram[3] !== CLASS.ipmi) return null;
  if (datagram[4] === AUTH_TYPE.rmcpPlus) return decodeSession(datagram);
  return datagram[4] === AUTH_TYPE.none ? decodeBare(datagram) : null;
}

function decodeAsf(datagram: Buffer): AsfPacket | null {
  if (datagram.length < RMCP_LENGTH + 8 || datagram.readUInt32BE(4) !== ASF_IANA) return null;
  const tag = datagram.readUInt8(9);
  const length = datagram.readUInt8(11);
  if (datagram.length < RMCP_LENGTH + 8 + length) return null;
  if (datagram[8] === ASF_TYPE.ping) return { kind: 'ping', tag, ipmi: false };
  if (datagram[8] !== ASF_TYPE.pong || length < ASF_PONG_LENGTH) return null;
  return { kind: 'pong', tag, ipmi: (datagram.readUInt8(20) & ENTITY_IPMI) !== 0 };
}

function decodeBare(datagram: Buffer): BarePacket | null {
  if (datagram.length < BARE_HEADER_LENGTH) return null;
  const length = datagram.readUInt8(13);
  // Some add a byte for switches that dislike certain lengths (IPMI 2.0 section 13.6, "legacy pad").
  if (datagram.length < BARE_HEADER_LENGTH + length) return null;
  return { kind: 'bare', payload: datagram.subarray(BARE_HEADER_LENGTH, BARE_HEADER_LENGTH + length) };
}

function decodeSession(datagram: Buffer): SessionPacket | null {
  if (datagram.length < SESSION_HEADER_LENGTH) return null;
  const type = datagram.readUInt8(5);
  const length = datagram.readUInt16LE(14);
  const end = SESSION_HEADER_LENGTH + length;
  if (datagram.length < end) return null;
  const authenticated = (type & AUTHENTICATED) !== 0;
  const signedEnd = authenticated ? endOfSigned(datagram, end) : RMCP_LENGTH;
  if (signedEnd === null) return null;
  return {
    kind: 'session',
    payloadType: type & PAYLOAD_TYPE_MASK,
    encrypted: (type & ENCRYPTED) !== 0,
    authenticated,
    sessionId: datagram.readUInt32LE(6),
    sequence: datagram.readUInt32LE(10),
    payload: datagram.subarray(SESSION_HEADER_LENGTH, end),
    signed: datagram.subarray(RMCP_LENGTH, signedEnd),
    authCode: authenticated ? datagram.subarray(signedEnd) : NOTHING,
  };
}

/** Where what is signed ends: after the integrity pad, its length and the next header. The code follows, to the end. */
function endOfSigned(datagram: Buffer, start: number): number | null {
  // What is signed, from the authentication type on, fills whole words of four bytes.
  const padLength = (4 - ((start - RMCP_LENGTH + 2) % 4)) % 4;
  const end = start + padLength + 2;
  if (datagram.length <= end) return null;
  if (datagram[end - 2] !== padLength || datagram[end - 1] !== NEXT_HEADER) return null;
  return end;
}

/** What encodeSession needs to know. */
interface OutgoingPacket {
  readonly payloadType: number;
  readonly encrypted: boolean;
  readonly sessionId: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Makes authentication codes. */
export interface Signer {
  /** Bytes of a code. */
  readonly codeLength: number;
  /** The authentication code of bytes. */
  sign(signed: Buffer): Buffer;
}

/** An RMCP+ datagram. With a signer it is authenticated. */
export function encodeSession(packet: OutgoingPacket, signer: Signer | null): Buffer {
  const { payloadType, encrypted, sessionId, sequence, payload } = packet;
  const payloadEnd = SESSION_HEADER_LENGTH + payload.length;
  const padLength = (4 - ((payloadEnd - RMCP_LENGTH + 2) % 4)) % 4;
  const signedEnd = payloadEnd + padLength + 2;
  const datagram = Buffer.allocUnsafe(signer === null ? payloadEnd : signedEnd + signer.codeLength);
  const flags = (encrypted ? ENCRYPTED : 0) | (signer === null ? 0 : AUTHENTICATED);
  RMCP_IPMI.copy(datagram);
  datagram[4] = AUTH_TYPE.rmcpPlus;
  datagram[5] = payloadType | flags;
  datagram.writeUInt32LE(sessionId, 6);
  datagram.writeUInt32LE(sequence, 10);
  datagram.writeUInt16LE(payload.length, 14);
  payload.copy(datagram, SESSION_HEADER_LENGTH);
  if (signer === null) return datagram;
  for (let at = payloadEnd; at < payloadEnd + padLength; at += 1) datagram[at] = 0xff;
  datagram[payloadEnd + padLength] = padLength;
  datagram[payloadEnd + padLength + 1] = NEXT_HEADER;
  signer.sign(datagram.subarray(RMCP_LENGTH, signedEnd)).copy(datagram, signedEnd);
  return datagram;
}

/** A datagram with a message outside of any session. */
export function encodeBare(payload: Buffer): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt8(AUTH_TYPE.none, 0);
  header.writeUInt8(payload.length, 9);
  return Buffer.concat([RMCP_IPMI, header, payload]);
}

/** A presence ping (ASF 2.0 section 3.2.4.2). */
export function encodePing(tag: number): Buffer {
  return encodeAsf(ASF_TYPE.ping, tag, Buffer.alloc(0));
}

/** The answer to a presence ping, of a system that speaks IPMI (ASF 2.0 section 3.2.4.3). */
export function encodePong(tag: number): Buffer {
  const data = Buffer.alloc(ASF_PONG_LENGTH);
  data.writeUInt32BE(ASF_IANA, 0);
  data.writeUInt8(ENTITY_IPMI | 0x01, 8);
  return encodeAsf(ASF_TYPE.pong, tag, data);
}

function encodeAsf(type: number, tag: number, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(ASF_IANA, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(tag, 5);
  header.writeUInt8(data.length, 7);
  return Buffer.concat([rmcpHeader(CLASS.asf), header, data]);
}
