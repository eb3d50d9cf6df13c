/**
 * The places for connections of the gRPC port. Clients have most of them, each address a part; the connection of an attached
 * agent takes none. When clients have taken theirs, a few are left in which an agent can still attach.
 */

import { type LimitRow, OPEN_LIMITS } from '../../core/limits.ts';
import { ByAddress } from './by_address.ts';

/** Who has the place. `spare`: a connection too many, on which an agent may attach and nothing else is served. */
type PlaceKind = 'client' | 'agent' | 'spare';

/** The place of one connection. */
export interface Place {
  readonly kind: PlaceKind;
  /** An agent has attached on it. */
  toAgent(): void;
  /** No agent is attached on it any more: it takes the place of a client, or is one too many. */
  toClient(): void;
  /** The connection has ended. */
  leave(): void;
}

/** The places of one conductor. */
export class ConnectionPlaces {
  readonly #taken: Readonly<Record<PlaceKind, Tally>>;
  /** How many connections clients may have, in all and from one address. */
  readonly limits: { readonly all: number; readonly ofAddress: number };

  /** @param openFilesLimit how many files the process may open; clients get a quarter of them at most */
  constructor(openFilesLimit: number) {
    const { grpc_connections, grpc_connections_of_address, spare_connections, spare_connections_of_address } =
      OPEN_LIMITS;
    const share = Math.floor(openFilesLimit / 4);
    const all = limitOf(grpc_connections, share);
    const ofAddress = limitOf(grpc_connections_of_address, Math.ceil(share / 2));
    this.limits = { all, ofAddress };
    this.#taken = {
      client: new Tally(all, ofAddress),
      spare: new Tally(spare_connections.limit, spare_connections_of_address.limit),
      agent: new Tally(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
    };
  }

  /** Takes a place for a new connection from an address; null if there is none: it is closed. */
  enter(address: string): Place | null {
    const { client, spare } = this.#taken;
    if (client.hasRoomFor(address)) return this.#placeOf(address, 'client');
    return spare.hasRoomFor(address) ? this.#placeOf(address, 'spare') : null;
  }

  #placeOf(address: string, first: PlaceKind): Place {
    const taken = this.#taken;
    let kind = first;
    let isTaken = true;
    taken[kind].add(address);
    const move = (to: PlaceKind): void => {
      if (!isTaken) return;
      taken[kind].remove(address);
      kind = to;
      taken[kind].add(address);
    };
    return {
      get kind() {
        return kind;
      },
      toAgent: () => move('agent'),
      toClient: () => move(taken.client.hasRoomFor(address) ? 'client' : 'spare'),
      leave() {
        if (isTaken) taken[kind].remove(address);
        isTaken = false;
      },
    };
  }
}

const limitOf = ({ limit }: LimitRow, share: number): number => Math.min(limit, share);

/** How many there are of a kind, in all and from each address. */
class Tally {
  readonly #limit: number;
  readonly #limitOfAddress: number;
  readonly #counts = new ByAddress();

  constructor(limit: number, limitOfAddress: number) {
    this.#limit = limit;
    this.#limitOfAddress = limitOfAddress;
  }

  hasRoomFor(address: string): boolean {
    return this.#counts.all < this.#limit && this.#counts.of(address) < this.#limitOfAddress;
  }

  add(address: string): void {
    this.#counts.add(address, 1);
  }

  remove(address: string): void {
    this.#counts.add(address, -1);
  }
}
