/**
 * The BMC's side of RMCP+, with the codec of the client: sessions are opened, checked, and die of old age. Pure: datagrams and
 * time in, datagrams out.
 */
import {
  CIPHER_SUITES,
  type CipherSuite,
  type CipherSuiteId,
  deriveKeys,
  type SecretKey,
  type SessionKeys,
  sameCode,
  secretKey,
} from '../../drivers/ipmi/rmcp/cipher_suites.ts';
import { COMMAND, PRIVILEGES, type Privilege } from '../../drivers/ipmi/rmcp/commands.ts';
import { COMPLETION } from '../../drivers/ipmi/rmcp/completion_codes.ts';
import * as handshake from '../../drivers/ipmi/rmcp/handshake.ts';
import { decodeRequest, encodeResponse, NET_FN, type RequestMessage } from '../../drivers/ipmi/rmcp/message.ts';
import type { RandomBytes } from '../../drivers/ipmi/rmcp/opening.ts';
import {
  decodePacket,
  encodeBare,
  encodePong,
  encodeSession,
  PAYLOAD,
  type SessionPacket,
} from '../../drivers/ipmi/rmcp/packet.ts';
import { SequenceWindow } from '../../drivers/ipmi/rmcp/sequence_window.ts';

/** A user who may log in. */
interface SimUser {
  readonly name: string;
  readonly password: string;
  readonly privilege: Privilege;
}

/** How a BMC lets people in. */
export interface SimLogin {
  readonly users: readonly SimUser[];
  /** The BMC key K_g; null if it has none. */
  readonly kg: Buffer | null;
  readonly cipherSuites: readonly CipherSuiteId[];
  /** Half open ones count too. */
  readonly maxSessions: number;
  /** A session in which nothing comes for this time is forgotten, without a word. */
  readonly idleMs: number;
}

/** The answer to a command. */
export interface SimAnswer {
  readonly completionCode: number;
  readonly data?: Buffer;
}

/** Answers a command of a user who may use `privilege`. */
type SimCommands = (request: RequestMessage, privilege: number) => SimAnswer;

interface SimSession {
  readonly id: number;
  readonly consoleSessionId: number;
  readonly suite: CipherSuite;
  readonly incoming: SequenceWindow;
  heardAt: number;
  exchange: handshake.Exchange | null;
  user: SimUser | null;
  keys: SessionKeys | null;
  privilege: number;
  sequence: number;
}

const NOTHING = Buffer.alloc(0);
const NAME_MASK = 0x0f;

/** The channel of the LAN. */
const CHANNEL = 1;
/** Get Channel Cipher Suites (IPMI 2.0 section 22.15): the list comes in parts of 16 bytes. */
const GET_CHANNEL_CIPHER_SUITES = 0x54;
const LIST_INDEX_MASK = 0x3f;
const SUITES_PART = 16;

/** A standard suite, its number, and its algorithms, each with the bits of its kind (IPMI 2.0 section 22.15.1). */
function cipherSuiteRecord(id: CipherSuiteId): Buffer {
  const { authentication, integrity, confidentiality } = CIPHER_SUITES[id];
  return Buffer.from([0xc0, id, authentication, 0x40 | integrity, 0x80 | confidentiality]);
}

/** The sessions of one BMC. */
export class BmcSessions {
  readonly #login: SimLogin;
  readonly #commands: SimCommands;
  readonly #random: RandomBytes;
  /** The managed system GUID, 16 bytes: what sessions that are opened from now on are told. */
  guid: Buffer;
  /** By cipher suite and user; the one of the BMC itself has no user. */
  readonly #keys = new Map<string, SecretKey>();
  readonly #sessions = new Map<number, SimSession>();

  constructor(login: SimLogin, commands: SimCommands, random: RandomBytes) {
    this.#login = login;
    this.#commands = commands;
    this.#random = random;
    this.guid = random(16);
  }

  /** How many sessions there are, half open ones included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A restart: every session is gone, and no client is told. */
  forgetAll(): void {
    this.#sessions.clear();
  }

  /** What a BMC says to a datagram. */
  receive(datagram: Buffer, nowMs: number): Buffer[] {
    this.#forgetTheOld(nowMs);
    const packet = decodePacket(datagram);
    if (packet?.kind === 'ping') return [encodePong(packet.tag)];
    if (packet?.kind === 'bare') return this.#outside(packet.payload).map(encodeBare);
    if (packet?.kind !== 'session') return [];
    if (packet.sessionId !== 0) return this.#inSession(packet, nowMs);
    if (packet.payloadType === PAYLOAD.openSessionRequest) return this.#open(packet.payload, nowMs);
    if (packet.payloadType === PAYLOAD.rakp1) return this.#rakp1(packet.payload, nowMs);
    if (packet.payloadType === PAYLOAD.rakp3) return this.#rakp3(packet.payload, nowMs);
    // ipmitool asks for the cipher suites in a packet of IPMI 2.0 that belongs to no session.
    if (packet.payloadType !== PAYLOAD.ipmi) return [];
    return this.#outside(packet.payload).flatMap((payload) => this.#answer(PAYLOAD.ipmi, payload));
  }

  #forgetTheOld(nowMs: number): void {
    for (const [id, { heardAt }] of this.#sessions)
      if (nowMs - heardAt >= this.#login.idleMs) this.#sessions.delete(id);
  }

  /** Outside of a session a BMC says how to log in, and nothing else (IPMI 2.0 sections 22.13 and 22.15). */
  #outside(payload: Buffer): Buffer[] {
    const request = decodeRequest(payload);
    if (request === null) return [];
    const { netFn, command, sequence } = request;
    const data = netFn === NET_FN.app ? this.#howToLogIn(request) : null;
    const completionCode = data === null ? COMPLETION.insufficientPrivilege : COMPLETION.ok;
    const answer = { netFn: netFn + 1, command, sequence, completionCode, data: data ?? NOTHING };
    return [encodeResponse(answer)];
  }

  #howToLogIn({ command, data }: RequestMessage): Buffer | null {
    if (command === COMMAND.getChannelAuthenticationCapabilities)
      return Buffer.from([CHANNEL, 0x80, this.#login.kg === null ? 0x04 : 0x24, 0x02, 0, 0, 0, 0]);
    if (command !== GET_CHANNEL_CIPHER_SUITES) return null;
    const records = this.#login.cipherSuites.map(cipherSuiteRecord);
    const from = ((data[2] ?? 0) & LIST_INDEX_MASK) * SUITES_PART;
    return Buffer.concat([Buffer.from([CHANNEL]), Buffer.concat(records).subarray(from, from + SUITES_PART)]);
  }

  #answer(payloadType: number, payload: Buffer): Buffer[] {
    return [encodeSession({ payloadType, encrypted: false, sessionId: 0, sequence: 0, payload }, null)];
  }

  #open(payload: Buffer, nowMs: number): Buffer[] {
    const request = handshake.decodeOpenSessionRequest(payload);
    if (request === null) return [];
    const suite = this.#suiteOf(request);
    const status = this.#statusOf(suite);
    const id = this.#newId();
    if (suite !== undefined && status === handshake.STATUS.ok)
      this.#sessions.set(id, newSession(id, request.consoleSessionId, suite, nowMs));
    // 0 asks for the highest level that the suite allows.
    const privilege = request.privilege || PRIVILEGES.ADMINISTRATOR;
    const response = { ...request, privilege, status, bmcSessionId: id };
    return this.#answer(PAYLOAD.openSessionResponse, handshake.encodeOpenSessionResponse(response));
  }

  #passwordOf({ name, password }: SimUser, suite: CipherSuite): SecretKey {
    return this.#keyOf(`${suite.id} ${name}`, suite, Buffer.from(password));
  }

  #keyOf(name: string, suite: CipherSuite, bytes: Buffer): SecretKey {
    const key = this.#keys.get(name) ?? secretKey(suite, bytes);
    this.#keys.set(name, key);
    return key;
  }

  #suiteOf({ authentication, integrity, confidentiality }: handshake.OpenSessionRequest): CipherSuite | undefined {
    const known = this.#login.cipherSuites.map((id) => CIPHER_SUITES[id]);
    return known.find(
      (suite) =>
        suite.authentication === authentication &&
        suite.integrity === integrity &&
        suite.confidentiality === confidentiality,
    );
  }

  #statusOf(suite: CipherSuite | undefined): number {
    if (suite === undefined) return 0x11;
    return this.#sessions.size >= this.#login.maxSessions ? handshake.STATUS.noResources : handshake.STATUS.ok;
  }

  #newId(): number {
    for (;;) {
      const id = this.#random(4).readUInt32LE(0);
      if (id !== 0 && !this.#sessions.has(id)) return id;
    }
  }

  #rakp1(payload: Buffer, nowMs: number): Buffer[] {
    const message = handshake.decodeRakp1(payload);
    if (message === null) return [];
    const session = this.#sessions.get(message.bmcSessionId);
    const refuse = (status: number): Buffer[] => {
      if (session) this.#sessions.delete(session.id);
      const rest = { bmcRandom: NOTHING, bmcGuid: NOTHING, keyExchange: NOTHING };
      const refusal = { tag: message.tag, status, consoleSessionId: session?.consoleSessionId ?? 0, ...rest };
      return this.#answer(PAYLOAD.rakp2, handshake.encodeRakp2(refusal));
    };
    if (session === undefined || session.keys !== null) return refuse(handshake.STATUS.invalidSessionId);
    const user = this.#login.users.find(({ name }) => Buffer.from(name).equals(message.username));
    if (user === undefined) return refuse(handshake.STATUS.unauthorizedName);
    if ((message.role & NAME_MASK) > PRIVILEGES[user.privilege]) return refuse(handshake.STATUS.unauthorizedRole);
    session.heardAt = nowMs;
    session.user = user;
    session.exchange = {
      suite: session.suite,
      consoleSessionId: session.consoleSessionId,
      bmcSessionId: session.id,
      consoleRandom: Buffer.from(message.consoleRandom),
      bmcRandom: this.#random(16),
      bmcGuid: this.guid,
      role: message.role,
      username: Buffer.from(message.username),
    };
    const { bmcRandom, bmcGuid, consoleSessionId } = session.exchange;
    const keyExchange = handshake.proofOfBmc(session.exchange, this.#passwordOf(user, session.suite));
    const answer = { tag: message.tag, status: handshake.STATUS.ok, consoleSessionId, bmcRandom, bmcGuid, keyExchange };
    return this.#answer(PAYLOAD.rakp2, handshake.encodeRakp2(answer));
  }

  #rakp3(payload: Buffer, nowMs: number): Buffer[] {
    const message = handshake.decodeRakp3(payload);
    const session = message && this.#sessions.get(message.bmcSessionId);
    if (!message || !session?.exchange || !session.user) return [];
    if (message.status !== handshake.STATUS.ok) {
      this.#sessions.delete(session.id);
      return [];
    }
    const { exchange, user, consoleSessionId } = session;
    const answer = (status: number, check: Buffer): Buffer[] =>
      this.#answer(PAYLOAD.rakp4, handshake.encodeRakp4({ tag: message.tag, status, consoleSessionId, check }));
    const password = this.#passwordOf(user, session.suite);
    if (!sameCode(handshake.proofOfConsole(exchange, password), message.keyExchange)) {
      this.#sessions.delete(session.id);
      return answer(handshake.STATUS.invalidIntegrityCheck, NOTHING);
    }
    const kg = this.#login.kg === null ? password : this.#keyOf(`${session.suite.id}`, session.suite, this.#login.kg);
    const integrityKey = handshake.sessionIntegrityKey(exchange, kg);
    session.keys ??= deriveKeys(session.suite, integrityKey);
    session.heardAt = nowMs;
    session.privilege = PRIVILEGES.USER;
    return answer(handshake.STATUS.ok, handshake.proofOfKey(exchange, integrityKey));
  }

  #inSession(packet: SessionPacket, nowMs: number): Buffer[] {
    const session = this.#sessions.get(packet.sessionId);
    const { keys } = session ?? {};
    if (!session || !keys || !packet.authenticated || !packet.encrypted) return [];
    if (!sameCode(keys.sign(packet.signed), packet.authCode) || !session.incoming.accept(packet.sequence)) return [];
    const payload = packet.payloadType === PAYLOAD.ipmi ? keys.decrypt(packet.payload) : null;
    const request = payload && decodeRequest(payload);
    if (!request) return [];
    session.heardAt = nowMs;
    const { completionCode, data = NOTHING } = this.#command(request, session);
    const { netFn, command, sequence } = request;
    const response = encodeResponse({ netFn: netFn + 1, command, sequence, completionCode, data });
    session.sequence += 1;
    const head = {
      payloadType: PAYLOAD.ipmi,
      encrypted: true,
      sessionId: session.consoleSessionId,
      sequence: session.sequence,
    };
    return [encodeSession({ ...head, payload: keys.encrypt(response, this.#random(16)) }, keys)];
  }

  #command(request: RequestMessage, session: SimSession): SimAnswer {
    const { netFn, command, data } = request;
    if (netFn === NET_FN.app && command === COMMAND.setSessionPrivilegeLevel) return raise(data, session);
    if (netFn === NET_FN.app && command === COMMAND.closeSession) {
      const known = data.length === 4 && this.#sessions.delete(data.readUInt32LE(0));
      return { completionCode: known ? COMPLETION.ok : 0x87 };
    }
    return this.#commands(request, session.privilege);
  }
}

/** Set Session Privilege Level (IPMI 2.0 section 22.18): 81h is more than the user may have. */
function raise(data: Buffer, session: SimSession): SimAnswer {
  const asked = (data[0] ?? 0) & NAME_MASK;
  const most = PRIVILEGES[session.user?.privilege ?? 'CALLBACK'];
  const requested = (session.exchange?.role ?? 0) & NAME_MASK;
  if (asked > Math.min(most, requested)) return { completionCode: 0x81 };
  if (asked !== 0) session.privilege = asked;
  return { completionCode: COMPLETION.ok, data: Buffer.from([session.privilege]) };
}

function newSession(id: number, consoleSessionId: number, suite: CipherSuite, nowMs: number): SimSession {
  const newSession = { exchange: null, user: null, keys: null, privilege: 0, sequence: 0 };
  return { id, consoleSessionId, suite, incoming: new SequenceWindow(), heardAt: nowMs, ...newSession };
}
