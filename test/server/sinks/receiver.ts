/** A webhook in memory, behind the same interface as the one over HTTPS. */
import { DeliveryFailure, type SinkKind } from '../../../src/core/outlets.ts';
import { abortable } from '../../../src/core/signals.ts';
import type { SinkMakers } from '../../../src/server/sinks/sinks.ts';
import type { Answer, OpenPoster } from '../../../src/sinks/post.ts';
import { webhookKind } from '../../../src/sinks/webhook.ts';
import { World } from '../../world/world.ts';

/** What the receiver does with a request. */
export type Behaviour = 'takes' | 'resets' | 'silent' | 'resets after it has taken' | Answer;

/** One request. */
export interface Request {
  readonly at: number;
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A receiver, and all that reached it. */
export class Receiver {
  /** Every request, answered or not. */
  readonly requests: Request[] = [];
  /** What was taken, in the order of coming; the same may be there twice. */
  readonly taken: Request[] = [];
  behaves: (request: Request) => Behaviour = () => 'takes';
  now: () => number = () => 0;

  readonly #open: OpenPoster = () => ({
    post: async (headers, body, signal) => {
      const { sequence, type } = JSON.parse(body);
      const id = headers['webhook-id'] as string;
      const request = { at: this.now(), id, sequence: Number(sequence), type, headers, body };
      this.requests.push(request);
      const behaviour = this.behaves(request);
      if (behaviour === 'silent') return abortable<Answer>(() => () => {}, signal);
      if (typeof behaviour === 'object') return behaviour;
      if (behaviour !== 'resets') this.taken.push(request);
      if (behaviour !== 'takes') throw new DeliveryFailure('no answer: ECONNRESET');
      return { status: 202, retryAfter: null };
    },
    close: async () => {},
  });

  get kind(): SinkKind {
    return webhookKind(this.#open);
  }

  get makers(): SinkMakers {
    return { kinds: [this.kind], resolve: async (_, settings) => settings, objectionOf: () => () => null };
  }

  /** The numbers of what was taken. */
  get numbers(): number[] {
    return this.taken.map(({ sequence }) => sequence);
  }
}

/** Settings that are good. */
export const SETTINGS = {
  webhook_url: 'https://ops.example/events',
  webhook_secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
};

/** A world whose sinks lead to one receiver. */
export async function worldWith(receiver: Receiver, more: { readonly everyWriteTwice?: boolean } = {}): Promise<World> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 }, sinks: receiver.makers, ...more });
  receiver.now = () => world.clock.monotonic();
  return world;
}
