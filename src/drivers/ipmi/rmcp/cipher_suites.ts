/**
 * The cipher suites: how a session is authenticated, signed and encrypted (IPMI 2.0 section 13.28, table 22-20). Only 3 and
 * 17 are here. Suite 0 lets anybody in without the password (CVE-2013-4784), the others sign or encrypt nothing, or use what
 * is broken.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/** The suites that are supported. */
export type CipherSuiteId = 3 | 17;

/** One suite. */
export interface CipherSuite {
  readonly id: CipherSuiteId;
  /** Codes of its algorithms (IPMI 2.0 tables 13-17, 13-18 and 13-19), as they are asked for. */
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
  readonly hash: 'sha1' | 'sha256';
  /** Bytes of the key exchange authentication code of RAKP messages 2 and 3. */
  readonly keyExchangeLength: number;
  /** Bytes of the integrity check value of RAKP message 4, and of each packet's authentication code. */
  readonly checkLength: number;
}

/** RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128; and the same with SHA256 and 128 bits of it. */
export const CIPHER_SUITES: Readonly<Record<CipherSuiteId, CipherSuite>> = {
  3: {
    id: 3,
    authentication: 0x01,
    integrity: 0x01,
    confidentiality: 0x01,
    hash: 'sha1',
    keyExchangeLength: 20,
    checkLength: 12,
  },
  17: {
    id: 17,
    authentication: 0x03,
    integrity: 0x04,
    confidentiality: 0x01,
    hash: 'sha256',
    keyExchangeLength: 32,
    checkLength: 16,
  },
};

/** Keyed hash of the parts one after the other. */
export function keyedHash({ hash }: CipherSuite, key: Buffer, ...parts: readonly Buffer[]): Buffer {
  const keyed = createHmac(hash, key);
  for (const part of parts) keyed.update(part);
  return keyed.digest();
}

/** True if two codes are the same, in a time that does not tell how far they are. */
export function sameCode(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The keys of one session, made of its session integrity key (IPMI 2.0 section 13.32). */
export interface SessionKeys {
  /** The authentication code of a packet. */
  sign(signed: Buffer): Buffer;
  /** A payload as it travels: an initialization vector, then the encrypted bytes (IPMI 2.0 section 13.29.2). */
  encrypt(payload: Buffer, vector: Buffer): Buffer;
  /** A payload as it was; null if it cannot have been encrypted with these keys. */
  decrypt(encrypted: Buffer): Buffer | null;
}

const BLOCK = 16;
const AES = 'aes-128-cbc';
/** The constants that the further keys are made of have the length of SHA1 in every suite. */
const CONSTANT_LENGTH = 20;

/** The keys that both sides of a session derive. */
export function deriveKeys(suite: CipherSuite, sessionIntegrityKey: Buffer): SessionKeys {
  const derived = (constant: number): Buffer =>
    keyedHash(suite, sessionIntegrityKey, Buffer.alloc(CONSTANT_LENGTH, constant));
  const signing = derived(1);
  const encrypting = derived(2).subarray(0, BLOCK);
  return {
    sign: (signed) => keyedHash(suite, signing, signed).subarray(0, suite.checkLength),
    encrypt: (payload, vector) => encrypt(payload, vector, encrypting),
    decrypt: (encrypted) => decrypt(encrypted, encrypting),
  };
}

function encrypt(payload: Buffer, vector: Buffer, key: Buffer): Buffer {
  // The pad counts 01h, 02h, 03h, …; its length is the last byte.
  const padLength = (BLOCK - ((payload.length + 1) % BLOCK)) % BLOCK;
  const pad = Buffer.from([...Array.from({ length: padLength }, (_, at) => at + 1), padLength]);
  const cipher = createCipheriv(AES, key, vector).setAutoPadding(false);
  return Buffer.concat([vector, cipher.update(payload), cipher.update(pad), cipher.final()]);
}

function decrypt(encrypted: Buffer, key: Buffer): Buffer | null {
  if (encrypted.length < 2 * BLOCK || encrypted.length % BLOCK !== 0) return null;
  const decipher = createDecipheriv(AES, key, encrypted.subarray(0, BLOCK)).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(encrypted.subarray(BLOCK)), decipher.final()]);
  const padLength = plain.readUInt8(plain.length - 1);
  if (padLength >= BLOCK) return null;
  return plain.subarray(0, plain.length - 1 - padLength);
}
