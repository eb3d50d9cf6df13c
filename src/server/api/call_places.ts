/**
 * The places for gRPC calls that are under way, and for the bytes that wait in them. Whoever reaches the port can open calls, send half
 * of a message and read no answer, before anything has asked who that is: so each address has its part of both, and a message its time.
 */
import { constants, type Http2Stream } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { Clock, Timer } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { type LimitRow, OPEN_LIMITS } from '../../core/limits.ts';
import { ERROR_CODE_KEY, STATUS_DETAILS_KEY } from '../../core/metadata.ts';
import { ByAddress } from './by_address.ts';
import { ATTACH, isOpenToAll } from './calls.ts';
import { encodeStatus } from './details.ts';
import { streamOf } from './stream_of.ts';

/** How often it is looked which messages have not come, as a part of the time that they have. */
const LOOKS = 5;

/** The limits of one port, by their rows. */
type Limits = Readonly<
  Record<'grpc_calls' | 'grpc_calls_of_address' | 'grpc_bytes' | 'grpc_bytes_of_address' | 'grpc_message_ms', LimitRow>
>;

/** What is counted, in all and of each address. */
class Tally {
  readonly #all: LimitRow;
  readonly #ofAddress: LimitRow;
  readonly #counts = new ByAddress();

  constructor(all: LimitRow, ofAddress: LimitRow) {
    this.#all = all;
    this.#ofAddress = ofAddress;
  }

  /** The limit that is exceeded now; null if none is. */
  exceeded(address: string): LimitRow | null {
    if (this.#counts.of(address) > this.#ofAddress.limit) return this.#ofAddress;
    return this.#counts.all > this.#all.limit ? this.#all : null;
  }

  /** @param more negative: less */
  move(address: string, more: number): void {
    this.#counts.add(address, more);
  }
}

/** The calls of one port. */
export class CallPlaces {
  readonly #clock: Clock;
  readonly #messageMs: number;
  readonly calls: Tally;
  readonly bytes: Tally;
  /** Those whose message has not come, or whose answer was not read. */
  readonly #waiting = new Set<PlacedCall>();
  readonly #readTimeoutMs: number;
  #timer: Timer | null = null;

  /** @param readTimeoutMs how long a client may read nothing of an answer */
  constructor(clock: Clock, readTimeoutMs: number, limits: Limits = OPEN_LIMITS) {
    this.#clock = clock;
    this.#messageMs = limits.grpc_message_ms.limit;
    this.calls = new Tally(limits.grpc_calls, limits.grpc_calls_of_address);
    this.bytes = new Tally(limits.grpc_bytes, limits.grpc_bytes_of_address);
    this.#readTimeoutMs = readTimeoutMs;
  }

  /** Gives each call a place, or refuses it. */
  readonly watch: ServerInterceptor = ({ path, requestStream, responseStream }, call) => {
    // What streams answers, once it has been let in, has limits of its own; that of an agent as well.
    const isHeld = !responseStream || isOpenToAll(path) || (requestStream && path !== ATTACH);
    const placed = new PlacedCall(call, streamOf(call), { places: this, isHeld, requestStream });
    // An agent that says no hello is dropped sooner.
    if (path !== ATTACH) this.await(placed, this.#messageMs);
    return placed;
  };

  /** Looks no more. */
  stop(): void {
    this.#waiting.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** What a call waits for has come, or the call has ended. */
  forget(call: PlacedCall): void {
    this.#waiting.delete(call);
  }

  /** A part of a message has come: the next one has as long as the first had. */
  awaitMore(call: PlacedCall): void {
    if (this.#waiting.has(call)) call.waitsUntil = this.#clock.monotonic() + this.#messageMs;
  }

  /** A call waits for its client. @param limitMs absent: as long as for an answer to be read */
  await(call: PlacedCall, limitMs = this.#readTimeoutMs): void {
    call.waitsUntil = this.#clock.monotonic() + limitMs;
    this.#waiting.add(call);
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    return this.#clock.after(this.#messageMs / LOOKS, () => {
      this.#timer = null;
      const now = this.#clock.monotonic();
      for (const call of this.#waiting) if (now >= call.waitsUntil) call.giveUp();
      if (this.#waiting.size > 0) this.#timer = this.#lookLater();
    });
  }
}

/** Who is told of what comes from a client. */
type Listener = Parameters<ServerInterceptingCall['start']>[0];

interface PlacedParts {
  readonly places: CallPlaces;
  /** It has its place until it ends; else until it is answered first. */
  readonly isHeld: boolean;
  /** Its client sends messages as long as it likes. */
  readonly requestStream: boolean;
}

/** One call. */
class PlacedCall extends ServerInterceptingCall {
  /** By when its client has to send or read, by the monotonic clock. */
  waitsUntil = Number.POSITIVE_INFINITY;
  readonly #call: ServerInterceptingCallInterface;
  readonly #stream: Http2Stream;
  readonly #address: string;
  readonly #parts: PlacedParts;
  #hasPlace = true;
  #isAnswered = false;
  /** How many bytes of its message, or of its answer, wait. */
  #bytes = 0;

  constructor(call: ServerInterceptingCallInterface, stream: Http2Stream, parts: PlacedParts) {
    super(call);
    this.#call = call;
    this.#stream = stream;
    this.#parts = parts;
    this.#address = stream.session?.socket.remoteAddress ?? '';
    const { calls } = parts.places;
    calls.move(this.#address, 1);
    stream.once('close', this.#leave);
    const limit = calls.exceeded(this.#address);
    if (limit === null) stream.on('data', this.#received);
    else this.refuse(tooMany(limit));
  }

  override start(listener: Listener): void {
    super.start({
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => {
        if (this.#parts.requestStream) this.#hasCome();
        listener.onReceiveMessage(message);
      },
      onReceiveHalfClose: () => {
        // A call of one message is begun when its client has said that there is no other.
        this.#hasCome();
        listener.onReceiveHalfClose();
      },
      onCancel: () => listener.onCancel(),
    });
  }

  override sendMetadata(metadata: Metadata): void {
    this.#hasAnswered();
    super.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#hasAnswered();
    const { places, isHeld } = this.#parts;
    super.sendMessage(message, () => {
      this.#wait(0);
      places.forget(this);
      callback();
    });
    if (!isHeld) return;
    // How large it is in bytes is known now.
    this.#wait(this.#stream.writableLength);
    this.#isAnswered = true;
    places.await(this);
    if (places.bytes.exceeded(this.#address) !== null) this.giveUp();
  }

  /** Ends it because its client neither sends nor reads. */
  giveUp(): void {
    this.#parts.places.forget(this);
    // After an answer that is not read, an error would not be read either.
    if (this.#isAnswered) this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else this.refuse(NOT_IN_TIME);
  }

  /** Ends it before its service has seen it. */
  refuse(error: CountermandError): void {
    this.#hasCome();
    const metadata = new Metadata();
    metadata.set(ERROR_CODE_KEY, error.code);
    const code = status[error.row.status];
    const details = encodeStatus(error, code, error.message);
    if (details !== null) metadata.set(STATUS_DETAILS_KEY, Buffer.from(details));
    this.#call.sendStatus({ code, details: error.message, metadata });
    // The client may leave its own side open for ever.
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  readonly #received = (bytes: Buffer): void => {
    const { places } = this.#parts;
    this.#wait(this.#bytes + bytes.length);
    const limit = places.bytes.exceeded(this.#address);
    if (limit !== null) this.refuse(tooMany(limit));
    // A plan of thousands of actions over a slow line takes its time.
    else places.awaitMore(this);
  };

  #hasCome(): void {
    this.#stream.off('data', this.#received);
    this.#wait(0);
    this.#parts.places.forget(this);
  }

  #hasAnswered(): void {
    if (!this.#parts.isHeld) this.#giveBack();
  }

  readonly #leave = (): void => {
    this.#hasCome();
    this.#giveBack();
  };

  #giveBack(): void {
    if (this.#hasPlace) this.#parts.places.calls.move(this.#address, -1);
    this.#hasPlace = false;
  }

  #wait(bytes: number): void {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    if (more !== 0) this.#parts.places.bytes.move(this.#address, more);
  }
}

const tooMany = ({ limit, unit, what }: LimitRow): CountermandError =>
  fail('TOO_MANY_STREAMS', `${what}: at most ${limit} ${unit}; let some calls end first`);

const NOT_IN_TIME = fail(
  'TOOK_TOO_LONG',
  `the message of the call was not complete, and nothing of it came for ${OPEN_LIMITS.grpc_message_ms.limit / 1000} s; nothing was done`,
);
