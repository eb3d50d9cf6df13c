/**
 * Looks at the compute services of one cloud now and then: Nova sends no notification of one that goes down by silence. One that is down, or up again, is a
 * cluster event, once, whichever conductor leads meanwhile.
 */
import type { Compute, ComputeService } from '../../compute/compute.ts';
import { asCountermandError } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import { sleep } from '../../core/signals.ts';
import { retry } from '../retry.ts';
import { saveSeenService, seenServices } from '../store/compute_services.ts';
import type { HostNode } from '../store/hosts.ts';
import { type Failing, reportChange, type WatchParts } from './watched.ts';

/** What looks at the services of one cloud. */
export class ServicePoll {
  readonly cloud: string;
  /** Why the cloud gives no answer; null while it does. */
  failing: Failing | null = null;
  /** When it last answered; null if it has not yet. */
  lastAt: number | null = null;
  /** How many services were up, and how many down, when it last answered. */
  seen = { up: 0, down: 0 };
  /** True while an answer is worked on. */
  busy = false;
  readonly #compute: Compute;
  readonly #pollMs: number;
  readonly #parts: WatchParts;

  /** @param pollMs between two looks */
  constructor(compute: Compute, pollMs: number, parts: WatchParts) {
    this.cloud = compute.cloud;
    this.#compute = compute;
    this.#pollMs = pollMs;
    this.#parts = parts;
  }

  /** Looks until `signal` is aborted; then it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { orders, objection } = this.#parts;
    const { clock } = orders.store;
    try {
      while (!signal.aborted) {
        const services = objection() === null ? await this.#ask(signal) : null;
        if (services !== null) await this.#note(services, signal);
        await sleep(this.#pollMs, clock, signal);
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  /** The services; null if the cloud gives no answer, which is logged when it begins, and when it ends. */
  async #ask(signal: AbortSignal): Promise<ComputeService[] | null> {
    const { orders, log } = this.#parts;
    try {
      const services = await this.#compute.services(signal);
      if (this.failing !== null) log.info({ cloud: this.cloud, since: this.failing.since }, 'a cloud answers again');
      this.failing = null;
      this.lastAt = orders.store.clock.now();
      const up = services.filter(({ state }) => state === 'up').length;
      this.seen = { up, down: services.length - up };
      return services;
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message } = asCountermandError(thrown);
      const attempts = (this.failing?.attempts ?? 0) + 1;
      if (attempts === 1) log.warn({ cloud: this.cloud, code, reason: message }, 'a cloud gives no answer');
      this.failing = { since: this.failing?.since ?? orders.store.clock.now(), attempts, message };
      return null;
    }
  }

  async #note(services: readonly ComputeService[], signal: AbortSignal): Promise<void> {
    const { orders, log } = this.#parts;
    const about = { message: 'the compute services of a cloud could not be stored', fields: { cloud: this.cloud } };
    this.busy = true;
    try {
      await retry(() => this.#compare(services), about, { clock: orders.store.clock, log }, signal);
    } finally {
      this.busy = false;
    }
  }

  /** What is seen for the first time is no change. It is told before it is written: if the process dies between, the id is known. */
  async #compare(services: readonly ComputeService[]): Promise<void> {
    const { clock, database } = this.#parts.orders.store;
    const before = await seenServices(this.cloud, database.read);
    for (const { host, state, forcedDown } of services.filter(isNamed)) {
      const known = before.get(host);
      if (known?.state === state) continue;
      const how = state === 'down' && forcedDown ? 'forced down' : state;
      if (known !== undefined) await this.#tell(host, state, how, known.since);
      await database.write((transaction) =>
        saveSeenService({ cloud: this.cloud, host }, { state, since: clock.now() }, transaction),
      );
    }
  }

  async #tell(host: string, state: ComputeService['state'], how: string, since: number): Promise<void> {
    const change = {
      ...{ cloud: this.cloud, hosts: [host], details: { host, state }, origin: null },
      type: 'service.update' as const,
      reason: `cloud ${this.cloud} shows nova-compute on ${host} as ${how}`,
      messageId: `service-${state}/${since}/${this.cloud}/${host}`.slice(0, SENT_LIMITS.name.limit),
    };
    await reportChange(change, this.#parts, (node) => state === 'up' || !goesDown(node));
  }
}

/** A name that a column takes; another one is no host of a node. */
const isNamed = ({ host }: ComputeService): boolean => /^[\x21-\x7e]{1,200}$/.test(host);

/** Where a node was powered off, its service is down by that; the change of its power state was told already. */
const goesDown = ({ goodPowerState, targetPowerState }: HostNode): boolean =>
  goodPowerState === 'power off' || targetPowerState === 'power off' || targetPowerState === 'soft power off';
