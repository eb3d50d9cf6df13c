import type { Attach } from '../../src/agent/agent.ts';
import { openChannel } from '../../src/core/channel.ts';
import type { Clock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { type Cancellation, onAbort, openCancellation, sleep } from '../../src/core/signals.ts';
import { AttachRequest, AttachResponse } from '../../src/gen/countermand/v1/agent.ts';
import type { SeededChance } from './chance.ts';

/** One stream in memory, behind the same interface as the gRPC one: each message goes through its wire form. */
export interface Link {
  /** Breaks it at once, for both sides. */
  cut(): void;
  /** Delivers nothing any more, in either direction, and tells neither side. */
  freeze(): void;
}

/** The conductor's end: what `Attachments.attach` is. */
export type Accept = (incoming: AsyncIterable<AttachRequest>, signal: AbortSignal) => AsyncIterable<AttachResponse>;

/** How messages travel. */
export interface LinkParts {
  readonly clock: Clock;
  readonly chance: SeededChance;
  /** The longest way, in milliseconds; 0 delivers at once. */
  readonly latencyMs: number;
  /** Resolves when the side that a message goes to can take it. */
  readonly awake?: { readonly agent: () => Promise<void>; readonly conductor: () => Promise<void> };
}

/** The agent's end of a new link. */
export function openLink(accept: Accept, opened: (link: Link) => void, parts: LinkParts): Attach {
  return async function* attach(outgoing, signal) {
    const cancellation = openCancellation([signal]);
    const conductorScope = openCancellation([]);
    const unlink = onAbort(cancellation.signal, (reason) => conductorScope.abort(reason));
    let frozen = false;
    opened({
      cut: () => cancellation.abort(fail('ATTACHMENT_ENDED', 'the link was cut')),
      freeze: () => {
        frozen = true;
      },
    });
    const carry = <T>(
      from: AsyncIterable<T>,
      copy: (message: T) => T,
      life: Cancellation,
      awake: () => Promise<void> = async () => {},
    ): AsyncIterable<T> => deliver(from, copy, { frozen: () => frozen, awake }, life, parts);
    try {
      const up = carry(
        outgoing,
        (message) => AttachRequest.decode(AttachRequest.encode(message).finish()),
        cancellation,
        parts.awake?.conductor,
      );
      const down = accept(up, conductorScope.signal);
      yield* carry(
        down,
        (message) => AttachResponse.decode(AttachResponse.encode(message).finish()),
        cancellation,
        parts.awake?.agent,
      );
    } finally {
      unlink();
      cancellation.abort(fail('ATTACHMENT_ENDED', 'the stream ended'));
      conductorScope.abort(fail('ATTACHMENT_ENDED', 'the stream ended'));
      cancellation.end();
      conductorScope.end();
    }
  };
}

/** Carries messages in order, each as late as chance has it. */
function deliver<T>(
  from: AsyncIterable<T>,
  copy: (message: T) => T,
  at: { readonly frozen: () => boolean; readonly awake: () => Promise<void> },
  cancellation: Cancellation,
  parts: LinkParts,
): AsyncIterable<T> {
  const { clock, chance, latencyMs } = parts;
  const arrived = openChannel<T>(cancellation.signal);
  const pump = async (): Promise<void> => {
    for await (const message of from) {
      const copied = copy(message);
      if (latencyMs > 0) await sleep(chance.between(0, latencyMs), clock, cancellation.signal);
      await at.awake();
      if (!at.frozen()) arrived.push(copied);
    }
    arrived.end();
  };
  pump().catch((error: unknown) => arrived.end(error));
  return arrived;
}
