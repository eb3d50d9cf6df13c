/** The codec: what was encoded is decoded, and nothing that comes from outside is ever more than null. */
import test from 'ava';
import fc from 'fast-check';
import { CIPHER_SUITES, deriveKeys, secretKey } from '../../../src/drivers/ipmi/rmcp/cipher_suites.ts';
import * as handshake from '../../../src/drivers/ipmi/rmcp/handshake.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../../src/drivers/ipmi/rmcp/message.ts';
import {
  decodePacket,
  encodeBare,
  encodePing,
  encodePong,
  encodeSession,
} from '../../../src/drivers/ipmi/rmcp/packet.ts';

const bytes = (maxLength: number, minLength = 0) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const SUITES = Object.values(CIPHER_SUITES);

test('an RMCP+ packet comes out as it went in, signed or not', (t) => {
  const packets = fc.record({
    payloadType: fc.integer({ min: 0, max: 0x3f }),
    encrypted: fc.boolean(),
    sessionId: uint32,
    sequence: uint32,
    payload: bytes(300),
  });
  fc.assert(
    fc.property(packets, fc.constantFrom(...SUITES), fc.boolean(), (packet, suite, signs) => {
      const keys = deriveKeys(suite, secretKey(suite, Buffer.alloc(20, 7)));
      const decoded = decodePacket(encodeSession(packet, signs ? keys : null));
      if (decoded?.kind !== 'session') return t.fail();
      t.like(decoded, { ...packet, authenticated: signs });
      if (signs) t.deepEqual(decoded.authCode, keys.sign(decoded.signed));
      // What is signed fills whole words (IPMI 2.0 table 13-8).
      t.is(decoded.signed.length % 4, 0);
      return true;
    }),
  );
});

test('messages before a session, pings and pongs come out as they went in', (t) => {
  fc.assert(
    fc.property(bytes(200), (payload) => t.deepEqual(decodePacket(encodeBare(payload)), { kind: 'bare', payload })),
  );
  t.deepEqual(decodePacket(encodePing(9)), { kind: 'ping', tag: 9, ipmi: false });
  t.deepEqual(decodePacket(encodePong(9)), { kind: 'pong', tag: 9, ipmi: true });
});

test('the question that ipmitool begins with is read as it is', (t) => {
  const question = Buffer.from('0600ff07000000000000000000092018c88100388e04b5', 'hex');
  const packet = decodePacket(question);
  t.is(packet?.kind, 'bare');
  const request = packet?.kind === 'bare' ? decodeRequest(packet.payload) : null;
  t.deepEqual(request, { netFn: 6, command: 0x38, sequence: 0, data: Buffer.from([0x8e, 4]) });
  t.deepEqual(
    encodeBare(encodeRequest({ netFn: 6, command: 0x38, sequence: 0, data: Buffer.from([0x8e, 4]) })),
    question,
  );
});

const messages = fc.record({
  netFn: fc.integer({ min: 0, max: 30 }).map((half) => half * 2),
  command: fc.nat(255),
  sequence: fc.nat(63),
  data: bytes(40),
});

test('requests and answers come out as they went in, and a broken byte is noticed', (t) => {
  fc.assert(
    fc.property(messages, fc.nat(255), fc.nat(), fc.integer({ min: 1, max: 255 }), (message, code, at, change) => {
      t.deepEqual(decodeRequest(encodeRequest(message)), message);
      const answer = { ...message, netFn: message.netFn + 1, completionCode: code };
      const encoded = encodeResponse(answer);
      t.deepEqual(decodeResponse(encoded), answer);
      const broken = Buffer.from(encoded);
      broken[at % broken.length] = ((broken[at % broken.length] ?? 0) + change) & 0xff;
      t.is(decodeResponse(broken), null);
    }),
  );
});

test('a payload is decrypted to what it was, by the same keys only', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...SUITES), bytes(120), bytes(16, 16), (suite, payload, vector) => {
      const keys = deriveKeys(suite, secretKey(suite, Buffer.alloc(20, 1)));
      const encrypted = keys.encrypt(payload, vector);
      t.is(encrypted.length % 16, 0);
      t.deepEqual(keys.decrypt(encrypted), payload);
      const others = deriveKeys(suite, secretKey(suite, Buffer.alloc(20, 2)));
      t.notDeepEqual(others.sign(payload), keys.sign(payload));
      const wrong = others.decrypt(encrypted);
      t.true(wrong === null || payload.length < 2 || !wrong.equals(payload));
    }),
  );
});

test('the messages of the opening come out as they went in', (t) => {
  const head = { tag: fc.nat(255) };
  const open = { privilege: fc.nat(4), consoleSessionId: uint32, authentication: fc.nat(4), integrity: fc.nat(4) };
  const request = fc.record({ ...head, ...open, confidentiality: fc.nat(2) });
  const rakp1 = fc.record({
    ...head,
    bmcSessionId: uint32,
    consoleRandom: bytes(16, 16),
    role: fc.nat(255),
    username: bytes(16),
  });
  fc.assert(
    fc.property(request, uint32, rakp1, (asked, bmcSessionId, who) => {
      t.deepEqual(handshake.decodeOpenSessionRequest(handshake.encodeOpenSessionRequest(asked)), asked);
      const answer = { ...asked, status: 0, bmcSessionId };
      t.deepEqual(handshake.decodeOpenSessionResponse(handshake.encodeOpenSessionResponse(answer)), answer);
      t.deepEqual(handshake.decodeRakp1(handshake.encodeRakp1(who)), who);
    }),
  );
  for (const suite of SUITES) {
    const [bmcRandom, bmcGuid] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
    const keyExchange = Buffer.alloc(suite.keyExchangeLength, 3);
    const rakp2 = { tag: 1, status: 0, consoleSessionId: 5, bmcRandom, bmcGuid, keyExchange };
    t.deepEqual(handshake.decodeRakp2(handshake.encodeRakp2(rakp2), suite), rakp2);
    const rakp3 = { tag: 1, status: 0, bmcSessionId: 6, keyExchange };
    t.deepEqual(handshake.decodeRakp3(handshake.encodeRakp3(rakp3)), rakp3);
    const rakp4 = { tag: 1, status: 0, consoleSessionId: 5, check: Buffer.alloc(suite.checkLength, 4) };
    t.deepEqual(handshake.decodeRakp4(handshake.encodeRakp4(rakp4), suite), rakp4);
  }
});

test('a refusal may be two bytes long, as that of ipmi_sim is', (t) => {
  t.like(handshake.decodeOpenSessionResponse(Buffer.from([3, 1])), { tag: 3, status: 1, consoleSessionId: 0 });
  t.is(handshake.decodeOpenSessionResponse(Buffer.from([3])), null);
  t.is(handshake.decodeOpenSessionResponse(Buffer.from([3, 0])), null);
});

test('whatever comes is a packet or null, and never an exception', (t) => {
  const suite = CIPHER_SUITES[17];
  const keys = deriveKeys(suite, secretKey(suite, Buffer.alloc(20, 1)));
  const headers = ['', '0600ff07', '0600ff06', '0600ff0706', '0600ff070610', '0600ff0706c0', '0600ff0700'];
  const noise = fc.record({ header: fc.constantFrom(...headers), rest: bytes(80) });
  fc.assert(
    fc.property(noise, ({ header, rest }) => {
      const datagram = Buffer.concat([Buffer.from(header, 'hex'), rest]);
      const packet = decodePacket(datagram);
      const payload = packet?.kind === 'session' || packet?.kind === 'bare' ? packet.payload : rest;
      handshake.decodeOpenSessionRequest(payload);
      handshake.decodeOpenSessionResponse(payload);
      handshake.decodeRakp1(payload);
      handshake.decodeRakp2(payload, suite);
      handshake.decodeRakp3(payload);
      handshake.decodeRakp4(payload, suite);
      decodeRequest(payload);
      decodeResponse(payload);
      keys.decrypt(payload);
    }),
    { numRuns: 3000 },
  );
  t.pass();
});
