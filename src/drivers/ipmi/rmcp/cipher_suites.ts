/**
 * The cipher suites: how a session is authenticated, signed and encrypted (IPMI 2.0 section 13.28, table 22-20). Only 3 and
 * 17 are here. Suite 0 lets anybody in without the password (CVE-2013-4784), the others sign or encrypt nothing, or use what
 * is broken.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type HashName, type KeyedHash, openKeyedHash } from './keyed_hash.ts';
import type { Signer } from './packet.ts';

/** The suites that are supported. */
export type CipherSuiteId = 3 | 17;

/** One suite. */
export interface CipherSuite {
  readonly id: CipherSuiteId;
  /** Codes of its algorithms (IPMI 2.0 tables 13-17, 13-18 and 13-19), as they are asked for. */
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
  readonly hash: HashName;
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

/** A key of a suite, taken up once: it makes a keyed hash of parts, one after the other. */
export type SecretKey = KeyedHash;

/** The key of these bytes; none at all are a key, too. @throws RangeError above 64 bytes */
export function secretKey({ hash }: CipherSuite, bytes: Buffer): SecretKey {
  return openKeyedHash(hash, bytes);
}

/** True if two codes are the same, in a time that does not tell how far they are. */
export function sameCode(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The keys of one session, made of its session integrity key (IPMI 2.0 section 13.32). */
export interface SessionKeys extends Signer {
  /**
   * A payload as it travels: an initialization vector, then the encrypted bytes (IPMI 2.0 section 13.29.2).
   * @param random 16 bytes that cannot be guessed; the vector is made of them
   */
  encrypt(payload: Buffer, random: Buffer): Buffer;
  /** A payload as it was; null if it cannot have been encrypted with these keys. */
  decrypt(encrypted: Buffer): Buffer | null;
}

const BLOCK = 16;
const AES = 'aes-128-cbc';
/** The constants that the further keys are made of have the length of SHA1 in every suite. */
const CONSTANT_LENGTH = 20;

/** The keys that both sides of a session derive. */
export function deriveKeys(suite: CipherSuite, sessionIntegrityKey: SecretKey): SessionKeys {
  const derived = (constant: number): Buffer => sessionIntegrityKey(Buffer.alloc(CONSTANT_LENGTH, constant));
  // Node takes four times as long for a cipher whose key is bytes.
  const encrypting = createSecretKey(derived(2).subarray(0, BLOCK));
  return {
    codeLength: suite.checkLength,
    sign: openKeyedHash(suite.hash, derived(1), suite.checkLength),
    encrypt: openEncryption(encrypting),
    decrypt: openDecryption(encrypting),
  };
}

/*
 * A cipher object of Node costs more than what it does to a packet, so each session has one for each way, and goes on with it.
 * In cipher block chaining each block of the result is the vector of the next: one block of chance in front comes out as a
 * vector that cannot be predicted, and what follows is encrypted with it. The other way, the first block comes out as
 * nonsense, and what follows is decrypted with the vector that it is.
 */

function openEncryption(key: KeyObject): SessionKeys['encrypt'] {
  const cipher = createCipheriv(AES, key, Buffer.alloc(BLOCK)).setAutoPadding(false);
  return (payload, random) => {
    // The pad counts 01h, 02h, 03h, …; its length is the last byte.
    const padLength = (BLOCK - ((payload.length + 1) % BLOCK)) % BLOCK;
    const plain = Buffer.allocUnsafe(BLOCK + payload.length + padLength + 1);
    random.copy(plain, 0, 0, BLOCK);
    payload.copy(plain, BLOCK);
    for (let at = 1; at <= padLength; at += 1) plain[BLOCK + payload.length + at - 1] = at;
    plain[plain.length - 1] = padLength;
    return cipher.update(plain);
  };
}

function openDecryption(key: KeyObject): SessionKeys['decrypt'] {
  const decipher = createDecipheriv(AES, key, Buffer.alloc(BLOCK)).setAutoPadding(false);
  return (encrypted) => {
    if (encrypted.length < 2 * BLOCK || encrypted.length % BLOCK !== 0) return null;
    const plain = decipher.update(encrypted).subarray(BLOCK);
    const padLength = plain.readUInt8(plain.length - 1);
    return padLength >= BLOCK ? null : plain.subarray(0, plain.length - 1 - padLength);
  };
}
