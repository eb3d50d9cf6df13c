/** The agent's end of its stream over gRPC. */
import { ClientError, createClient, Metadata } from 'nice-grpc';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { whyNeverConnected } from '../core/never_connected.ts';
import type { TlsMaterial } from '../core/tls.ts';
import { AgentServiceDefinition } from '../gen/countermand/v1/agent.ts';
import type { Attach } from './agent.ts';
import { openChannelTo } from './secure_channel.ts';

/** A conductor that froze is noticed by pings that it does not answer. */
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  // The agent has a back-off of its own; the transport's must not be slower.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // A proxy for the web has no business between an agent and its conductor.
  'grpc.enable_http_proxy': 0,
};

/** How to open streams to the conductor at `address`, and how to let go of it. */
interface Dialer {
  readonly attach: Attach;
  close(): void;
}

/** How an agent speaks TLS with its conductor. */
interface AgentTls {
  /** The material for the next connection. */
  current(): TlsMaterial;
  /** The name that the certificate of the conductor must have. Null: the host of its address. */
  readonly serverName: string | null;
}

/**
 * Dials a conductor, in plaintext if `tls` is null. Nothing is sent before `attach` is called; its failures say the address.
 * Each stream is dialled with the TLS material and the token of that moment; one that is open stays as it is.
 */
export function dialConductor(address: string, tls: AgentTls | null, tokenNow: () => string | null): Dialer {
  let material = tls?.current() ?? null;
  const open = () =>
    openChannelTo(address, tls && material && { material, serverName: tls.serverName }, CHANNEL_OPTIONS);
  let channel = open();
  const renew = (): void => {
    if (tls === null || tls.current() === material) return;
    material = tls.current();
    channel.close();
    channel = open();
  };
  return {
    async *attach(outgoing, signal) {
      renew();
      try {
        yield* createClient(AgentServiceDefinition, channel).attach(outgoing, { signal, metadata: shown(tokenNow()) });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const never = error instanceof ClientError ? whyNeverConnected(error.details) : null;
        const ended = `the stream to the conductor at ${address} ended: ${(error as Error).message}`;
        throw fail(
          'ATTACHMENT_ENDED',
          never === null ? ended : `there is no connection to the conductor at ${address}: ${never}`,
          error,
        );
      }
    },
    close: () => channel.close(),
  };
}

/** An address that did not answer is not dialled again for this long, if there are others. */
const SILENT_MS = 15_000;

/**
 * Dials several conductors of one installation, of which one leads: after each stream that ends, the next one. One that has fallen
 * silent may be frozen, and is left out for a while.
 */
export function dialConductors(addresses: readonly string[], dial: (address: string) => Dialer, clock: Clock): Dialer {
  const all = addresses.map((address) => ({ ...dial(address), silentUntil: Number.NEGATIVE_INFINITY }));
  let at = 0;
  const next = (): number => {
    const others = all.map((_, step) => (at + 1 + step) % all.length);
    return others.find((other) => (all[other]?.silentUntil ?? 0) <= clock.monotonic()) ?? others[0] ?? 0;
  };
  return {
    async *attach(outgoing, signal) {
      const dialled = all[at];
      try {
        if (dialled) yield* dialled.attach(outgoing, signal);
      } finally {
        if (dialled && signal.aborted) dialled.silentUntil = clock.monotonic() + SILENT_MS;
        at = next();
      }
    },
    close() {
      for (const each of all) each.close();
    },
  };
}

const shown = (token: string | null): Metadata => Metadata(token === null ? {} : { authorization: `Bearer ${token}` });
