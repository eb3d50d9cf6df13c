/** What the drivers that speak HTTP share: where a connection goes, whom it trusts, and how much is read from it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isIPv6, type LookupFunction, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';

/** Connections go to this address, whatever the resolver of the system says; the name is still what a certificate is for. */
export function pinnedTo(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, found) => (options.all ? found(null, [{ address, family }]) : found(null, address, family));
}

/** Which certificates a connection accepts. */
interface Trust {
  readonly rejectUnauthorized: boolean;
  readonly ca?: Buffer[];
}

/**
 * The certificates that a `verify_ca` value accepts. They are read each time: a new file is used without a restart.
 * @param verify `true`, `false`, or the path of a PEM file or of a folder of them
 * @param key the key of driver_info that has the value
 * @throws DRIVER_INFO_INVALID if the path cannot be read
 */
export function trustOf(verify: string, key: string): Trust {
  if (verify === 'true' || verify === 'false') return { rejectUnauthorized: verify === 'true' };
  try {
    const files = statSync(verify).isDirectory() ? readdirSync(verify).map((name) => join(verify, name)) : [verify];
    return {
      rejectUnauthorized: true,
      ca: files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file)),
    };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw fail('DRIVER_INFO_INVALID', `driver_info.${key}: the agent cannot read ${verify} (${reason})`, error);
  }
}

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

/** A line with these options. */
export function openLine(build: BuildConnector, options: Parameters<BuildConnector>[0]): Line {
  const connector = build(options);
  let last: Socket | null = null;
  return {
    connect: (to, done) =>
      connector(to, (...outcome) => {
        last = outcome[1];
        done(...outcome);
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
