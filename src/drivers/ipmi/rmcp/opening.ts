/**
 * Opening a session, from the first question to the keys: Open Session, RAKP 1 and 2, RAKP 3 and 4 (IPMI 2.0 section 13.15).
 * Pure: packets and time in, datagrams and an outcome out.
 *
 * Every refusal has its own cause. That the password is wrong is seen in message 2, before ours is tried: the BMC counts no
 * failed login, and no user is locked out. Until the keys are there nothing is signed, and anyone could have said anything:
 * so a refusal counts when nothing better has come a moment later.
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
} from './cipher_suites.ts';
import { getChannelAuthenticationCapabilities, PRIVILEGES, type Privilege } from './commands.ts';
import { COMPLETION } from './completion_codes.ts';
import * as handshake from './handshake.ts';
import { decodeResponse, encodeRequest, type ResponseMessage } from './message.ts';
import { encodeBare, encodePing, encodeSession, PAYLOAD, type Packet, type SessionPacket } from './packet.ts';
import { type Patience, patienceWith, Resending } from './resending.ts';
import { type RmcpCause, RmcpError } from './rmcp_error.ts';

/** Who logs in, and how. */
export interface Login {
  /** At most 16 bytes; empty is the anonymous user. */
  readonly username: Buffer;
  /** At most 20 bytes. */
  readonly password: Buffer;
  /** The BMC key K_g, at most 20 bytes; null if the BMC has none. */
  readonly kg: Buffer | null;
  readonly privilege: Privilege;
  readonly cipherSuite: CipherSuiteId;
}

/** What an open session has. */
export interface Opened {
  readonly consoleSessionId: number;
  readonly bmcSessionId: number;
  readonly keys: SessionKeys;
  /** The managed system GUID of RAKP message 2, which the proof of message 2 covers. */
  readonly guid: Buffer;
  /** How long the BMC took for its last answer. */
  readonly roundTripMs: number;
}

/** This many random bytes. */
export type RandomBytes = (count: number) => Buffer;

/** The user is looked up by name alone (IPMI 2.0 section 13.20, byte 25). */
const BY_NAME_ALONE = 0x10;
/** How often a session that the BMC has forgotten half way is begun anew. */
const FRESH_STARTS = 2;

/** How long something better than a refusal is waited for, beside the time of a round trip. */
const DOUBT: Patience = { resendAfterMs: [], limitMs: 20 };

type Step = 'open session' | 'rakp 1' | 'rakp 3';

/** What may be heard of the other side beside the opening, the least telling first. */
const HEARD = ['nothing', 'something', 'a BMC', 'a BMC with IPMI 2.0'] as const;

/** The answer to Get Channel Authentication Capabilities, if it says that there is RMCP+. Nothing of it is signed. */
function saysIpmi2({ netFn, command, completionCode, data }: ResponseMessage): boolean {
  const asked = getChannelAuthenticationCapabilities(PRIVILEGES.USER);
  const isIt = netFn === asked.netFn + 1 && command === asked.command && completionCode === COMPLETION.ok;
  return isIt && asked.read(data)?.ipmi2 === true;
}

/** One attempt to open a session. */
export class Opening {
  readonly #login: Login;
  readonly #suite: CipherSuite;
  readonly #patience: Patience;
  readonly #random: RandomBytes;
  readonly #role: number;
  readonly #password: SecretKey;
  #step: Step = 'open session';
  #question: Resending;
  #tag = 0;
  #consoleSessionId = 0;
  #bmcSessionId = 0;
  #consoleRandom: Buffer = Buffer.alloc(0);
  #exchange: handshake.Exchange | null = null;
  #freshStarts = FRESH_STARTS;
  /** What follows from an answer that nothing proves, if no better one comes. */
  #doubt: ((nowMs: number) => Buffer[]) | null = null;
  /** Message 1 went out more than once: the BMC may go by another of its answers than we do. */
  #ambiguous = false;
  #roundTripMs = 0;
  /** What else has answered: it tells a host without IPMI 2.0 from one that is not there. */
  #heard: (typeof HEARD)[number] = 'nothing';
  /** Null while it goes on. */
  outcome: Opened | RmcpError | null = null;

  constructor(login: Login, patience: Patience, random: RandomBytes, nowMs: number) {
    this.#login = login;
    this.#suite = CIPHER_SUITES[login.cipherSuite];
    this.#patience = patience;
    this.#random = random;
    this.#password = secretKey(this.#suite, login.password);
    this.#role = PRIVILEGES[login.privilege] | BY_NAME_ALONE;
    this.#question = new Resending(patience, nowMs);
  }

  /** When `tick` wants to be called. */
  get wakeAt(): number {
    return this.#question.wakeAt;
  }

  /** The first datagrams. */
  begin(nowMs: number): Buffer[] {
    this.#consoleSessionId = this.#random(4).readUInt32LE(0) || 1;
    this.#exchange = null;
    this.#ambiguous = false;
    return this.#ask('open session', nowMs);
  }

  /** Time has passed. */
  tick(nowMs: number): Buffer[] {
    const due = this.#question.due(nowMs);
    if (due === 'wait' || this.outcome !== null) return [];
    if (due === 'ask again') return [...this.#questionNow(), ...this.#whoIsThere()];
    if (this.#doubt) return this.#doubt(nowMs);
    if (this.#step === 'open session') return this.#end(...this.#verdictOnSilence());
    if (this.#step === 'rakp 1')
      return this.#end('UNKNOWN_USER', 'it does not answer to the name, as some do for one that they do not know');
    const isFirst = this.#freshStarts === FRESH_STARTS;
    return (isFirst && this.#beginAgain(nowMs)) || this.#end('WRONG_PASSWORD', 'it does not answer the login');
  }

  /** A packet has come. Whatever is not the answer that is waited for is passed over. */
  receive(packet: Packet | null, nowMs: number): Buffer[] {
    if (this.outcome !== null) return [];
    if (packet?.kind !== 'session') {
      this.#hear(packet);
      return [];
    }
    const { payload } = packet;
    if (packet.sessionId !== 0 || packet.authenticated || packet.encrypted) return [];
    if (this.#step === 'open session' && packet.payloadType === PAYLOAD.openSessionResponse)
      return this.#openSessionAnswered(handshake.decodeOpenSessionResponse(payload), nowMs);
    if (this.#step === 'rakp 1' && packet.payloadType === PAYLOAD.rakp2)
      return this.#rakp1Answered(handshake.decodeRakp2(payload, this.#suite), nowMs);
    if (this.#step === 'rakp 3' && packet.payloadType === PAYLOAD.rakp4)
      return this.#rakp3Answered(handshake.decodeRakp4(payload, this.#suite), nowMs);
    return [];
  }

  #hear(packet: Exclude<Packet, SessionPacket> | null): void {
    const answer = packet?.kind === 'bare' ? decodeResponse(packet.payload) : null;
    const isBmc = packet?.kind === 'pong' || answer !== null;
    const heard = answer !== null && saysIpmi2(answer) ? 'a BMC with IPMI 2.0' : isBmc ? 'a BMC' : 'something';
    if (HEARD.indexOf(heard) > HEARD.indexOf(this.#heard)) this.#heard = heard;
  }

  #verdictOnSilence(): [RmcpCause, string] {
    if (this.#heard === 'a BMC with IPMI 2.0')
      return ['SILENT', 'it says that it speaks IPMI 2.0, but opens no session'];
    if (this.#heard === 'a BMC') return ['NO_IPMI_2', 'it answers, but not to the opening of an IPMI 2.0 session'];
    if (this.#heard === 'something') return ['PROTOCOL_VIOLATION', 'what answers there is no BMC'];
    return ['SILENT', `no answer within ${this.#patience.limitMs / 1000} s`];
  }

  /** Beside a question that was not answered: is anybody there? Nothing of this needs a session or changes anything. */
  #whoIsThere(): Buffer[] {
    if (this.#step !== 'open session') return [];
    const { netFn, command, data } = getChannelAuthenticationCapabilities(PRIVILEGES[this.#login.privilege]);
    return [encodeBare(encodeRequest({ netFn, command, data, sequence: 0 })), encodePing(0)];
  }

  #ask(step: Step, nowMs: number): Buffer[] {
    if (step !== 'open session') this.#roundTripMs = this.#question.ageMs(nowMs);
    if (step === 'rakp 3') this.#ambiguous = this.#question.wasResent || this.#doubt !== null;
    this.#step = step;
    this.#tag = (this.#tag + 1) & 0xff;
    this.#doubt = null;
    if (step === 'rakp 1') this.#consoleRandom = this.#random(16);
    this.#question = new Resending(patienceWith(this.#patience, this.#roundTripMs), nowMs);
    return this.#questionNow();
  }

  #questionNow(): Buffer[] {
    if (this.#step === 'open session') return [this.#packet(PAYLOAD.openSessionRequest, this.#openSessionRequest())];
    if (this.#step === 'rakp 1') return [this.#packet(PAYLOAD.rakp1, this.#rakp1())];
    return [this.#rakp3(handshake.STATUS.ok)];
  }

  #packet(payloadType: number, payload: Buffer): Buffer {
    return encodeSession({ payloadType, encrypted: false, sessionId: 0, sequence: 0, payload }, null);
  }

  #openSessionRequest(): Buffer {
    const { authentication, integrity, confidentiality } = this.#suite;
    return handshake.encodeOpenSessionRequest({
      tag: this.#tag,
      privilege: PRIVILEGES[this.#login.privilege],
      consoleSessionId: this.#consoleSessionId,
      authentication,
      integrity,
      confidentiality,
    });
  }

  #rakp1(): Buffer {
    const { username } = this.#login;
    const [tag, bmcSessionId, consoleRandom] = [this.#tag, this.#bmcSessionId, this.#consoleRandom];
    return handshake.encodeRakp1({ tag, bmcSessionId, consoleRandom, role: this.#role, username });
  }

  /** With a status other than 0 it tells the BMC to let go of what was begun. */
  #rakp3(status: number): Buffer {
    const keyExchange =
      this.#exchange === null ? Buffer.alloc(0) : handshake.proofOfConsole(this.#exchange, this.#password);
    const message = { tag: this.#tag, status, bmcSessionId: this.#bmcSessionId, keyExchange };
    return this.#packet(PAYLOAD.rakp3, handshake.encodeRakp3(message));
  }

  #openSessionAnswered(answer: handshake.OpenSessionResponse | null, nowMs: number): Buffer[] {
    if (answer === null || answer.tag !== this.#tag) return [];
    if (answer.status !== handshake.STATUS.ok) return this.#refused(answer.status, nowMs);
    if (answer.consoleSessionId !== this.#consoleSessionId || answer.bmcSessionId === 0) return [];
    const { authentication, integrity, confidentiality } = this.#suite;
    const asAsked = answer.authentication === authentication && answer.integrity === integrity;
    if (!asAsked || answer.confidentiality !== confidentiality)
      return this.#unless(
        () => this.#end('CIPHER_REFUSED', 'it offers other algorithms than those of the suite'),
        nowMs,
      );
    this.#bmcSessionId = answer.bmcSessionId;
    return this.#ask('rakp 1', nowMs);
  }

  /** It bears our tag and our session; a refusal by a BMC that knows no such session may bear none. */
  #isOurs({ tag, status, consoleSessionId }: handshake.Rakp2 | handshake.Rakp4): boolean {
    const isAnonymous = status !== handshake.STATUS.ok && consoleSessionId === 0;
    return tag === this.#tag && (consoleSessionId === this.#consoleSessionId || isAnonymous);
  }

  #rakp1Answered(answer: handshake.Rakp2 | null, nowMs: number): Buffer[] {
    if (answer === null || !this.#isOurs(answer)) return [];
    if (answer.status !== handshake.STATUS.ok) return this.#refused(answer.status, nowMs);
    const exchange: handshake.Exchange = {
      suite: this.#suite,
      consoleSessionId: this.#consoleSessionId,
      bmcSessionId: this.#bmcSessionId,
      consoleRandom: this.#consoleRandom,
      bmcRandom: Buffer.from(answer.bmcRandom),
      bmcGuid: Buffer.from(answer.bmcGuid),
      role: this.#role,
      username: this.#login.username,
    };
    if (sameCode(handshake.proofOfBmc(exchange, this.#password), answer.keyExchange)) {
      this.#exchange = exchange;
      return this.#ask('rakp 3', nowMs);
    }
    // Perhaps it was broken on its way: it is asked for once more.
    const first = this.#doubt === null;
    this.#unless(() => this.#endWithWrongPassword(), nowMs);
    return first ? this.#questionNow() : [];
  }

  #rakp3Answered(answer: handshake.Rakp4 | null, nowMs: number): Buffer[] {
    if (answer === null || !this.#isOurs(answer)) return [];
    if (answer.status !== handshake.STATUS.ok) return this.#refused(answer.status, nowMs);
    const exchange = this.#exchange as handshake.Exchange;
    const { kg } = this.#login;
    const integrityKey = handshake.sessionIntegrityKey(
      exchange,
      kg === null ? this.#password : secretKey(this.#suite, kg),
    );
    if (sameCode(handshake.proofOfKey(exchange, integrityKey), answer.check)) {
      const [consoleSessionId, bmcSessionId] = [this.#consoleSessionId, this.#bmcSessionId];
      const keys = deriveKeys(this.#suite, integrityKey);
      const roundTripMs = this.#question.ageMs(nowMs);
      this.outcome = { consoleSessionId, bmcSessionId, keys, guid: exchange.bmcGuid, roundTripMs };
      return [];
    }
    // The session is active at the BMC by now, and many do not answer message 3 a second time.
    return this.#unless(() => this.#end('WRONG_KG', 'its session key was made with another K_g'), nowMs);
  }

  /** This follows, unless something better comes soon. The first such answer counts. */
  #unless(follows: (nowMs: number) => Buffer[], nowMs: number): Buffer[] {
    if (this.#doubt !== null) return [];
    this.#doubt = follows;
    this.#question = new Resending(patienceWith(DOUBT, this.#question.ageMs(nowMs)), nowMs);
    return [];
  }

  /** The BMC is told to let go of what was begun. */
  #endWithWrongPassword(): Buffer[] {
    const letGo = this.#rakp3(handshake.STATUS.invalidIntegrityCheck);
    this.#end('WRONG_PASSWORD', 'its proof was made with another password');
    return [letGo];
  }

  #refused(status: number, nowMs: number): Buffer[] {
    return this.#unless((laterMs) => this.#endRefused(status, laterMs), nowMs);
  }

  #endRefused(status: number, nowMs: number): Buffer[] {
    const words = handshake.STATUS_WORDS[status] ?? `status ${status.toString(16).padStart(2, '0')}h`;
    const { invalidSessionId, invalidIntegrityCheck } = handshake.STATUS;
    // It has forgotten what was begun, or goes by another answer of its own than we do.
    const forgotten = status === invalidSessionId || status === 8;
    if (forgotten || (status === invalidIntegrityCheck && this.#ambiguous))
      return this.#beginAgain(nowMs) ?? this.#end('REFUSED', `${words}, again and again`);
    if (status === invalidIntegrityCheck)
      return this.#end(this.#step === 'rakp 3' ? 'WRONG_KG' : 'WRONG_PASSWORD', words);
    return this.#end(CAUSES[status] ?? 'REFUSED', words);
  }

  #beginAgain(nowMs: number): Buffer[] | null {
    if (this.#freshStarts === 0) return null;
    this.#freshStarts -= 1;
    return this.begin(nowMs);
  }

  #end(cause: RmcpCause, detail: string): Buffer[] {
    this.outcome = new RmcpError(cause, detail);
    return [];
  }
}

/** The causes behind status codes (IPMI 2.0 table 13-15). */
const CAUSES: Readonly<Record<number, RmcpCause>> = {
  1: 'NO_SESSION_SLOT',
  4: 'CIPHER_REFUSED',
  5: 'CIPHER_REFUSED',
  6: 'CIPHER_REFUSED',
  7: 'CIPHER_REFUSED',
  9: 'PRIVILEGE_TOO_LOW',
  10: 'PRIVILEGE_TOO_LOW',
  11: 'NO_SESSION_SLOT',
  12: 'UNKNOWN_USER',
  13: 'UNKNOWN_USER',
  16: 'CIPHER_REFUSED',
  17: 'CIPHER_REFUSED',
};
