/**
 * One session with one BMC: opened, used for one command at a time, closed (IPMI 2.0 sections 13.14 and 13.15). Pure: datagrams
 * and time in, events out; nothing here opens a socket or reads a clock.
 *
 * What comes in is believed if it bears our session id, the right authentication code, a sequence number that did not come
 * before, and, once decrypted, the sequence number, network function and command of what was asked. All else is passed over:
 * strays, echoes, late answers.
 */
import { type SessionKeys, sameCode } from './cipher_suites.ts';
import { type Command, closeSession, PRIVILEGES, setSessionPrivilegeLevel } from './commands.ts';
import { COMPLETION, completionRow, completionWords } from './completion_codes.ts';
import { decodeResponse, encodeRequest, type ResponseMessage, SEQUENCES } from './message.ts';
import { type Login, type Opened, Opening, type RandomBytes } from './opening.ts';
import { decodePacket, encodeSession, PAYLOAD, type SessionPacket } from './packet.ts';
import { type Patience, patienceWith, Resending } from './resending.ts';
import { type RmcpCause, RmcpError } from './rmcp_error.ts';
import { SequenceWindow } from './sequence_window.ts';

/** What a session wants from the one who drives it. */
export type SessionEvent =
  | { readonly kind: 'send'; readonly datagram: Buffer }
  /** It can be used. */
  | { readonly kind: 'opened' }
  /** The command that was asked is done; `value` is what its `read` has made of the answer. */
  | { readonly kind: 'answered'; readonly value: unknown }
  /** The command that was asked has failed; with `over`, the session cannot be used any more. */
  | { readonly kind: 'failed'; readonly error: RmcpError; readonly over: boolean };

/** How long a session waits for what. */
export interface SessionPatience {
  /** For each message of the opening, and for each command that may be asked again. */
  readonly asked: Patience;
  /** For commands that are sent once. */
  readonly onceLimitMs: number;
}

/** What slow BMCs need: seconds for an answer, more for a power command. */
export const DEFAULT_PATIENCE: SessionPatience = {
  asked: { resendAfterMs: [500, 1500, 3500], limitMs: 6000 },
  onceLimitMs: 10_000,
};

type Unknown = Command<unknown>;

/** A command on its way. */
interface Asked {
  readonly command: Unknown;
  readonly sequence: number;
  readonly question: Resending;
}

/** One session. */
export class Session {
  readonly #login: Login;
  readonly #patience: SessionPatience;
  readonly #random: RandomBytes;
  #opening: Opening | null = null;
  #opened: Opened | null = null;
  #asked: Asked | null = null;
  /** The privilege level is raised with the opening; until then no other command may be sent. */
  #raising = false;
  #over = false;
  #outgoing = 0;
  #roundTripMs = 0;
  #sequence = 0;
  #incoming = new SequenceWindow();

  constructor(login: Login, random: RandomBytes, patience: SessionPatience = DEFAULT_PATIENCE) {
    this.#login = login;
    this.#random = random;
    this.#patience = patience;
  }

  /** When `tick` wants to be called; null if nothing is waited for. */
  get wakeAt(): number | null {
    return this.#opening?.wakeAt ?? this.#asked?.question.wakeAt ?? null;
  }

  /** It is open, and nothing is asked. */
  get idle(): boolean {
    return this.#opened !== null && this.#asked === null && !this.#over;
  }

  /** The managed system GUID of the BMC; null until the session is open. */
  get guid(): Buffer | null {
    return this.#opened?.guid ?? null;
  }

  /** Begins to open it. Call it once; `opened` or `failed` follows. */
  open(nowMs: number): SessionEvent[] {
    this.#opening = new Opening(this.#login, this.#patience.asked, this.#random, nowMs);
    return sends(this.#opening.begin(nowMs));
  }

  /**
   * Asks a command, while `idle`; `answered` or `failed` follows.
   * @param asked how often a command that may be asked again is, and how long; the session's own patience if not said
   */
  ask(command: Unknown, nowMs: number, asked: Patience = this.#patience.asked): SessionEvent[] {
    const once = { resendAfterMs: [], limitMs: this.#patience.onceLimitMs };
    const patience = patienceWith(command.idempotent ? asked : once, this.#roundTripMs);
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    this.#asked = { command, sequence: this.#sequence, question: new Resending(patience, nowMs) };
    return [this.#send(this.#asked)];
  }

  /** No caller waits for the answer any more; if it comes, it is passed over. */
  forget(): void {
    this.#asked = null;
  }

  /** Time has passed. */
  tick(nowMs: number): SessionEvent[] {
    if (this.#opening) return [...sends(this.#opening.tick(nowMs)), ...this.#afterOpening(nowMs)];
    if (!this.#asked) return [];
    const due = this.#asked.question.due(nowMs);
    if (due === 'ask again') return [this.#send(this.#asked)];
    if (due === 'wait') return [];
    const { name, idempotent } = this.#asked.command;
    const noAnswer = `no answer to ${name}`;
    // What is sent once is not asked again; whether the session is still there, the next question shows.
    if (!idempotent) return this.#fail('NO_ANSWER', noAnswer, false);
    // Perhaps it is only slow: then it gets its slot back at once.
    return [...this.close(), ...this.#fail('NO_ANSWER', noAnswer, true)];
  }

  /** A datagram has come. */
  receive(datagram: Buffer, nowMs: number): SessionEvent[] {
    const packet = decodePacket(datagram);
    if (this.#opening) return [...sends(this.#opening.receive(packet, nowMs)), ...this.#afterOpening(nowMs)];
    if (packet?.kind !== 'session' || !this.#opened || !this.#asked) return [];
    const answer = this.#believe(packet, this.#opened);
    if (answer === null) return [];
    this.#roundTripMs = this.#asked.question.ageMs(nowMs);
    return this.#answered(answer, this.#asked.command);
  }

  /** Ends it. The BMC is told, if it is open, and its answer is not waited for. */
  close(): SessionEvent[] {
    const opened = this.#over ? null : this.#opened;
    this.#over = true;
    this.#opening = null;
    this.#asked = null;
    if (opened === null) return [];
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    return [this.#encode(closeSession(opened.bmcSessionId), this.#sequence, opened)];
  }

  #afterOpening(nowMs: number): SessionEvent[] {
    const outcome = this.#opening?.outcome ?? null;
    if (outcome === null) return [];
    this.#opening = null;
    if (outcome instanceof RmcpError) return this.#give(outcome, true);
    this.#opened = outcome;
    this.#roundTripMs = outcome.roundTripMs;
    this.#raising = true;
    return this.ask(setSessionPrivilegeLevel(PRIVILEGES[this.#login.privilege]), nowMs);
  }

  #send({ command, sequence }: Asked): SessionEvent {
    return this.#encode(command, sequence, this.#opened as Opened);
  }

  /** Asking again bears a new number of the session: the BMC passes over those that it knows. */
  #encode({ netFn, command, data }: Unknown, sequence: number, { bmcSessionId, keys }: Opened): SessionEvent {
    this.#outgoing = this.#outgoing === 0xffff_ffff ? 1 : this.#outgoing + 1;
    const payload = keys.encrypt(encodeRequest({ netFn, command, sequence, data }), this.#random(16));
    const head = { payloadType: PAYLOAD.ipmi, encrypted: true, sessionId: bmcSessionId, sequence: this.#outgoing };
    return { kind: 'send', datagram: encodeSession({ ...head, payload }, keys) };
  }

  /** The answer in a packet, if all about it is right. */
  #believe(packet: SessionPacket, { consoleSessionId, keys }: Opened): ResponseMessage | null {
    const { payloadType, encrypted, authenticated, sessionId, sequence } = packet;
    if (payloadType !== PAYLOAD.ipmi || !encrypted || !authenticated || sessionId !== consoleSessionId) return null;
    if (!isSigned(packet, keys) || !this.#incoming.accept(sequence)) return null;
    const payload = keys.decrypt(packet.payload);
    const answer = payload && decodeResponse(payload);
    if (!answer || !this.#asked) return null;
    const { command, sequence: asked } = this.#asked;
    const fits = answer.netFn === command.netFn + 1 && answer.command === command.command;
    return fits && answer.sequence === asked ? answer : null;
  }

  #answered({ completionCode, data }: ResponseMessage, command: Unknown): SessionEvent[] {
    if (completionCode !== COMPLETION.ok) return this.#refused(completionCode, command);
    const value = command.read(data);
    if (value === null) return this.#fail('GARBLED', `the answer to ${command.name} is too short`, this.#raising);
    this.#asked = null;
    if (!this.#raising) return [{ kind: 'answered', value }];
    if (Number(value) < PRIVILEGES[this.#login.privilege])
      return [...this.close(), ...this.#fail('PRIVILEGE_TOO_LOW', 'the session has a lower privilege level', true)];
    this.#raising = false;
    return [{ kind: 'opened' }];
  }

  #refused(code: number, command: Unknown): SessionEvent[] {
    const words = `${completionWords(code)} to ${command.name}`;
    const raising = this.#raising;
    const over = raising ? this.close() : [];
    // 80h to 82h are this command's own codes: the level is not available, or above what user or channel may have
    if (code === COMPLETION.insufficientPrivilege || raising)
      return [...over, ...this.#fail('PRIVILEGE_TOO_LOW', words, raising, code)];
    const isUnknown = completionRow(code).proves === 'unknown';
    return this.#fail(isUnknown ? 'NO_ANSWER' : 'REFUSED', words, false, code);
  }

  #fail(cause: RmcpCause, detail: string, over: boolean, code: number | null = null): SessionEvent[] {
    return this.#give(new RmcpError(cause, detail, code), over);
  }

  #give(error: RmcpError, over: boolean): SessionEvent[] {
    this.#asked = null;
    this.#over ||= over;
    return [{ kind: 'failed', error, over }];
  }
}

const sends = (datagrams: readonly Buffer[]): SessionEvent[] =>
  datagrams.map((datagram) => ({ kind: 'send', datagram }));

function isSigned({ signed, authCode }: SessionPacket, keys: SessionKeys): boolean {
  return sameCode(keys.sign(signed), authCode);
}
