/** Our keyed hashes are those of OpenSSL, for keys and messages of any length, in one part or many. */
import { createHmac } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { openKeyedHash } from '../../../src/drivers/ipmi/rmcp/keyed_hash.ts';

const names = fc.constantFrom('sha1' as const, 'sha256' as const);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

test('a message hashes to what OpenSSL makes of it, however it is cut', (t) => {
  fc.assert(
    fc.property(names, bytes(64), fc.array(bytes(150), { maxLength: 4 }), (name, key, parts) => {
      const theirs = createHmac(name, key).update(Buffer.concat(parts)).digest();
      t.deepEqual(openKeyedHash(name, key)(...parts), theirs);
    }),
    { numRuns: 500 },
  );
});

test('so does every length up to three blocks, where padding is easily wrong', (t) => {
  for (const name of ['sha1', 'sha256'] as const) {
    const key = Buffer.alloc(20, 3);
    const hash = openKeyedHash(name, key);
    for (let length = 0; length <= 192; length += 1) {
      const message = Buffer.alloc(length, 0xa5);
      t.deepEqual(hash(message), createHmac(name, key).update(message).digest(), `${name} of ${length} bytes`);
    }
  }
});

test('keys that are in use at the same time do not touch each other, nor what was hashed before', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, bytes(32), bytes(80)), { minLength: 2, maxLength: 6 }), (uses) => {
      const opened = uses.map(([name, key]) => openKeyedHash(name, key, 12));
      const hashes = uses.map(([, , message], index) => opened[index]?.(message));
      const theirs = uses.map(([name, key, message]) => createHmac(name, key).update(message).digest().subarray(0, 12));
      t.deepEqual(hashes, theirs);
    }),
  );
});

test('a key that is longer than a block is refused', (t) => {
  t.throws(() => openKeyedHash('sha1', Buffer.alloc(65)), {
    instanceOf: RangeError,
    message: /at most 64 bytes, not 65/,
  });
});
