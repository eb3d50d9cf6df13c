/**
 * Another conductor in the place of one that has gone or does not lead: calls that certainly did nothing are made again, and so are those
 * that can be made twice, such as readings, and orders with a request_id.
 */
import type { Channel, ClientMiddleware } from 'nice-grpc';
import type { Clock } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import { openCancellation, sleep } from '../../core/signals.ts';
import { addressesIn, isAddress } from './address.ts';

/** After a round in which no conductor led. */
const ROUND_MS = 500;
/** How long a command waits for a conductor that leads. */
const WAIT_MS = 15_000;

/** A list that conductors make longer ends here. */
const MOST_ADDRESSES = 16;

/** The conductors that may be asked, of which one is. */
export class Conductors {
  readonly addresses: string[];
  readonly #open: (address: string) => Channel;
  readonly #channels = new Map<string, Channel>();
  #at = 0;

  /** @param open a channel to one of them, which connects at the first call */
  constructor(addresses: readonly string[], open: (address: string) => Channel) {
    this.addresses = [...addresses];
    this.#open = open;
  }

  /** A conductor that ends names others: they may be asked as well, after those that are known. */
  learn(addresses: readonly string[]): void {
    for (const address of addresses)
      if (!this.addresses.includes(address) && this.addresses.length < MOST_ADDRESSES) this.addresses.push(address);
  }

  /** The one that is asked now. */
  get address(): string {
    return this.addresses[this.#at] ?? '';
  }

  /** From now on the next one is asked. */
  turn(): void {
    this.#at = (this.#at + 1) % this.addresses.length;
  }

  /** A channel to whichever is asked at each call. */
  get channel(): Channel {
    const now = (): Channel => {
      const { address } = this;
      const channel = this.#channels.get(address) ?? this.#open(address);
      this.#channels.set(address, channel);
      return channel;
    };
    return new Proxy({} as Channel, {
      get(_, name) {
        const channel = now();
        const value = Reflect.get(channel, name);
        return typeof value === 'function' ? value.bind(channel) : value;
      },
    });
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }
}

/** What decides whether a call is made again. */
interface Retrying {
  readonly conductors: Conductors;
  readonly clock: Clock;
  /** True if the error proves that nothing was sent. */
  readonly provesUnsent: (error: CountermandError) => boolean;
  /** True for an address that was not typed, to which may be sent what is sent. */
  readonly mayLearn: (address: string) => boolean;
}

/** By these ends a call that a conductor had begun. */
const BROKEN: readonly string[] = ['CONDUCTOR_UNREACHABLE', 'SHUTTING_DOWN', 'LEADERSHIP_LOST'];

/** A call that only reads. */
const READS = /^(Get|List|Watch|Explain|Preview|Subscribe)/;

const nameOf = (path: string): string => path.split('/').at(-1) ?? '';

/** A request that is made again after its stream broke; null if that could do something twice. */
function again(path: string, request: unknown, last: unknown): unknown {
  const name = nameOf(path);
  if (name === 'Subscribe') {
    const sequence = (last as { event?: { sequence: bigint } } | undefined)?.event?.sequence;
    return sequence === undefined ? request : { ...(request as object), fromSequence: sequence + 1n };
  }
  if (READS.test(name)) return request;
  return (request as { requestId?: string }).requestId ? request : null;
}

/** How long others are asked, and how many were in this round. */
class Search {
  readonly #retrying: Retrying;
  #asked = 0;
  #someAnswer = false;
  /** It begins when a call has failed: a stream may have been silent for long before that. */
  #until: number | null = null;

  constructor(retrying: Retrying) {
    this.#retrying = retrying;
  }

  /** Whoever answers, leads: the next search begins anew. */
  answered(): void {
    this.#asked = 0;
    this.#until = null;
  }

  /** True if a call that ended like this must be made again; then the next conductor is asked, after a rest where it was the last of a round. */
  async goesOn(error: CountermandError, signal: AbortSignal): Promise<boolean> {
    const { conductors, clock, provesUnsent } = this.#retrying;
    this.#someAnswer ||= !provesUnsent(error);
    this.#asked += 1;
    const now = clock.monotonic();
    this.#until ??= now + WAIT_MS;
    const isRound = this.#asked >= conductors.addresses.length;
    if (signal.aborted || now >= this.#until || (isRound && !this.#someAnswer)) return false;
    conductors.turn();
    if (!isRound) return true;
    this.#asked = 0;
    await sleep(ROUND_MS, clock, signal);
    return true;
  }
}

/** True if the call that ended like this has done nothing. */
const didNothing = (error: CountermandError, { provesUnsent }: Retrying): boolean =>
  error.code === 'NOT_LEADING' || provesUnsent(error);

/** The request with which a call is made again; null if it must not be. */
function nextRequest(error: CountermandError, { path, request, last }: Asked, retrying: Retrying): unknown {
  const unsent = didNothing(error, retrying);
  if (unsent && last === undefined) return request;
  const others = retrying.conductors.addresses.length > 1;
  const broke = BROKEN.includes(error.code) && (others || error.code === 'LEADERSHIP_LOST');
  return unsent || broke ? again(path, request, last) : null;
}

/** The conductors that one which ends names. */
const namedBy = ({ details }: CountermandError): string[] =>
  addressesIn(details.facts?.conductors ?? '').filter((address) => isAddress(address));

/**
 * Why an order is given up that has been made again: the last try has done nothing, and says so, but one before it was broken off.
 * @param accepted that one had been answered
 */
function inDoubt({ code, message }: CountermandError, accepted: boolean, last: CountermandError): CountermandError {
  const what = accepted
    ? 'what was accepted goes on when one does'
    : 'whether the order was accepted is not known: look before it is given again';
  return fail(code, `${message}; no conductor that leads has been reached since; ${what}`, last);
}

/** A call as it was made last. */
interface Asked {
  readonly path: string;
  readonly request: unknown;
  /** What it has answered last. */
  readonly last: unknown;
}

/**
 * Makes calls again, at another conductor or at the same one when that may lead later, for 15 s from the first that failed. With one address, a conductor that is
 * not there is not waited for.
 */
export function askOthers(retrying: Retrying): ClientMiddleware {
  return async function* ask(call, options) {
    const signal = options.signal ?? openCancellation([]).signal;
    const search = new Search(retrying);
    let { request } = call;
    let last: unknown;
    let brokenOff: CountermandError | null = null;
    for (;;) {
      const answers = call.next(request as never, options);
      try {
        for (;;) {
          const next = await answers.next();
          if (next.done) return next.value;
          last = next.value;
          search.answered();
          yield next.value;
        }
      } catch (thrown) {
        const error = asCountermandError(thrown);
        if (error.code === 'SHUTTING_DOWN') retrying.conductors.learn(namedBy(error).filter(retrying.mayLearn));
        const { path } = call.method;
        const repeated = nextRequest(error, { path, request, last }, retrying);
        if (repeated === null || !(await search.goesOn(error, signal))) {
          if (brokenOff === null || READS.test(nameOf(path)) || !didNothing(error, retrying)) throw thrown;
          throw inDoubt(brokenOff, last !== undefined, error);
        }
        if (!didNothing(error, retrying)) brokenOff ??= error;
        request = repeated as never;
      } finally {
        await answers.return(undefined as never).catch(() => {});
      }
    }
  };
}
