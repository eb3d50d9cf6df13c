/** BMCs of our own simulator, for tests. */
import type { ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { type HostSettings, QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import type { SimLogin } from '../../src/sim/ipmi/bmc_session.ts';
import { listenAll } from '../../src/sim/ipmi/fleet.ts';
import { type BmcFaults, HEALTHY, SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { LoginCounter } from './logins.ts';

/** Who may log in, unless something else is said. */
export const SIM_LOGIN: SimLogin = {
  users: [
    { name: 'admin', password: 'secret', privilege: 'ADMINISTRATOR' },
    { name: 'watcher', password: 'look', privilege: 'USER' },
  ],
  kg: null,
  cipherSuites: [3, 17],
  maxSessions: 16,
  idleMs: 60_000,
};

/** What a BMC is like. */
export interface NewSimBmc {
  readonly power?: OnOff;
  readonly host?: Partial<HostSettings>;
  readonly login?: Partial<SimLogin>;
  readonly faults?: Partial<BmcFaults>;
  readonly address?: string;
  /** What its answers wait for; with a virtual clock, those that take time stay away until it is turned. */
  readonly clock?: Clock;
}

/** One that listens, and the driver_info that reaches it. */
export interface TestedBmc {
  readonly bmc: SimBmc;
  readonly address: string;
  readonly port: number;
  readonly info: DriverInfo;
  readonly logins: LoginCounter;
}

/** A BMC for one test, stopped at its end. */
export async function newSimBmc(t: ExecutionContext, options: NewSimBmc = {}): Promise<TestedBmc> {
  const { power = 'power on', address = ownAddress(), clock = systemClock } = options;
  const host = new SimHost(power, { ...QUICK_HOST, ...options.host }, clock);
  const login = { ...SIM_LOGIN, ...options.login };
  const bmc = new SimBmc({ login, host, clock, chance: systemChance });
  bmc.faults = { ...HEALTHY, ...options.faults };
  const logins = listenToLogins(bmc);
  const fleet = await listenAll([bmc], { address, firstPort: 0 }, clock);
  t.teardown(() => fleet.stop());
  const port = fleet.bmcs[0]?.port ?? 0;
  const [user] = login.users;
  const who = { ipmi_username: user?.name ?? '', ipmi_password: user?.password ?? '' };
  return { bmc, address, port, info: { ipmi_address: address, ipmi_port: String(port), ...who }, logins };
}

/** Counts the logins that reach a BMC from now on. */
export function listenToLogins(bmc: SimBmc): LoginCounter {
  const logins = new LoginCounter();
  const receive = bmc.receive.bind(bmc);
  bmc.receive = (datagram) => {
    logins.hear(datagram);
    return receive(datagram);
  };
  return logins;
}
