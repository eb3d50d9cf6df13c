/**
 * The driver `ipmi`: every BMC that speaks IPMI 2.0 over LAN, through ipmitool.
 *
 * A soft power off presses the power button once (chassis control 5, IPMI 2.0 section 28.3); IPMI cannot take it back,
 * so an abort only stops the waiting.
 */
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import type { OrderTarget, Target } from '../../core/power.ts';
import { type Bmc, type Driver, defineDriver } from '../driver.ts';
import { readConfirmation, readStatus } from './answers.ts';
import type { Ending } from './captive.ts';
import { bmcKey, bmcName, type IpmiInfo, ipmiSchema } from './info.ts';
import { ipmitoolCommand, runIpmitool, type Verb } from './ipmitool.ts';
import { findBmc } from './probe.ts';

/** What the driver can do. No `abort inject nmi`: an NMI is over when it is sent. */
const IPMI_TARGETS: readonly Target[] = [
  'power on',
  'power off',
  'rebooting',
  'soft rebooting',
  'soft power off',
  'inject nmi',
  'abort soft rebooting',
  'abort soft power off',
];

/** The command of each order. A soft reboot is none: it is a soft power off, then a power on. */
const VERBS: Readonly<Partial<Record<OrderTarget, Exclude<Verb, 'status'>>>> = {
  'power on': 'on',
  'power off': 'off',
  rebooting: 'reset',
  'soft power off': 'soft',
  'inject nmi': 'diag',
};

/** What the driver needs. */
export interface IpmiDriverParts {
  readonly clock: Clock;
  /** Where ipmitool, setpriv and sh are looked for: folders as in PATH. */
  readonly searchPath: string;
}

/** The driver `ipmi`. It needs ipmitool (1.8.19 is what it is tested with) and util-linux's setpriv. */
export function createIpmiDriver({ clock, searchPath }: IpmiDriverParts): Driver<IpmiInfo> {
  async function tell({ info }: Bmc<IpmiInfo>, verb: Verb, signal: AbortSignal): Promise<Ending> {
    const bmc = { host: info.ipmi_address, port: info.ipmi_port, name: bmcName(info) };
    const address = await findBmc(bmc, clock, signal);
    return runIpmitool(ipmitoolCommand(info, address, verb, searchPath), clock, signal);
  }

  return defineDriver<IpmiInfo>({
    name: 'ipmi',
    schema: ipmiSchema,
    targets: IPMI_TARGETS,
    keyOf: bmcKey,

    async getPowerState(bmc, signal) {
      const ending = await tell(bmc, 'status', signal);
      return { powerState: readStatus(ending, bmcName(bmc.info)) };
    },

    async setPowerState(bmc, target, signal) {
      const verb = VERBS[target];
      if (verb === undefined)
        throw fail(
          'TARGET_NOT_SUPPORTED',
          `ipmi has no command for ${target}; order a soft power off, then a power on`,
        );
      const ending = await tell(bmc, verb, signal);
      readConfirmation(ending, verb, bmcName(bmc.info));
    },
  });
}
