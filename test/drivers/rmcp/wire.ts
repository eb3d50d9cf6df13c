/** BMCs of our simulator behind an in-memory network under a virtual clock. */
import type { Endpoint } from '../../../src/drivers/ipmi/rmcp/client.ts';
import { DEFAULT_LIMITS, Pool, type PoolLimits } from '../../../src/drivers/ipmi/rmcp/pool.ts';
import { DEFAULT_PATIENCE } from '../../../src/drivers/ipmi/rmcp/session.ts';
import type { Hearer, Line, Transport } from '../../../src/drivers/ipmi/rmcp/transport.ts';
import { type HostSettings, QUICK_HOST, SimHost } from '../../../src/sim/host.ts';
import type { SimLogin } from '../../../src/sim/ipmi/bmc_session.ts';
import { SimBmc } from '../../../src/sim/ipmi/sim_bmc.ts';
import { SIM_LOGIN } from '../../counterparts/sim_bmc.ts';
import { seededChance } from '../../world/chance.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

/** Changes what a BMC says, or what is said to it; null is lost. */
export type Tamper = (datagram: Buffer) => Buffer | null;

/** A network with its BMCs. */
export class Wire implements Transport {
  readonly clock = new VirtualClock();
  readonly chance = seededChance(7);
  readonly bmcs = new Map<string, SimBmc>();
  /** How many ways to BMCs are open. */
  lines = 0;
  /** How many datagrams were sent to BMCs. */
  sent = 0;
  /** How long each way takes. */
  latencyMs = 0;
  /** What becomes of an answer. */
  tamper: Tamper = (datagram) => datagram;
  /** Our process does nothing until its timers run: what arrives is not read before. */
  stalled = false;
  readonly #unread: (() => void)[] = [];
  /** Errors of the system, by address. */
  readonly broken = new Map<string, string>();

  /** Adds a BMC at an address. */
  add(address: string, host: Partial<HostSettings> = {}, login: Partial<SimLogin> = {}): SimBmc {
    const { clock, chance } = this;
    const server = new SimHost('power on', { ...QUICK_HOST, ...host }, clock);
    const bmc = new SimBmc({ login: { ...SIM_LOGIN, ...login }, host: server, clock, chance });
    this.bmcs.set(address, bmc);
    return bmc;
  }

  /** A pool of clients on this network. */
  pool(limits: Partial<PoolLimits> = {}): Pool {
    const random = (count: number): Buffer => this.chance.bytes(count);
    const all = { ...DEFAULT_LIMITS, ...limits };
    return new Pool({ transport: this, clock: this.clock, random, limits: all, patience: DEFAULT_PATIENCE });
  }

  async resolve(host: string, _anew: boolean): Promise<string> {
    if (host.endsWith('.invalid')) throw Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
    return host;
  }

  afterArrivals(action: () => void): void {
    for (const arrive of this.#unread.splice(0)) arrive();
    action();
  }

  open(address: string, _port: number, hearer: Hearer): Line {
    let open = true;
    this.lines += 1;
    const later = (action: () => void, ms = this.latencyMs): void => {
      this.clock.after(ms, () => {
        if (open) action();
      });
    };
    return {
      send: (datagram) => {
        this.sent += 1;
        const code = this.broken.get(address);
        if (code) return later(() => hearer.broken(Object.assign(new Error(code), { code })));
        this.clock.after(this.latencyMs, () => {
          for (const { datagram: answer, afterMs } of this.bmcs.get(address)?.receive(datagram) ?? []) {
            const tampered = this.tamper(answer);
            const arrive = (): void => hearer.datagram(tampered as Buffer);
            const read = (): unknown => (this.stalled ? this.#unread.push(arrive) : arrive());
            if (tampered !== null) later(read, this.latencyMs + afterMs);
          }
        });
      },
      close: () => {
        if (open) this.lines -= 1;
        open = false;
      },
    };
  }
}

/** How to reach a BMC of the network. */
export function targetOf(host: string, login: Partial<Endpoint['login']> = {}): Endpoint {
  const admin = { username: Buffer.from('admin'), password: Buffer.from('secret'), kg: null };
  return { host, port: 623, login: { ...admin, privilege: 'ADMINISTRATOR', cipherSuite: 3, ...login } };
}

/** Turns the clock until a promise has settled, and answers how it did and how long it took in virtual milliseconds. */
export async function settle<T>(
  promise: Promise<T>,
  clock: VirtualClock,
): Promise<{ readonly value?: T; readonly error?: unknown; readonly tookMs: number }> {
  const startedAt = clock.monotonic();
  let outcome: { value?: T; error?: unknown } | null = null;
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  await clock.turnUntil(() => outcome !== null, 200_000);
  return { ...(outcome as unknown as object), tookMs: clock.monotonic() - startedAt };
}
