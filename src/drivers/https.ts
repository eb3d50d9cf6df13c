/** What the drivers that speak HTTP share: where a connection goes, whom it trusts, and how much is read from it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isIPv6, type LookupFunction } from 'node:net';
import { join } from 'node:path';
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
