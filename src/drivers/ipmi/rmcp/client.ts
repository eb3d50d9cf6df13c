/**
 * A client of one BMC: it keeps a session open between commands, asks one command at a time, and opens a new session where
 * the BMC has let go of the old one.
 */
import { type Command, type Destination, getChassisStatus, getDeviceId } from './commands.ts';
import type { Login, RandomBytes } from './opening.ts';
import type { Patience } from './resending.ts';
import { type RmcpCause, RmcpError } from './rmcp_error.ts';
import { Session, type SessionEvent, type SessionPatience } from './session.ts';
import type { Line, RmcpClock, Transport } from './transport.ts';

/** A BMC, and how to log in. */
export interface Endpoint {
  /** An IP address; for a pool also a host name. */
  readonly host: string;
  readonly port: number;
  readonly login: Login;
  /** Why the IP address of the host may not be spoken to; null if it may. It is asked before anything is sent. */
  readonly objection?: (address: string) => Error | null;
}

/** What a client is made from. */
interface ClientParts {
  readonly transport: Transport;
  readonly clock: RmcpClock;
  readonly random: RandomBytes;
  readonly patience: SessionPatience;
  /** Counts the sessions with this BMC that were open and then lost. It outlives the client. */
  readonly losses: { count: number };
  /** A session older than this is not used any more: a new one is opened, which shows who is there. */
  readonly maxAgeMs: number;
}

/**
 * A BMC that answered so lately still has our session. Before an order that must not be sent twice, one that did not is
 * asked something harmless: an order into a session that is not there any more would be lost, and without a trace.
 */
const SURELY_THERE_MS = 2000;
/** In a session that was kept, silence mostly means that the BMC has let go of it: a new one is opened soon. */
const KEPT: Patience = { resendAfterMs: [400, 1200], limitMs: 2500 };

type Unknown = Command<unknown>;

const GUID_LENGTH = 16;

/** One command whose caller waits. */
interface Waiting {
  readonly command: Unknown;
  readonly settle: (error: unknown, value: unknown) => void;
  /** A session was opened for it, so there is no older one to blame. */
  opened: boolean;
}

/** What is asked now: for a caller, or for ourselves. */
type Asking = 'nothing' | 'the command' | 'whether it is there' | 'to be kept';

/** The client of one BMC. */
export class Client {
  readonly #endpoint: Endpoint;
  readonly #parts: ClientParts;
  readonly #waiting: Waiting[] = [];
  #session: Session | null = null;
  #line: Line | null = null;
  #timer: { cancel(): void } | null = null;
  #asking: Asking = 'nothing';
  /** The session was opened, and can be used as far as is known. */
  #isOpen = false;
  /** Monotonic times. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #openedAt = Number.NEGATIVE_INFINITY;
  #usedAt: number;
  /** Called whenever it becomes idle, or lets go of its session. */
  onRest: () => void = () => {};

  constructor(endpoint: Endpoint, parts: ClientParts) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#usedAt = parts.clock.monotonic();
  }

  /** It has a session, or opens one: a socket and a slot of the BMC are taken. */
  get hasSession(): boolean {
    return this.#session !== null;
  }

  /** No caller waits for it. */
  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** For how long it has been idle, in milliseconds. */
  get unusedMs(): number {
    return this.idle ? this.#parts.clock.monotonic() - this.#usedAt : 0;
  }

  /** Its session is older than a session may become. */
  get isOld(): boolean {
    return this.hasSession && this.#parts.clock.monotonic() - this.#openedAt >= this.#parts.maxAgeMs;
  }

  /** For how long the BMC has said nothing, in milliseconds. */
  get unheardMs(): number {
    return this.#parts.clock.monotonic() - this.#heardAt;
  }

  /**
   * Asks a command, behind those that were asked before. What is not idempotent is sent at most once.
   * @throws RmcpError; the reason of the abort, at once, after which the command may still have been sent
   */
  run<Answer>(command: Command<Answer>, signal: AbortSignal): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        waiting.settle(signal.reason, undefined);
        this.#leave(waiting);
      };
      const waiting: Waiting = {
        command,
        opened: false,
        settle(error, value) {
          signal.removeEventListener('abort', leave);
          if (error === null) resolve(value as Answer);
          else reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#goOn();
    });
  }

  /** Asks something harmless, so that the BMC does not let go of the session. Does nothing unless it is idle. */
  keepAlive(): void {
    if (!this.idle || this.#asking !== 'nothing' || !this.#session?.idle) return;
    this.#ask('to be kept', getDeviceId, KEPT);
  }

  /**
   * Lets go of the session; the BMC is told. Commands that wait are refused, an order that is under way is in doubt; the next
   * command opens a new session.
   */
  close(why = 'the client was closed'): void {
    const underWay = this.#asking === 'the command';
    for (const [at, { command, settle }] of this.#waiting.splice(0).entries()) {
      const inDoubt = at === 0 && underWay && !command.idempotent;
      settle(
        inDoubt ? new RmcpError('NO_ANSWER', `no answer to ${command.name}: ${why}`) : new RmcpError('CLOSED', why),
        undefined,
      );
    }
    this.#letGo();
  }

  #leave(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    this.#waiting.splice(at, 1);
    // While it waits for its turn, or for something that others can use, nothing is lost.
    if (at !== 0 || this.#asking === 'to be kept') return;
    if (this.#session?.idle === false && this.#asking === 'nothing') this.#letGo();
    else this.#session?.forget();
    this.#setTimer();
    this.#asking = 'nothing';
    this.#rest();
    this.#goOn();
  }

  /** Begins with the first that waits, if nothing is under way. */
  #goOn(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#asking !== 'nothing') return;
    this.#usedAt = this.#parts.clock.monotonic();
    if (!first.opened && this.isOld && this.#session?.idle) this.#letGo();
    if (this.#session === null) this.#open(first);
    else if (this.#session.idle) this.#askFor(first);
  }

  #askFor(waiting: Waiting): void {
    const { command, opened } = waiting;
    const kept = !opened;
    const objection = command.check?.(this.#destination) ?? null;
    if (objection !== null) this.#refuseFirst(objection);
    else if (!command.idempotent && this.unheardMs > SURELY_THERE_MS)
      this.#ask('whether it is there', getChassisStatus, kept ? KEPT : undefined);
    else this.#ask('the command', command, kept ? KEPT : undefined);
  }

  get #destination(): Destination {
    const { host: address, port } = this.#endpoint;
    const guid = this.#session?.guid ?? Buffer.alloc(GUID_LENGTH);
    return { address, port, guid, sessionsLost: this.#parts.losses.count };
  }

  /** The first command is not sent; those behind it go on. */
  #refuseFirst(why: Error): void {
    this.#settleFirst(why, undefined);
    this.#goOn();
    this.#rest();
  }

  #ask(asking: Asking, command: Unknown, patience?: Patience): void {
    this.#asking = asking;
    this.#handle(this.#session?.ask(command, this.#parts.clock.monotonic(), patience) ?? []);
  }

  #open(waiting: Waiting): void {
    waiting.opened = true;
    const { random, patience } = this.#parts;
    const session = new Session(this.#endpoint.login, random, patience);
    this.#session = session;
    const now = (): number => this.#parts.clock.monotonic();
    this.#openedAt = now();
    const isCurrent = (): boolean => this.#session === session;
    this.#line = this.#parts.transport.open(this.#endpoint.host, this.#endpoint.port, {
      datagram: (bytes) => {
        if (isCurrent()) this.#handle(session.receive(bytes, now()));
      },
      broken: (error) => {
        if (isCurrent()) this.#broken(error);
      },
    });
    this.#handle(session.open(now()));
  }

  #handle(events: readonly SessionEvent[]): void {
    for (const event of events) {
      if (event.kind === 'send') this.#line?.send(event.datagram);
      else if (event.kind === 'failed') this.#failed(event.error, event.over);
      else if (event.kind === 'opened') this.#opened();
      else this.#answered(event.value);
    }
    this.#setTimer();
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const session = this.#session;
    const wakeAt = session?.wakeAt ?? null;
    if (session === null || wakeAt === null) return;
    const { clock, transport } = this.#parts;
    const tick = (): void => {
      if (this.#session === session) this.#handle(session.tick(clock.monotonic()));
    };
    this.#timer = clock.after(wakeAt - clock.monotonic(), () => transport.afterArrivals(tick));
  }

  #opened(): void {
    this.#isOpen = true;
    this.#heardAt = this.#parts.clock.monotonic();
    this.#goOn();
    this.#rest();
  }

  #answered(value: unknown): void {
    this.#heardAt = this.#parts.clock.monotonic();
    const asking = this.#asking;
    this.#asking = 'nothing';
    if (asking === 'the command') this.#settleFirst(null, value);
    this.#goOn();
    this.#rest();
  }

  #failed(error: RmcpError, over: boolean): void {
    const asking = this.#asking;
    const [first] = this.#waiting;
    this.#asking = 'nothing';
    if (over && this.#isOpen) this.#parts.losses.count += 1;
    if (over) this.#letGo();
    else if (error.reason !== 'NO_ANSWER' || error.completionCode !== null)
      this.#heardAt = this.#parts.clock.monotonic();
    const ours = asking === 'to be kept';
    // Whether an order was done is unknown; whatever else was not answered is asked in a new session.
    const once = asking === 'the command' && first?.command.idempotent === false;
    const again = over && error.reason === 'NO_ANSWER' && !once && first?.opened === false;
    // An answer that refuses a harmless question is an answer: the BMC is there.
    const isThere = asking === 'whether it is there' && !over;
    if (!ours && !again && !isThere) this.#settleFirst(error, undefined);
    this.#goOn();
    this.#rest();
  }

  /** The system says that nothing gets there any more. */
  #broken(error: NodeJS.ErrnoException): void {
    const opening = this.#asking === 'nothing';
    const told = brokenError(error);
    this.#failed(opening ? told : new RmcpError('NO_ANSWER', told.message, null, { cause: error }), true);
  }

  #settleFirst(error: Error | null, value: unknown): void {
    this.#usedAt = this.#parts.clock.monotonic();
    this.#waiting.shift()?.settle(error, value);
  }

  #letGo(): void {
    const events = this.#session?.close() ?? [];
    for (const event of events) if (event.kind === 'send') this.#line?.send(event.datagram);
    this.#timer?.cancel();
    this.#timer = null;
    this.#line?.close();
    this.#line = null;
    this.#session = null;
    this.#isOpen = false;
    this.#asking = 'nothing';
    this.#heardAt = Number.NEGATIVE_INFINITY;
  }

  #rest(): void {
    if (this.idle || !this.hasSession) this.onRest();
  }
}

const BROKEN: Readonly<Record<string, RmcpCause>> = { ECONNREFUSED: 'PORT_CLOSED', ENOTFOUND: 'NAME_NOT_FOUND' };

function brokenError(error: NodeJS.ErrnoException): RmcpError {
  const code = codeOf(error);
  return new RmcpError(BROKEN[code] ?? 'NO_ROUTE', `the system says ${code}`, null, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
}
