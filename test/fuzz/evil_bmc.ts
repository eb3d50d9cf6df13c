/**
 * A BMC that knows the password, so that all it says is signed, and says whatever it likes: for what no passer-by could say.
 * It is polite until the session is open.
 */
import {
  CIPHER_SUITES,
  type CipherSuiteId,
  deriveKeys,
  type SecretKey,
  type SessionKeys,
  secretKey,
} from '../../src/drivers/ipmi/rmcp/cipher_suites.ts';
import * as handshake from '../../src/drivers/ipmi/rmcp/handshake.ts';
import { decodeRequest, encodeResponse, type RequestMessage } from '../../src/drivers/ipmi/rmcp/message.ts';
import { decodePacket, encodeSession, PAYLOAD } from '../../src/drivers/ipmi/rmcp/packet.ts';
import type { SeededChance } from '../world/chance.ts';

const SESSION_ID = 0x0a0b_0c0d;

/** Such a BMC. */
export class EvilBmc {
  readonly #suite;
  readonly #password: SecretKey;
  readonly #chance: SeededChance;
  #exchange: handshake.Exchange | null = null;
  #consoleSessionId = 0;
  #keys: SessionKeys | null = null;
  #sequence = 0;

  constructor(suite: CipherSuiteId, password: Buffer, chance: SeededChance) {
    this.#suite = CIPHER_SUITES[suite];
    this.#password = secretKey(this.#suite, password);
    this.#chance = chance;
  }

  /** What it says to a datagram. */
  receive(datagram: Buffer): Buffer[] {
    const packet = decodePacket(datagram);
    if (packet?.kind !== 'session') return [];
    const { payload, payloadType } = packet;
    if (payloadType === PAYLOAD.openSessionRequest) return this.#open(payload);
    if (payloadType === PAYLOAD.rakp1) return this.#rakp1(payload);
    if (payloadType === PAYLOAD.rakp3) return this.#rakp3(payload);
    const plain = this.#keys?.decrypt(payload);
    const request = plain ? decodeRequest(plain) : null;
    if (request === null) return [];
    // The privilege level is given, or the session would never be open.
    return request.command === 0x3b ? [this.#answer(request, Buffer.from([0, 4]))] : this.#lies(request);
  }

  #plain(payloadType: number, payload: Buffer): Buffer[] {
    return [encodeSession({ payloadType, encrypted: false, sessionId: 0, sequence: 0, payload }, null)];
  }

  #open(payload: Buffer): Buffer[] {
    const request = handshake.decodeOpenSessionRequest(payload);
    if (request === null) return [];
    this.#consoleSessionId = request.consoleSessionId;
    const response = handshake.encodeOpenSessionResponse({ ...request, status: 0, bmcSessionId: SESSION_ID });
    return this.#plain(PAYLOAD.openSessionResponse, response);
  }

  #rakp1(payload: Buffer): Buffer[] {
    const message = handshake.decodeRakp1(payload);
    if (message === null) return [];
    const [bmcRandom, bmcGuid] = [this.#chance.bytes(16), this.#chance.bytes(16)];
    const { consoleRandom, role, username, tag } = message;
    const consoleSessionId = this.#consoleSessionId;
    const ids = { consoleSessionId, bmcSessionId: SESSION_ID };
    this.#exchange = { suite: this.#suite, ...ids, consoleRandom, bmcRandom, bmcGuid, role, username };
    const keyExchange = handshake.proofOfBmc(this.#exchange, this.#password);
    const answer = { tag, status: 0, consoleSessionId, bmcRandom, bmcGuid, keyExchange };
    return this.#plain(PAYLOAD.rakp2, handshake.encodeRakp2(answer));
  }

  #rakp3(payload: Buffer): Buffer[] {
    const message = handshake.decodeRakp3(payload);
    if (message === null || this.#exchange === null) return [];
    const key = handshake.sessionIntegrityKey(this.#exchange, this.#password);
    this.#keys = deriveKeys(this.#suite, key);
    const check = handshake.proofOfKey(this.#exchange, key);
    const answer = { tag: message.tag, status: 0, consoleSessionId: this.#consoleSessionId, check };
    return this.#plain(PAYLOAD.rakp4, handshake.encodeRakp4(answer));
  }

  #seal(payload: Buffer): Buffer {
    const keys = this.#keys as SessionKeys;
    this.#sequence = this.#chance.happens(0.9) ? this.#sequence + 1 : this.#chance.between(0, 0x7fff_ffff);
    const head = {
      payloadType: PAYLOAD.ipmi,
      encrypted: true,
      sessionId: this.#consoleSessionId,
      sequence: this.#sequence,
    };
    return encodeSession({ ...head, payload }, keys);
  }

  /** A message of the right form, with this code and data. */
  #answer({ netFn, command, sequence }: RequestMessage, [completionCode = 0, ...data]: Buffer): Buffer {
    const keys = this.#keys as SessionKeys;
    const answer = { netFn: netFn + 1, command, sequence, completionCode, data: Buffer.from(data) };
    return this.#seal(keys.encrypt(encodeResponse(answer), this.#chance.bytes(16)));
  }

  /** Signed nonsense: any body, any code, another command, another number, what is no message, what cannot be decrypted. */
  #lies(request: RequestMessage): Buffer[] {
    const { chance } = { chance: this.#chance };
    const keys = this.#keys as SessionKeys;
    const body = chance.bytes(chance.between(1, 24));
    return Array.from({ length: chance.between(0, 4) }, () =>
      chance.pick([
        () => this.#answer(request, body),
        () => this.#answer({ ...request, command: chance.between(0, 255) }, body),
        () => this.#answer({ ...request, sequence: chance.between(0, 63) }, body),
        () => this.#answer({ ...request, netFn: chance.between(0, 62) }, body),
        () => this.#seal(keys.encrypt(body, chance.bytes(16))),
        () => this.#seal(chance.bytes(chance.pick([0, 1, 15, 16, 17, 31, 32, 48, 500]))),
      ])(),
    );
  }
}
