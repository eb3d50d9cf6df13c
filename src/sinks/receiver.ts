/** Where receivers are: the addresses of their names, of which only those are used that may be reached. */
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { DeliveryFailure, type OutletParts } from '../core/outlets.ts';
import { pinnedTo } from '../core/pinned.ts';

type Objection = OutletParts['objection'];

/** @throws DeliveryFailure if the host is an IP address that may not be reached. Names are looked at when they are looked up. */
export function refuseAddress(host: string, isPlain: boolean, objection: Objection): void {
  const why = isIP(host) === 0 ? null : objection(host, host, isPlain);
  if (why !== null) throw new DeliveryFailure(why);
}

/** The same for a URL, whose scheme says whether it is plaintext. Nothing is said of what is none. */
export function refusePlaceOf(url: string, objection: Objection): void {
  if (!URL.canParse(url)) return;
  const { protocol, hostname } = new URL(url);
  refuseAddress(hostname.replace(/^\[|\]$/g, ''), protocol === 'http:' || protocol === 'amqp:', objection);
}

/** Looks a name up for each new connection, and answers the first address that may be reached. */
export function allowedLookup(isPlain: boolean, objection: Objection): LookupFunction {
  return (host, options, found) => {
    firstAllowed(host, isPlain, objection).then(
      (address) => pinnedTo(address)(host, options, found),
      (error: Error) => found(error, '', 0),
    );
  };
}

async function firstAllowed(host: string, isPlain: boolean, objection: Objection): Promise<string> {
  let refused: string | null = null;
  for (const { address } of await lookup(host, { all: true })) {
    const why = objection(host, address, isPlain);
    if (why === null) return address;
    refused ??= why;
  }
  throw new DeliveryFailure(refused ?? `${host} has no address`);
}
