/**
 * What stands behind the ports: the services of a conductor while it leads, and otherwise a refusal that says who does. Conductors
 * come and go, each with its memory; the ports and their clients stay.
 */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { CountermandError } from '../../core/errors.ts';
import { NO_TRACES, type Traces } from '../../core/tracing.ts';
import type { Conductor } from '../conductor.ts';
import type { Log } from '../log.ts';
import { MetricRegistry } from '../metrics/registry.ts';
import { isOpenToAll } from './calls.ts';
import { type Elsewhere, SERVED, type Services } from './services.ts';

/** A conductor while it leads. */
interface Term {
  readonly conductor: Conductor;
  readonly services: Services;
  /** Why nothing that it says can be believed any more; null while it leads. It is asked at the begin of each call. */
  readonly objection: () => CountermandError | null;
}

/** What does not end with a conductor. */
interface FrontParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly chance: Chance;
  /** What this process counts, whoever leads. */
  readonly registry?: MetricRegistry;
  readonly traces?: Traces;
}

type Implementation = Readonly<Record<string, (request: unknown, context: unknown) => unknown>>;
type Methods = Readonly<Record<string, { readonly responseStream: boolean }>>;

/** Whoever serves the calls of one process. */
export class Front {
  readonly log: Log;
  readonly clock: Clock;
  /** The services of whoever leads. While this process does not, they refuse. */
  readonly services: Services;
  readonly chance: Chance;
  readonly #registry: MetricRegistry;
  readonly #traces: Traces;
  #now: Term | Elsewhere;
  readonly #listeners: ((term: Term | null) => void)[] = [];

  constructor(parts: FrontParts, elsewhere: Elsewhere) {
    const { log, clock, chance, registry = new MetricRegistry(), traces = NO_TRACES } = parts;
    this.#registry = registry;
    this.#traces = traces;
    this.log = log;
    this.clock = clock;
    this.chance = chance;
    this.#now = elsewhere;
    this.services = this.#delegating();
  }

  /** From now on this conductor serves. */
  lead(term: Term): void {
    this.#now = term;
    this.#registry.set('countermand_leading', [[{}, 1]]);
    for (const tell of this.#listeners) tell(term);
  }

  /** From now on nothing is served here. */
  standBy(elsewhere: Elsewhere): void {
    this.#now = elsewhere;
    this.#registry.forgetGauges();
    this.#registry.set('countermand_leading', [[{}, 0]]);
    for (const tell of this.#listeners) tell(null);
  }

  /** Calls `tell` now and at each change with the conductor that serves, or null. */
  onChange(tell: (term: Term | null) => void): void {
    this.#listeners.push(tell);
    tell('conductor' in this.#now ? this.#now : null);
  }

  /** Who serves now. @throws why no conductor does */
  get term(): Term {
    const elsewhere = this.elsewhere();
    if (elsewhere === null && 'conductor' in this.#now) return this.#now;
    throw elsewhere?.error;
  }

  /** Why calls are not served here; null while they are. */
  elsewhere(): Elsewhere | null {
    if (!('conductor' in this.#now)) return this.#now;
    const error = this.#now.objection();
    return error === null ? null : { error, grpc: null, http: null };
  }

  #delegating(): Services {
    const { log, clock, chance } = this;
    const term = (): Term => this.term;
    const each = Object.entries(SERVED).map(([key, { methods }]) => {
      const now = () => term().services[key as keyof typeof SERVED] as unknown as Implementation;
      return [key, delegatesOf(methods, now)];
    });
    return {
      ...(Object.fromEntries(each) as Pick<Services, keyof typeof SERVED>),
      // Whether a conductor serves can be asked of one that does not.
      hold: (call) => (isOpenToAll(call.method.path) ? undefined : term().services.hold(call)),
      identify: async (credentials) => term().services.identify(credentials),
      notReady: () => this.elsewhere()?.error ?? term().services.notReady(),
      readiness: async () => {
        const elsewhere = this.elsewhere();
        if (elsewhere !== null) throw elsewhere.error;
        return term().services.readiness();
      },
      elsewhere: () => this.elsewhere(),
      isRecent: (at) => term().services.isRecent(at),
      // Of a process that does not lead, there is only the process to tell.
      metrics: (identity) => (this.elsewhere() === null ? term().services.metrics(identity) : this.#registry.text()),
      ...{ log, clock, chance, registry: this.#registry, traces: this.#traces },
    };
  }
}

/** Each method of a service, as that of whoever serves when it is called. */
function delegatesOf(methods: Methods, now: () => Implementation): object {
  const delegates = Object.entries(methods).map(([name, { responseStream }]) => {
    const call = (request: unknown, context: unknown): unknown => now()[name]?.(request, context);
    return [name, responseStream ? call : async (request: unknown, context: unknown) => call(request, context)];
  });
  return Object.fromEntries(delegates);
}
