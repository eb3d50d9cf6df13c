/**
 * Streams whose clients do not read. Such a stream costs a reader's place and a few messages, and its client may wait for news that
 * it has never taken; so it is ended with a reason.
 */
import { constants } from 'node:http2';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { Clock, Timer } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { ERROR_CODE_KEY, STATUS_DETAILS_KEY } from '../../core/metadata.ts';
import type { Log } from '../log.ts';
import { ATTACH } from './calls.ts';
import { encodeStatus } from './details.ts';
import { streamOf } from './stream_of.ts';

/** How often it is looked which streams are not read, as a part of the time that a client has. */
const LOOKS = 5;

interface UnreadParts {
  readonly clock: Clock;
  readonly log: Log;
  /** A client that takes nothing for this time, while messages wait for it, is cut off. In milliseconds. */
  readonly limitMs: number;
  /** Told of each stream that is ended, by its RPC. */
  readonly ended: (rpc: string) => void;
}

/** The error of a stream that is not read. */
const notRead = (limitMs: number): CountermandError =>
  fail(
    'STREAM_NOT_READ',
    `messages have waited for ${limitMs / 1000} s, and the client has read none (stream_read_timeout), so the stream is ended; open ` +
      'it again: events go on after the last one that was read',
  );

/** The streams over gRPC of one conductor. The stream of an agent is not among them: its lease says when it is lost. */
export class UnreadStreams {
  readonly #parts: UnreadParts;
  readonly #open = new Set<WatchedCall>();
  #timer: Timer | null = null;

  constructor(parts: UnreadParts) {
    this.#parts = parts;
  }

  /** Watches each stream from its begin to its end. */
  readonly watch: ServerInterceptor = ({ path, responseStream }, call) => {
    if (!responseStream || path === ATTACH) return new ServerInterceptingCall(call);
    const { clock } = this.#parts;
    const watched = new WatchedCall(call, path.slice(1), clock, () => this.#open.delete(watched));
    this.#open.add(watched);
    this.#timer ??= this.#lookLater();
    return watched;
  };

  /** Looks no more. */
  stop(): void {
    this.#open.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookLater(): Timer {
    const { clock, limitMs } = this.#parts;
    return clock.after(limitMs / LOOKS, () => {
      this.#timer = null;
      this.#look();
      if (this.#open.size > 0) this.#timer = this.#lookLater();
    });
  }

  #look(): void {
    const { clock, log, limitMs, ended } = this.#parts;
    const now = clock.monotonic();
    for (const call of this.#open) {
      if (call.waitsSince === null || now - call.waitsSince < limitMs) continue;
      if (call.isEnded) {
        // It has not read the reason either. What waits for it is dropped.
        call.reset();
        continue;
      }
      log.warn({ rpc: call.rpc, peer: call.getPeer(), code: 'STREAM_NOT_READ' }, 'a stream was not read, and is ended');
      ended(call.rpc);
      call.end(notRead(limitMs));
    }
  }
}

/** Who is told of what comes from a client. */
type Listener = Parameters<ServerInterceptingCall['start']>[0];

/** One stream. */
class WatchedCall extends ServerInterceptingCall {
  readonly rpc: string;
  /** Since when a message has waited for the client to read; null while none waits. */
  waitsSince: number | null = null;
  /** Its client was told the reason, after all that waits for it. */
  isEnded = false;
  readonly #call: ServerInterceptingCallInterface;
  readonly #clock: Clock;
  #listener: Listener | null = null;

  constructor(call: ServerInterceptingCallInterface, rpc: string, clock: Clock, closed: () => void) {
    super(call);
    this.rpc = rpc;
    this.#call = call;
    this.#clock = clock;
    streamOf(call).once('close', closed);
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    super.start(listener);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.waitsSince = this.#clock.monotonic();
    super.sendMessage(message, () => {
      this.waitsSince = null;
      callback();
    });
  }

  /** Ends it for the conductor at once, and for the client when it has read what waits for it. */
  end(error: CountermandError): void {
    this.isEnded = true;
    this.waitsSince = this.#clock.monotonic();
    const code = status.RESOURCE_EXHAUSTED;
    const metadata = new Metadata();
    metadata.set(ERROR_CODE_KEY, error.code);
    const details = encodeStatus(error, code, error.message);
    if (details !== null) metadata.set(STATUS_DETAILS_KEY, Buffer.from(details));
    this.#call.sendStatus({ code, details: error.message, metadata });
    this.#listener?.onCancel();
  }

  /** Drops what waits for the client, whose library takes this for RESOURCE_EXHAUSTED. */
  reset(): void {
    streamOf(this.#call).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
