/** The agent: dials its conductor, says what it can do, works, and comes back when the stream breaks. */

import { type Chance, jitter } from '../core/chance.ts';
import { type Channel, openChannel } from '../core/channel.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import { type Cancellation, onAbort, openCancellation, sleep } from '../core/signals.ts';
import { NO_TRACES, type Traces } from '../core/tracing.ts';
import { type Watch, watchOver } from '../core/watch.ts';
import type { Driver } from '../drivers/driver.ts';
import type { AttachRequest, AttachResponse, DriverSessions, Hello, Welcome } from '../gen/countermand/v1/agent.ts';
import type { BmcAccess } from './bmc_access.ts';
import { Epoch } from './epoch.ts';
import { Lease } from './lease.ts';
import { masked } from './masked_driver.ts';
import type { SecretSources } from './secrets.ts';
import { describeDriver } from './wire.ts';
import { Work } from './work.ts';

/** One stream to the conductor: what we say goes in, what it says comes out, until either ends or the signal is aborted. */
export type Attach = (outgoing: AsyncIterable<AttachRequest>, signal: AbortSignal) => AsyncIterable<AttachResponse>;

/** What an agent logs with. */
interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What an agent is made from. */
export interface AgentParts {
  readonly attach: Attach;
  readonly drivers: readonly Driver[];
  /** A name for people, usually the host's. */
  readonly name: string;
  readonly zones: readonly string[];
  /** It lives in the conductor's process. */
  readonly embedded: boolean;
  readonly secrets: SecretSources;
  /** Where it may go, and with which secrets; anywhere if left out. */
  readonly bmcAccess?: BmcAccess | null;
  /** Rest between two commands to one BMC; null: as the driver says. */
  readonly minCommandIntervalMs: number | null;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: AgentLog;
  /** One of several conductors leads, and another one soon after it has gone. */
  readonly severalConductors?: boolean;
  /** For how long the conductor of the same process certainly leads, in milliseconds; absent: as long as it speaks. */
  readonly leadsForMs?: (() => number) | undefined;
  /** Where spans go; nowhere if left out. */
  readonly traces?: Traces;
  /** Told each time a conductor has welcomed the agent. */
  readonly attached?: () => void;
}

/** The wait before the next attempt doubles from the first to the last of these. */
const BACK_OFF_MS = { first: 250, last: 15_000, lastOfSeveral: 1000 };
/** How long the agent waits at most for the conductor to end the stream after the farewell. */
const FAREWELL_MS = 2000;
/** After this the conductor is taken to be gone, whatever the transport says, until it has said how long the lease is. */
const LEASE_BEFORE_WELCOME_MS = 15_000;

/**
 * Runs an agent until `shutdown` is aborted; resolves when it has stopped sending and has said farewell. Power tasks
 * survive a broken stream: their hardware is watched on, and the next conductor is told how they stand.
 */
export async function runAgent(parts: AgentParts, shutdown: AbortSignal): Promise<void> {
  const agent = new Agent(parts, shutdown);
  await agent.run();
}

class Agent {
  readonly #parts: AgentParts;
  readonly #shutdown: AbortSignal;
  readonly #lease: Lease;
  readonly #epoch: Epoch;
  /** A stream is given up after this long without a message. */
  #silenceLimitMs = LEASE_BEFORE_WELCOME_MS;
  readonly #work: Work;
  readonly #hello: Hello;
  #outgoing: Channel<AttachRequest> | null = null;
  #backOffMs = BACK_OFF_MS.first;

  constructor(parts: AgentParts, shutdown: AbortSignal) {
    const { drivers, secrets, minCommandIntervalMs, clock, chance, name, zones, embedded } = parts;
    this.#parts = parts;
    this.#shutdown = shutdown;
    this.#lease = new Lease(clock, parts.leadsForMs);
    this.#epoch = new Epoch(clock);
    const say = (message: NonNullable<AttachRequest['message']>): void => this.#outgoing?.push({ message });
    this.#work = new Work({
      drivers: drivers.map(masked),
      secrets,
      bmcAccess: parts.bmcAccess ?? null,
      minCommandIntervalMs,
      lease: this.#lease,
      clock,
      shutdown,
      spans: { traces: parts.traces ?? NO_TRACES, clock, chance },
      say,
    });
    this.#hello = {
      agentUuid: chance.uuid(),
      name,
      zones: [...zones],
      drivers: drivers.map(describeDriver),
      embedded,
    };
  }

  async run(): Promise<void> {
    const { log, clock, chance, name } = this.#parts;
    while (!this.#shutdown.aborted) {
      try {
        await this.#serve();
      } catch (thrown) {
        if (!this.#shutdown.aborted)
          log.warn({ agent: name, reason: asCountermandError(thrown).message }, 'not attached');
      }
      this.#outgoing = null;
      await sleep(jitter(this.#backOffMs, 0.3, chance), clock, this.#shutdown).catch(() => {});
      const { last, lastOfSeveral } = BACK_OFF_MS;
      this.#backOffMs = Math.min(this.#backOffMs * 2, this.#parts.severalConductors ? lastOfSeveral : last);
    }
    await this.#work.settled();
    for (const driver of this.#parts.drivers) driver.close();
  }

  /** One stream, from hello to its end. */
  async #serve(): Promise<void> {
    const cancellation = openCancellation([]);
    const outgoing = openChannel<AttachRequest>(cancellation.signal);
    const unlink = onAbort(this.#shutdown, () => void this.#leave(outgoing, cancellation));
    this.#lease.setLength(LEASE_BEFORE_WELCOME_MS);
    // Where another conductor may lead soon, one that says nothing is not waited for longer than it was before.
    if (!this.#parts.severalConductors) this.#silenceLimitMs = LEASE_BEFORE_WELCOME_MS;
    this.#lease.renew();
    const contact = this.#watchContact(cancellation);
    outgoing.push({ message: { $case: 'hello', value: this.#hello } });
    let welcome: Welcome | null = null;
    try {
      for await (const { message } of this.#parts.attach(outgoing, cancellation.signal)) {
        if (message?.$case === 'welcome') welcome = message.value;
        // What a process finds that was frozen may be as old as its sleep, and its timers may not have run yet.
        if (this.#restOfSilenceMs <= 0) throw this.#silence();
        if (welcome !== null) this.#refuseOlder(welcome);
        this.#lease.renew();
        if (message?.$case === 'welcome')
          this.#welcomed(message.value, outgoing, { contact, signal: cancellation.signal });
        else if (message) this.#work.take(message);
      }
    } finally {
      unlink();
      cancellation.abort(fail('ATTACHMENT_ENDED', 'the stream to the conductor ended'));
      this.#lease.detach();
      this.#work.detached();
      cancellation.end();
    }
  }

  /** @throws ATTACHMENT_ENDED for a conductor that led before one that was heard: it has not noticed yet that it leads no more */
  #refuseOlder({ epoch, agentLeaseMs }: Welcome): void {
    if (this.#epoch.admits(epoch, agentLeaseMs)) return;
    throw fail('ATTACHMENT_ENDED', `a conductor of the older epoch ${epoch} has spoken: it is not listened to`);
  }

  #welcomed(
    welcome: Welcome,
    outgoing: Channel<AttachRequest>,
    { contact, signal }: { readonly contact: Watch; readonly signal: AbortSignal },
  ): void {
    const { clock, log, name } = this.#parts;
    this.#outgoing = outgoing;
    this.#backOffMs = BACK_OFF_MS.first;
    this.#lease.setLength(welcome.agentLeaseMs);
    this.#lease.attach();
    this.#silenceLimitMs = welcome.silenceLimitMs || welcome.agentLeaseMs;
    let timer: Timer | null = null;
    const beat = (): void => {
      outgoing.push({ message: { $case: 'heartbeat', value: { sessions: sessionsOf(this.#parts.drivers) } } });
      timer = clock.after(welcome.heartbeatIntervalMs, beat);
      // The first time for the limit, which may have become shorter.
      contact.look();
    };
    beat();
    onAbort(signal, () => timer?.cancel());
    log.info({ agent: name, conductor: welcome.conductorUuid }, 'attached');
    this.#work.reportAll();
    this.#parts.attached?.();
  }

  /** Gives up a stream on which nothing comes any more: the peer may be frozen, or the network cut. */
  #watchContact({ signal, abort }: Cancellation): Watch {
    const giveUp = (): void => abort(this.#silence());
    return watchOver(() => this.#restOfSilenceMs, giveUp, this.#parts.clock, signal);
  }

  get #restOfSilenceMs(): number {
    return this.#silenceLimitMs - this.#lease.silentMs;
  }

  #silence(): CountermandError {
    const seconds = this.#silenceLimitMs / 1000;
    return fail('ATTACHMENT_ENDED', `nothing was heard from the conductor for ${seconds} s`);
  }

  /** Stops, then says farewell, so that another agent may serve the BMCs at once. */
  async #leave(outgoing: Channel<AttachRequest>, cancellation: Cancellation): Promise<void> {
    await this.#work.settled();
    outgoing.push({ message: { $case: 'farewell', value: {} } });
    outgoing.end();
    const giveUp = (): void => cancellation.abort(fail('SHUTTING_DOWN', 'the conductor did not take the farewell'));
    const timer = this.#parts.clock.after(FAREWELL_MS, giveUp);
    onAbort(cancellation.signal, () => timer.cancel());
  }
}

/** The sessions that drivers keep with BMCs. */
const sessionsOf = (drivers: readonly Driver[]): DriverSessions[] =>
  drivers.flatMap(({ name, sessions }) => (sessions === undefined ? [] : [{ driver: name, open: sessions() }]));
