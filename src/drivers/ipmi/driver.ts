/**
 * The driver `ipmi`: every BMC that speaks IPMI 2.0 over LAN, by a client of our own (`rmcp/`), or through ipmitool for those
 * that only ipmitool can talk to.
 *
 * A soft power off presses the power button once (chassis control 5, IPMI 2.0 section 28.3); IPMI cannot take it back,
 * so an abort only stops the waiting.
 */
import type { Chance } from '../../core/chance.ts';
import { fail } from '../../core/errors.ts';
import { OPEN_LIMITS } from '../../core/limits.ts';
import type { OrderTarget, Reading } from '../../core/power.ts';
import { ALL_BUT_NMI_ABORT, type Driver, defineDriver } from '../driver.ts';
import { type Exchanges, exchangesOf } from '../exchanges.ts';
import { type Account, Logins } from '../logins.ts';
import { Lookups, type Resolver, systemResolver } from '../lookups.ts';
import { bmcKey, type IpmiInfo, ipmiPlace, ipmiSchema } from './info.ts';
import { type IpmitoolParts, openIpmitool } from './ipmitool/transport.ts';
import { openNativeIpmi } from './native.ts';
import type { ChassisControl } from './rmcp/commands.ts';
import { Suites } from './suites.ts';

/** The command of each order. A soft reboot is none: it is a soft power off, then a power on. */
const CONTROLS: Readonly<Partial<Record<OrderTarget, Exclude<ChassisControl, 'cycle'>>>> = {
  'power on': 'on',
  'power off': 'off',
  rebooting: 'reset',
  'soft power off': 'soft',
  'inject nmi': 'diag',
};

/** What the driver needs. */
interface IpmiDriverParts extends Omit<IpmitoolParts, 'lookups' | 'processes' | 'suites'> {
  /** The processes of ipmitool that may run at the same time; by default as many as `ipmitool_processes` allows. */
  readonly processes?: Exchanges;
  readonly chance: Chance;
  /** How long an idle session is kept open, in milliseconds; 0 keeps none. */
  readonly keepSessionMs: number;
  /** At most this many IPMI sessions are open at the same time; by default as many as `bmc_sessions` allows. */
  readonly maxSessions?: number;
  /** How host names are looked up; by the system if left out. */
  readonly resolver?: Resolver;
  /** What is known of refused logins; nothing at first if left out. */
  readonly logins?: Logins;
}

/**
 * The driver `ipmi`. For nodes with `ipmi_transport: ipmitool` it needs ipmitool (1.8.19 is what it is tested with) and
 * util-linux's setpriv.
 */
export function createIpmiDriver(parts: IpmiDriverParts): Driver<IpmiInfo> {
  const { logins = new Logins(parts.clock), processes = exchangesOf(OPEN_LIMITS.ipmitool_processes.limit) } = parts;
  const lookups = new Lookups(parts.resolver ?? systemResolver, parts.clock);
  const suites = new Suites();
  const native = openNativeIpmi({ ...parts, suites, lookups });
  const transports = { native, ipmitool: openIpmitool({ ...parts, suites, processes, lookups }) };
  const accountAt = async (info: IpmiInfo, signal: AbortSignal): Promise<Account> => {
    const address = await lookups.findBmc(info.ipmi_address, 'ipmi_address', info, 'recent', signal);
    const { ipmi_username: user, ipmi_password: password, ipmi_hex_kg_key: kg } = info;
    const secret = JSON.stringify([password, kg?.toString('hex')]);
    return { bmc: ipmiPlace(address, info.ipmi_port), user, way: 'IPMI', secret };
  };
  return defineDriver<IpmiInfo>({
    name: 'ipmi',
    schema: ipmiSchema,
    targets: ALL_BUT_NMI_ABORT,
    keyOf: bmcKey,
    reach: ({ ipmi_address: host }) => ({ host, dangers: [] }),

    async locate({ info }, age, signal) {
      const address = await lookups.findBmc(info.ipmi_address, 'ipmi_address', info, age, signal);
      return ipmiPlace(address, info.ipmi_port);
    },

    async getPowerState({ info }, signal) {
      const read = (): Promise<Reading> => transports[info.ipmi_transport].read(info, signal);
      return logins.attempt(await accountAt(info, signal), read);
    },

    async setPowerState({ info, only }, target, signal) {
      const control = CONTROLS[target];
      if (control === undefined)
        throw fail(
          'TARGET_NOT_SUPPORTED',
          `ipmi has no command for ${target}; order a soft power off, then a power on`,
        );
      const send = (): Promise<void> => transports[info.ipmi_transport].order(info, control, only, signal);
      await logins.attempt(await accountAt(info, signal), send);
      return `Chassis Control ${control}`;
    },

    async allowLogin({ info }, signal) {
      logins.allow(await accountAt(info, signal));
    },

    sessions: () => native.sessions(),
    close: () => native.close(),
  });
}
