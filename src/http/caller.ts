/** Who sends a request, and whether a browser was led to send it. */

import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { failAt } from '../core/errors.ts';
import { certificateOf } from '../server/access/certificate.ts';
import { type Credentials, ON_BEHALF_OF } from '../server/access/identity.ts';
import { Refusal } from './errors.ts';

/** What clients of OpenStack send as a token when they were told to send none (`--os-auth-type none`). */
const NO_TOKEN = 'notused';

/** A request as it came in: `Headers` join what is sent twice with a comma, and `headers` of Node.js drop some of it. */
export interface Sent {
  readonly socket: Socket;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** Each of these stands for one value, which says who calls, for whom, or which request it is. */
const ONCE = /^(authorization|x-auth-token|host|origin|idempotency-key|x-(.+-)?request-id|countermand-.+)$/;

/** Refuses a request of which it is not sure who sends it. @throws ARGUMENT_INVALID naming the header that is sent twice */
function refuseTwice({ rawHeaders }: Sent): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase();
    if (!ONCE.test(name)) continue;
    if (seen.has(name))
      throw failAt('ARGUMENT_INVALID', name, `${name} is sent twice; which one counts is not guessed: send it once`);
    seen.add(name);
  }
}

/** The credentials of a request. The token `notused` is none. @throws ARGUMENT_INVALID for a header that is sent twice, or two that say who calls */
export function credentialsOf(headers: Headers, sent: Sent): Credentials {
  refuseTwice(sent);
  const [authorization, said] = [headers.get('authorization'), headers.get('x-auth-token')];
  const token = said === NO_TOKEN ? null : said;
  if (authorization !== null && token !== null)
    throw failAt(
      'ARGUMENT_INVALID',
      'x-auth-token',
      'Authorization and X-Auth-Token are both sent; which one counts is not guessed: send one of the two',
    );
  return {
    authorization,
    token,
    certificate: certificateOf(sent.socket),
    peer: sent.socket.remoteAddress ?? '',
    onBehalfOf: headers.get(ON_BEHALF_OF),
  };
}

/**
 * Refuses what a foreign page makes a browser send. Such a request says where it comes from; and a page whose name leads
 * to a loopback address is told by the name, because no other client uses one for it.
 * @param onLoopback the door listens on a loopback address only
 * @throws Refusal with 403
 */
export function refuseStrangers(headers: Headers, onLoopback: boolean): void {
  const host = headers.get('host') ?? '';
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (onLoopback && name !== '' && name !== 'localhost' && isIP(name) === 0)
    throw new Refusal(403, `Host is ${name.slice(0, 255)}; this door is reached as localhost or by an IP address`);
  const origin = headers.get('origin');
  if (origin !== null && hostOf(origin) !== host)
    throw new Refusal(403, `Origin is ${origin.slice(0, 255)}; pages of other sites may send nothing here`);
}

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null);
