/** The agent's end of its stream over gRPC. */
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { fail } from '../core/errors.ts';
import { AgentServiceDefinition } from '../gen/countermand/v1/agent.ts';
import type { Attach } from './agent.ts';

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

/** Dials a conductor. Nothing is sent before `attach` is called; its failures say the address. */
export function dialConductor(address: string): Dialer {
  const channel = createChannel(address, ChannelCredentials.createInsecure(), CHANNEL_OPTIONS);
  const client = createClient(AgentServiceDefinition, channel);
  return {
    async *attach(outgoing, signal) {
      try {
        yield* client.attach(outgoing, { signal });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw fail(
          'ATTACHMENT_ENDED',
          `the stream to the conductor at ${address} ended: ${(error as Error).message}`,
          error,
        );
      }
    },
    close: () => channel.close(),
  };
}
