/** Where BMCs are: the addresses of their names, looked up again for every order. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { openCancellation, untilAborted } from '../core/signals.ts';
import { normalForm } from './address.ts';
import { objectionAt } from './bounds.ts';

/**
 * Answers every IP address of a host name, at least one.
 * @throws an Error with a `code` if there is none
 */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** The resolver of the system. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Whether a name must be looked up now, or may be where it was a short while ago. */
export type LookupAge = 'anew' | 'recent';

/** A reading may go to an address that was looked up this long ago. An order never does. */
const RECENT_MS = 30_000;
/** How long a resolver may take. */
const LOOKUP_LIMIT_MS = 5000;
/** How many names are remembered: more than one agent has BMCs. */
const NAMES_LIMIT = 50_000;

interface Known {
  readonly address: string;
  readonly at: number;
}

/** Looks names up, and stays with an address as long as the name has it. */
export class Lookups {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(resolver: Resolver, clock: Clock) {
    this.#resolver = resolver;
    this.#clock = clock;
  }

  /**
   * The IP address of a host, in normal form. Of several, the one that was answered before.
   * @throws the resolver's error, with its `code`; TOOK_TOO_LONG after 5 s; the reason of the abort, at once
   */
  async find(host: string, age: LookupAge, signal: AbortSignal): Promise<string> {
    if (isIP(host) !== 0) return normalForm(host);
    const known = this.#known.get(host);
    const now = this.#clock.monotonic();
    if (known && age === 'recent' && now - known.at < RECENT_MS) return known.address;
    const addresses = (await this.#ask(host, signal)).map(normalForm);
    const [first] = addresses;
    if (first === undefined) throw Object.assign(new Error(`${host} has no address`), { code: 'ENODATA' });
    const address = known && addresses.includes(known.address) ? known.address : first;
    this.#remember(host, { address, at: this.#clock.monotonic() });
    return address;
  }

  /**
   * As `find`, for a BMC.
   * @param key the key of driver_info that the host stands in
   * @param info the driver_info, which may be bound to some addresses
   * @throws BMC_NAME_UNKNOWN; BMC_OUT_OF_BOUNDS; the reason of the abort, at once
   */
  async findBmc(host: string, key: string, info: object, age: LookupAge, signal: AbortSignal): Promise<string> {
    const address = await this.#findOf(host, key, age, signal);
    const objection = objectionAt(info, address);
    if (objection !== null) throw objection;
    return address;
  }

  async #findOf(host: string, key: string, age: LookupAge, signal: AbortSignal): Promise<string> {
    try {
      return await this.find(host, age, signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
      const sentence = `no address can be found for the BMC ${host} (${why}); check ${key}, or give the IP address itself`;
      throw fail('BMC_NAME_UNKNOWN', sentence, error);
    }
  }

  async #ask(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const limit = { clock: this.#clock, afterMs: LOOKUP_LIMIT_MS, what: `the lookup of ${host}` };
    const cancellation = openCancellation([signal], limit);
    try {
      return await untilAborted(this.#resolver(host), cancellation.signal);
    } finally {
      cancellation.end();
    }
  }

  #remember(host: string, known: Known): void {
    this.#known.delete(host);
    this.#known.set(host, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > NAMES_LIMIT && oldest !== undefined) this.#known.delete(oldest);
  }
}
