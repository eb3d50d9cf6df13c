/** Clients that call every RPC with whatever comes: what they are answered, and whether the answer has the right form. */

import type { DescMethod } from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { systemClock } from '../../src/core/clock.ts';
import { isErrorCode } from '../../src/core/errors.ts';
import type { SeededChance } from '../world/chance.ts';
import type { Messages } from './messages.ts';

/** The results of calls. */
export interface Tally {
  calls: number;
  /** Requests over HTTP, beside the calls. */
  overHttp: number;
  readonly answers: Map<string, number>;
  /** Answers that must not be: faults of the conductor, or errors without a code. */
  readonly faults: string[];
}

/** Statuses that the transport makes when the conductor is killed, or the call is left. */
const OF_THE_TRANSPORT = [status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED];
/** What a client that waits no longer does: the work goes on. */
const PATIENCE_MS = 60_000;

const identity = (bytes: Buffer): Buffer => bytes;

/** One client with a connection of its own. */
export class Caller {
  readonly #client: Client;
  readonly #methods: readonly DescMethod[];
  readonly #messages: Messages;
  readonly #chance: SeededChance;
  readonly #tally: Tally;
  /** Streams that were opened and are never read. */
  readonly #unread: ClientReadableStream<Buffer>[] = [];

  constructor(address: string, methods: readonly DescMethod[], messages: Messages, chance: SeededChance, tally: Tally) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
    });
    this.#methods = methods;
    this.#messages = messages;
    this.#chance = chance;
    this.#tally = tally;
  }

  /** Calls a random RPC and resolves when that is over, however it ends. Never rejects. */
  async call(): Promise<void> {
    const method = this.#chance.pick(this.#methods);
    const path = `/${method.parent.typeName}/${method.name}`;
    const request = this.#messages.request(method);
    this.#tally.calls += 1;
    const error = await (method.methodKind === 'unary' ? this.#unary(path, request) : this.#stream(path, request));
    this.#note(path, error);
  }

  close(): void {
    for (const stream of this.#unread) stream.cancel();
    this.#client.close();
  }

  #unary(path: string, request: Buffer): Promise<ServiceError | null> {
    return new Promise((resolve) => {
      const call = this.#client.makeUnaryRequest(path, identity, identity, request, new Metadata(), (error, answer) => {
        patience.cancel();
        for (const found of String(answer ?? '').match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [])
          this.#messages.learn(found);
        resolve(error);
      });
      const patience = systemClock.after(PATIENCE_MS, () => call.cancel());
    });
  }

  /** Reads some messages and leaves, or never reads at all. */
  #stream(path: string, request: Buffer): Promise<ServiceError | null> {
    const stream = this.#client.makeServerStreamRequest(path, identity, identity, request);
    let left = this.#chance.pick([1, 3, 20]);
    const unread = this.#chance.happens(0.1) && this.#unread.length < 20;
    return new Promise((resolve) => {
      stream.on('error', (error: ServiceError) => resolve(error));
      stream.on('end', () => resolve(null));
      if (unread) {
        this.#unread.push(stream);
        resolve(null);
        return;
      }
      const timer = systemClock.after(this.#chance.between(50, 1000), () => stream.cancel());
      stream.on('close', () => timer.cancel());
      stream.on('data', () => {
        left -= 1;
        if (left <= 0) stream.cancel();
      });
    });
  }

  #note(path: string, error: ServiceError | null): void {
    const code = String(error?.metadata?.get('countermand-error-code')[0] ?? '');
    const said = error === null ? 'OK' : `${status[error.code]} ${code}`.trim();
    this.#tally.answers.set(said, (this.#tally.answers.get(said) ?? 0) + 1);
    if (error === null || OF_THE_TRANSPORT.includes(error.code)) return;
    if (code === 'INTERNAL' || !isErrorCode(code)) this.#tally.faults.push(`${path}: ${said}: ${error.details}`);
  }
}
