/**
 * Keyed hashes: HMAC (RFC 2104) with SHA1 and SHA256 (FIPS 180-4), for many short messages with one key. Pure.
 *
 * Every packet is signed or checked. Node's own HMAC takes up the key anew for each, and makes several objects of OpenSSL for
 * fifty bytes: that was half of what a status costs in a session that is kept. Here a key is taken up once, and a message of one
 * packet is three or four rounds of arithmetic without any object but the result. The tests hold it to Node's own.
 */

/** The hashes that the cipher suites use. */
export type HashName = 'sha1' | 'sha256';

/** Hashes the parts, one after the other, with the key that it was opened with. */
export type KeyedHash = (...parts: readonly Buffer[]) => Buffer;

/** One hash: both take blocks of 64 bytes, as sixteen words in `words`. */
interface Hash {
  readonly initial: Int32Array;
  /** Takes the block in `words` into the state. */
  compress(state: Int32Array): void;
}

const BLOCK_LENGTH = 64;
const BLOCK_WORDS = BLOCK_LENGTH / 4;
/** The length of the message in bits is at the end of the last block, in eight bytes of which four are enough here. */
const LENGTH_AT = BLOCK_WORDS - 1;
const LONG_LENGTH_AT = BLOCK_LENGTH - 8;
/** Behind the message comes one bit that is set. */
const END = 0x80;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** The schedule of the block at hand; nothing in here waits, so one is enough. */
const words = new Int32Array(80);
/** The bytes of the block at hand. */
const block = Buffer.alloc(BLOCK_LENGTH);

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** The word there; one for each kind of array, since a reader of both is slow for each. */
const at = (array: Int32Array, index: number): number => array[index] as number;
const byteAt = (bytes: Buffer, index: number): number => bytes[index] as number;

const SHA1: Hash = {
  initial: Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0),
  compress(state) {
    for (let t = BLOCK_WORDS; t < 80; t += 1)
      words[t] = rotate(at(words, t - 3) ^ at(words, t - 8) ^ at(words, t - 14) ^ at(words, t - 16), 1);
    let a = at(state, 0);
    let b = at(state, 1);
    let c = at(state, 2);
    let d = at(state, 3);
    let e = at(state, 4);
    for (let t = 0; t < 80; t += 1) {
      let mixed: number;
      if (t < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
      else if (t < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
      else if (t < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
      else mixed = (b ^ c ^ d) + 0xca62c1d6;
      const next = (rotate(a, 5) + mixed + e + at(words, t)) | 0;
      e = d;
      d = c;
      c = rotate(b, 30);
      b = a;
      a = next;
    }
    state[0] = at(state, 0) + a;
    state[1] = at(state, 1) + b;
    state[2] = at(state, 2) + c;
    state[3] = at(state, 3) + d;
    state[4] = at(state, 4) + e;
  },
};

const PRIMES: number[] = [];
for (let next = 2; PRIMES.length < 64; next += 1) if (PRIMES.every((prime) => next % prime !== 0)) PRIMES.push(next);
/** The first 32 bits behind the point. */
const fraction = (root: number): number => (root % 1) * 2 ** 32;
/** Of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2). */
const ROUNDS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

const SHA256: Hash = {
  initial: Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
  compress(state) {
    for (let t = BLOCK_WORDS; t < 64; t += 1) {
      const two = at(words, t - 2);
      const fifteen = at(words, t - 15);
      const late = rotate(two, 15) ^ rotate(two, 13) ^ (two >>> 10);
      const early = rotate(fifteen, 25) ^ rotate(fifteen, 14) ^ (fifteen >>> 3);
      words[t] = late + at(words, t - 7) + early + at(words, t - 16);
    }
    let a = at(state, 0);
    let b = at(state, 1);
    let c = at(state, 2);
    let d = at(state, 3);
    let e = at(state, 4);
    let f = at(state, 5);
    let g = at(state, 6);
    let h = at(state, 7);
    for (let t = 0; t < 64; t += 1) {
      const chosen = (rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7)) + ((e & f) ^ (~e & g));
      const first = (h + chosen + at(ROUNDS, t) + at(words, t)) | 0;
      const second = (rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] = at(state, 0) + a;
    state[1] = at(state, 1) + b;
    state[2] = at(state, 2) + c;
    state[3] = at(state, 3) + d;
    state[4] = at(state, 4) + e;
    state[5] = at(state, 5) + f;
    state[6] = at(state, 6) + g;
    state[7] = at(state, 7) + h;
  },
};

const HASHES: Readonly<Record<HashName, Hash>> = { sha1: SHA1, sha256: SHA256 };
/** Bytes of a hash. */
const LENGTHS: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32 };

/**
 * Takes up a key. No byte of it is kept, only what a hash makes of it.
 * @param length the number of bytes of each hash that are used; all without it
 * @throws RangeError if it is longer than a block, 64 bytes: no key of IPMI is
 */
export function openKeyedHash(name: HashName, key: Buffer, length = LENGTHS[name]): KeyedHash {
  if (key.length > BLOCK_LENGTH) throw new RangeError(`a key has at most ${BLOCK_LENGTH} bytes, not ${key.length}`);
  const hash = HASHES[name];
  const [inner, outer] = [hash.initial.slice(), hash.initial.slice()];
  takeKey(hash, inner, key, INNER_PAD);
  takeKey(hash, outer, key, OUTER_PAD);
  const state = new Int32Array(hash.initial.length);
  return (...parts) => {
    state.set(inner);
    takeMessage(hash, state, parts);
    words.set(state);
    words[state.length] = END << 24;
    words.fill(0, state.length + 1, LENGTH_AT);
    words[LENGTH_AT] = 8 * (BLOCK_LENGTH + 4 * state.length);
    state.set(outer);
    hash.compress(state);
    return bytesOf(state, length);
  };
}

function takeKey(hash: Hash, state: Int32Array, key: Buffer, pad: number): void {
  for (let index = 0; index < BLOCK_LENGTH; index += 1) block[index] = (key[index] ?? 0) ^ pad;
  takeBlock(hash, state);
  block.fill(0);
}

/** Takes in the parts of a message, and its end. One block, that of the key, was taken in before. */
function takeMessage(hash: Hash, state: Int32Array, parts: readonly Buffer[]): void {
  let length = BLOCK_LENGTH;
  let filled = 0;
  for (const part of parts) {
    length += part.length;
    for (let index = 0; index < part.length; index += 1) {
      block[filled] = byteAt(part, index);
      filled += 1;
      if (filled < BLOCK_LENGTH) continue;
      takeBlock(hash, state);
      filled = 0;
    }
  }
  block[filled] = END;
  for (filled += 1; filled !== LONG_LENGTH_AT; filled += 1) {
    if (filled === BLOCK_LENGTH) {
      takeBlock(hash, state);
      filled = 0;
    }
    block[filled] = 0;
  }
  block.writeUInt32BE(0, LONG_LENGTH_AT);
  block.writeUInt32BE(8 * length, 4 * LENGTH_AT);
  takeBlock(hash, state);
}

function takeBlock(hash: Hash, state: Int32Array): void {
  for (let index = 0; index < BLOCK_WORDS; index += 1) {
    const start = 4 * index;
    words[index] =
      (byteAt(block, start) << 24) |
      (byteAt(block, start + 1) << 16) |
      (byteAt(block, start + 2) << 8) |
      byteAt(block, start + 3);
  }
  hash.compress(state);
}

function bytesOf(state: Int32Array, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = at(state, index >> 2) >>> (24 - 8 * (index % 4));
  return bytes;
}
