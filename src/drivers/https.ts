/** What the drivers that speak HTTP share: where a connection goes, and how much is read from it. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { hasMoreParts } from '../core/json_parts.ts';
import { BMC_LIMITS } from '../core/limits.ts';
import { endOf } from '../core/signals.ts';

/** How long a BMC may take to end a connection that we have ended, in milliseconds. */
const END_LIMIT_MS = 1000;

type BuildConnector = typeof import('./http_client.ts').buildConnector;

/** How connections are made, as undici takes it, and how the last one is ended. */
interface Line {
  readonly connect: ReturnType<BuildConnector>;
  /**
   * Ends the connection, if it is one of TLS, as TLS has it: a BMC keeps a torn one for a minute and more, and has few. Resolves when
   * the BMC has ended it as well, or after a second.
   */
  end(clock: Clock): Promise<void>;
}

/** A line with these options. On a connection that is made when the signal is over already, nothing is sent. */
export function openLine(build: BuildConnector, options: Parameters<BuildConnector>[0], signal: AbortSignal): Line {
  const connector = build(options);
  let last: Socket | null = null;
  return {
    connect: (to, done) =>
      connector(to, (...outcome) => {
        last = outcome[1];
        const over = endOf(signal);
        if (over === null) return done(...outcome);
        last?.destroy();
        done(over, null);
      }),
    async end(clock) {
      const socket = last;
      if (!(socket instanceof TLSSocket) || socket.destroyed) return;
      await new Promise<void>((resolve) => {
        const timer = clock.after(END_LIMIT_MS, resolve);
        socket.once('close', () => {
          timer.cancel();
          resolve();
        });
        socket.end();
      });
    },
  };
}

/** The body of an answer as text. @throws TooLong as soon as it has more than `limitBytes` */
export async function readBody(body: AsyncIterable<Buffer>, limitBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > limitBytes) throw new TooLong();
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** An answer has more bytes than any good one. */
export class TooLong extends Error {}

/** The value of a JSON text of a BMC; undefined if it is none, or has too many parts to be a page: they are counted first. */
export function jsonOf(text: string): unknown {
  if (hasMoreParts(Buffer.from(text), BMC_LIMITS.bmc_page_parts.limit)) return undefined;
  try {
    // Some services begin with a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
