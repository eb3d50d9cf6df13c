/** A pretended Redfish service: its Systems, who may log in, and what was ordered. It has no sockets and no timers. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { SimHost } from '../host.ts';
import { HEALTHY_REDFISH, type RedfishFaults } from './faults.ts';
import type { Tree } from './trees.ts';

/** One System. */
export interface SimSystem {
  readonly id: string;
  readonly host: SimHost;
  readonly uuid: string;
  /** It has the action Reset. The second System of some GPU servers has not. */
  readonly hasReset: boolean;
  /** Its page is answered with 503, as some are while the host is off. */
  readonly away?: boolean;
}

/** A Reset that came in, logged in. */
interface ReceivedReset {
  readonly system: string;
  readonly resetType: string;
  readonly ifMatch: string | null;
  /** It was carried out. */
  readonly done: boolean;
}

interface Session {
  readonly token: string;
  readonly until: number;
  usesLeft: number;
}

interface Passing {
  readonly word: 'PoweringOn' | 'PoweringOff';
  readonly until: number;
}

/** How long an account stays locked, as with OpenBMC. */
const LOCK_MS = 300_000;

/** What a service is made of. */
interface SimRedfishParts {
  readonly systems: readonly SimSystem[];
  readonly login: { readonly username: string; readonly password: string };
  readonly clock: Clock;
  readonly chance: Chance;
  /** Its pages are these, with the power state of its servers; null for pages of our own. */
  readonly tree: Tree | null;
}

/** One service. */
export class SimRedfish {
  readonly parts: SimRedfishParts;
  faults: RedfishFaults = HEALTHY_REDFISH;
  /** Every Reset that came in, in order; also those that were refused. */
  readonly received: ReceivedReset[] = [];
  /** How often a login was refused. */
  refusedLogins = 0;
  /** How many sessions were opened, and how many of them were ended by who opened them. */
  readonly sessionCounts = { opened: 0, deleted: 0 };
  /** When the last Reset came in, as a page writes it. */
  lastResetAt = '1970-01-01T00:00:00Z';
  /** The open sessions, by their numbers. */
  readonly #sessions = new Map<string, Session>();
  /** What Systems show for a while because of an order without effect. */
  readonly #passing = new Map<SimSystem, Passing>();
  #resets = 0;
  /** Refused logins since the last good one, and until when all are refused. */
  #refused = { count: 0, lockedUntil: Number.NEGATIVE_INFINITY };

  constructor(parts: SimRedfishParts) {
    this.parts = parts;
  }

  system(id: string): SimSystem | undefined {
    return this.parts.systems.find((system) => system.id === id);
  }

  /** The Resets that were carried out. */
  get done(): readonly ReceivedReset[] {
    return this.received.filter(({ done }) => done);
  }

  get openSessions(): number {
    return this.#sessions.size;
  }

  /** Counts what comes in, and carries it out if `done`. */
  receive(system: SimSystem, resetType: string, ifMatch: string | null, done: boolean): void {
    this.received.push({ system: system.id, resetType, ifMatch, done });
    this.#resets += 1;
    this.lastResetAt = new Date(this.parts.clock.now()).toISOString();
    if (done) this.#carryOut(system, resetType);
  }

  /** The ETag of all Systems: it changes with each Reset. */
  get etag(): string {
    return `W/"${this.#resets + 1}"`;
  }

  /** The Chassis of a System that has been off for less than the lag still says On. */
  isChassisOn({ host }: SimSystem): boolean {
    return host.power === 'power on' || host.offForMs < this.faults.chassisLagMs;
  }

  /** @returns null if no session is left */
  openSession(): { id: string; token: string } | null {
    this.#expire();
    if (this.#sessions.size >= this.faults.maxSessions) return null;
    this.sessionCounts.opened += 1;
    const id = String(this.sessionCounts.opened);
    const token = this.parts.chance.bytes(16).toString('hex');
    const { sessionMs, sessionUses } = this.faults;
    this.#sessions.set(id, { token, until: this.#now + sessionMs, usesLeft: sessionUses });
    return { id, token };
  }

  /** True if a request with this token is let in. It counts as a use of the session. */
  useSession(token: string): boolean {
    this.#expire();
    const session = [...this.#sessions.values()].find((each) => each.token === token);
    if (session !== undefined) session.usesLeft -= 1;
    return session !== undefined;
  }

  /** True if user and password are right, and the account is not locked. A refusal counts. */
  logIn(username: string | null, password: string | null): boolean {
    const { login } = this.parts;
    const isRight = username === login.username && password === login.password;
    const isLocked = this.#now < this.#refused.lockedUntil;
    if (isRight && !isLocked) this.#refused.count = 0;
    else this.#noteRefusal();
    return isRight && !isLocked;
  }

  /** What a System shows for a while although nothing happens; null if it does not. */
  passingOf(system: SimSystem): Passing['word'] | null {
    const passing = this.#passing.get(system);
    return passing !== undefined && this.#now < passing.until ? passing.word : null;
  }

  /** @returns false if there is no such session */
  deleteSession(id: string): boolean {
    if (!this.#sessions.delete(id)) return false;
    this.sessionCounts.deleted += 1;
    return true;
  }

  /** Ends all sessions, as a restart of the BMC does. */
  dropSessions(): void {
    this.#sessions.clear();
  }

  get #now(): number {
    return this.parts.clock.monotonic();
  }

  #expire(): void {
    for (const [id, { until, usesLeft }] of this.#sessions)
      if (this.#now >= until || usesLeft <= 0) this.#sessions.delete(id);
  }

  #noteRefusal(): void {
    this.refusedLogins += 1;
    this.#refused.count += 1;
    if (this.#refused.count >= this.faults.locksAfter) this.#refused = { count: 0, lockedUntil: this.#now + LOCK_MS };
  }

  #carryOut(system: SimSystem, resetType: string): void {
    const { host } = system;
    const { softGivesUp, onFallsBackMs } = this.faults;
    this.#passing.delete(system);
    if (resetType === 'GracefulShutdown' && softGivesUp)
      this.#passing.set(system, { word: 'PoweringOff', until: this.#now + host.settings.softMs });
    else if (resetType === 'On' && onFallsBackMs !== null && host.power === 'power off')
      this.#passing.set(system, { word: 'PoweringOn', until: this.#now + onFallsBackMs });
    else if (resetType === 'On' && !(host.power === 'power off' && this.isChassisOn(system))) host.setPower('power on');
    else if (resetType === 'ForceOff') host.setPower('power off');
    else if (resetType === 'ForceRestart' || resetType === 'PowerCycle') host.reset();
    else if (resetType === 'GracefulShutdown') host.stopSoftly(false);
    else if (resetType === 'GracefulRestart') host.stopSoftly(true);
    else if (resetType === 'Nmi') host.injectNmi();
  }
}
