/** Who sends a request, and whether a browser was led to send it. */

import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { certificateOf } from '../server/access/certificate.ts';
import { type Credentials, ON_BEHALF_OF } from '../server/access/identity.ts';
import { Refusal } from './errors.ts';

/** What clients of OpenStack send as a token when they were told to send none (`--os-auth-type none`). */
const NO_TOKEN = 'notused';

/** The credentials of a request. The token `notused` is none. */
export function credentialsOf(headers: Headers, socket: Socket): Credentials {
  const token = headers.get('x-auth-token');
  return {
    authorization: headers.get('authorization'),
    token: token === NO_TOKEN ? null : token,
    certificate: certificateOf(socket),
    peer: socket.remoteAddress ?? '',
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
