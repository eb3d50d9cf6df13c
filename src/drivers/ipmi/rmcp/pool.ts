/**
 * Clients of many BMCs: sessions are kept between commands, and kept alive; how many there are at a time is bounded, and all
 * of them are looked after by one timer.
 */
import { isIP } from 'node:net';
import { Client, type Endpoint } from './client.ts';
import type { Command } from './commands.ts';
import type { Login, RandomBytes } from './opening.ts';
import { RmcpError } from './rmcp_error.ts';
import { safely } from './safely.ts';
import { DEFAULT_PATIENCE, type SessionPatience } from './session.ts';
import type { RmcpClock, Transport } from './transport.ts';

/** How a pool uses sessions. */
export interface PoolLimits {
  /** How many sessions are open at a time, each with a socket; who needs one more waits for one that is not in use. */
  readonly maxSessions: number;
  /** A session that has been idle for this long is closed; 0 keeps none. */
  readonly keepSessionMs: number;
  /** A BMC that has said nothing for this time is asked something harmless, before it lets go of the session. */
  readonly keepAliveMs: number;
  /** A session older than this is closed, also one in use every minute: a new one shows which machine is there. */
  readonly maxAgeMs: number;
}

/**
 * BMCs let go of a session after 60 s, give or take 3 (IPMI 2.0 section 6.12.15); some after 30. What is read every two
 * minutes keeps its session.
 */
export const DEFAULT_LIMITS: PoolLimits = {
  maxSessions: 4096,
  keepSessionMs: 180_000,
  keepAliveMs: 20_000,
  maxAgeMs: 600_000,
};

/** What a pool is made from. */
interface PoolParts {
  readonly transport: Transport;
  readonly clock: RmcpClock;
  readonly random: RandomBytes;
  readonly limits?: PoolLimits;
  readonly patience?: SessionPatience;
}

/** The share of its places from which on, once they are taken, the pool notes who is used, to know who was not. */
const SCARCE = 0.5;
/** How long a lookup of a name may take. */
const LOOKUP_LIMIT_MS = 5000;
/** How many times in a keep-alive time all sessions are looked at. */
const LOOKS = 4;

/** A client, and what it logs in with. */
interface Member {
  readonly login: Login;
  readonly client: Client;
}

/** A caller that waits until a session may be opened. */
interface Place {
  readonly enter: () => void;
}

/** Clients of many BMCs. */
export class Pool {
  readonly #parts: PoolParts;
  readonly #limits: PoolLimits;
  /** By IP address and port: however a BMC is spelled, it has one session. */
  readonly #members = new Map<string, Member>();
  /** How many sessions were lost, by host and port. */
  readonly #losses = new Map<string, { count: number }>();
  /** The key that each host name and port had last. */
  readonly #lastKeys = new Map<string, string>();
  /** The keys of members that a name has moved away from: they are closed when their last use ends. */
  readonly #left = new Set<string>();
  /** The keys of those that have a session, or may open one; where room is scarce, in the order of use. */
  readonly #open = new Set<string>();
  readonly #places: Place[] = [];
  #timer: { cancel(): void } | null = null;
  #closed = false;

  constructor(parts: PoolParts) {
    this.#parts = { ...parts, transport: safely(parts.transport) };
    this.#limits = parts.limits ?? DEFAULT_LIMITS;
  }

  /** How many sessions are open or being opened. */
  get sessions(): number {
    return this.#open.size;
  }

  /**
   * Asks a BMC a command, behind those that it was asked before. A host name is looked up first, and a session with an address
   * that the name no longer has is closed.
   * @throws RmcpError; what the command's `check` answers, and the endpoint's `objection`; the reason of the abort, at once
   */
  async run<Answer>(endpoint: Endpoint, command: Command<Answer>, signal: AbortSignal): Promise<Answer> {
    const host = isIP(endpoint.host) === 0 ? await this.#lookUp(endpoint, !command.idempotent, signal) : endpoint.host;
    const objection = endpoint.objection?.(host) ?? null;
    if (objection !== null) throw objection;
    const key = `${host} ${endpoint.port}`;
    // Nothing may come between the last look and the use.
    for (let waited = false; !this.#enter(key, waited); waited = true) await this.#untilRoom(signal);
    return this.#member(key, host, endpoint).client.run(command, signal);
  }

  async #lookUp({ host, port }: Endpoint, anew: boolean, signal: AbortSignal): Promise<string> {
    const address = await this.#resolve(host, anew, signal);
    const name = `${host} ${port}`;
    const key = `${address} ${port}`;
    const last = this.#lastKeys.get(name);
    this.#lastKeys.set(name, key);
    if (last !== undefined && last !== key) this.#moveAwayFrom(last);
    return address;
  }

  #resolve(host: string, anew: boolean, signal: AbortSignal): Promise<string> {
    const { transport, clock } = this.#parts;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const settle = (how: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', leave);
        how();
      };
      const fail = (why: string, cause?: unknown): void =>
        settle(() => reject(new RmcpError('NAME_NOT_FOUND', why, null, { cause })));
      const leave = (): void => settle(() => reject(signal.reason));
      const timer = clock.after(LOOKUP_LIMIT_MS, () => fail(`the lookup took longer than ${LOOKUP_LIMIT_MS / 1000} s`));
      signal.addEventListener('abort', leave, { once: true });
      transport.resolve(host, anew).then(
        (address) => settle(() => resolve(address)),
        (error: unknown) => fail(`the system says ${codeOf(error)}`, error),
      );
    });
  }

  /** A name is somewhere else now. Another name, or the address itself, may still be in use: that gets a new session. */
  #moveAwayFrom(key: string): void {
    if (!this.#members.has(key)) return;
    this.#left.add(key);
    this.#rested(key);
  }

  /** Closes every session; the BMCs are told. Commands that are under way are refused. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    for (const { client } of this.#members.values()) client.close();
    this.#members.clear();
    this.#lastKeys.clear();
    this.#left.clear();
    this.#open.clear();
    for (const { enter } of this.#places.splice(0)) enter();
  }

  #member(key: string, host: string, endpoint: Endpoint): Member {
    if (this.#closed) throw new RmcpError('CLOSED', 'the client was closed');
    const known = this.#members.get(key);
    if (known && sameLogin(known.login, endpoint.login)) return known;
    // Another password is another session.
    known?.client.close('the login of the BMC was changed');
    const { transport, clock, random, patience = DEFAULT_PATIENCE } = this.#parts;
    const { maxAgeMs } = this.#limits;
    const losses = this.#losses.get(key) ?? { count: 0 };
    this.#losses.set(key, losses);
    const client = new Client({ ...endpoint, host }, { transport, clock, random, patience, maxAgeMs, losses });
    const member = { login: endpoint.login, client };
    member.client.onRest = () => this.#rested(key);
    this.#members.set(key, member);
    return member;
  }

  /** Gives this BMC leave to have a session, if there is room. Those that wait already go first. */
  #enter(key: string, waited: boolean): boolean {
    if (this.#closed) return true;
    if (this.#open.has(key)) {
      if (this.#open.size > this.#limits.maxSessions * SCARCE) this.#open.delete(key);
      this.#open.add(key);
      return true;
    }
    const isFull = this.#open.size >= this.#limits.maxSessions;
    if ((this.#places.length > 0 && !waited) || (isFull && !this.#makeRoom())) return false;
    this.#open.add(key);
    this.#watch();
    return true;
  }

  /** Closes the session that was not used for the longest time, if there is an idle one. */
  #makeRoom(): boolean {
    for (const key of this.#open) {
      const client = this.#members.get(key)?.client;
      if (client && !client.idle) continue;
      client?.close();
      this.#leave(key);
      return true;
    }
    return false;
  }

  #untilRoom(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        this.#places.splice(this.#places.indexOf(place), 1);
        reject(signal.reason);
      };
      const place: Place = {
        enter: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#places.push(place);
    });
  }

  /** A client has nothing to do: its place is free if it has no session, and can be taken if another client waits. */
  #rested(key: string): void {
    const client = this.#members.get(key)?.client;
    if (!client?.idle) return;
    if (client.hasSession && (this.#limits.keepSessionMs === 0 || this.#left.has(key))) client.close();
    if (!client.hasSession) this.#leave(key);
    if (this.#places.length > 0) this.#places.shift()?.enter();
  }

  #leave(key: string): void {
    this.#left.delete(key);
    this.#open.delete(key);
    this.#members.delete(key);
  }

  /** One timer for all. */
  #watch(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#parts.clock.after(this.#limits.keepAliveMs / LOOKS, () => {
      this.#timer = null;
      this.#look();
      if (this.#open.size > 0) this.#watch();
    });
  }

  #look(): void {
    const { keepSessionMs, keepAliveMs } = this.#limits;
    for (const key of [...this.#open]) {
      const client = this.#members.get(key)?.client;
      if (!client?.idle) continue;
      if (client.unusedMs >= keepSessionMs || client.isOld) {
        client.close();
        this.#rested(key);
      } else if (client.unheardMs >= keepAliveMs * (1 - 1 / LOOKS)) client.keepAlive();
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
}

function sameLogin(one: Login, other: Login): boolean {
  if (one === other) return true;
  const same = one.privilege === other.privilege && one.cipherSuite === other.cipherSuite;
  const sameKg = one.kg === null ? other.kg === null : other.kg !== null && one.kg.equals(other.kg);
  return same && sameKg && one.username.equals(other.username) && one.password.equals(other.password);
}
