/** The transport of the driver `ipmi` through ipmitool: one process for each command. */
import type { Clock } from '../../../core/clock.ts';
import { Places } from '../../../core/places.ts';
import type { OnOff } from '../../../core/power.ts';
import { bmcName, type IpmiInfo } from '../info.ts';
import { readConfirmation, readStatus } from './answers.ts';
import type { Ending } from './captive.ts';
import { ipmitoolCommand, runIpmitool, type Verb } from './command.ts';
import { findBmc } from './probe.ts';

/** What it needs. */
export interface IpmitoolParts {
  readonly clock: Clock;
  /** Where ipmitool, setpriv and sh are looked for: folders as in PATH. */
  readonly searchPath: string;
}

/** How BMCs are spoken to by ipmitool. */
export interface Ipmitool {
  /** @throws a BMC_ code */
  read(info: IpmiInfo, signal: AbortSignal): Promise<OnOff>;
  /** Sends one order, at most once. @throws as `setPowerState` of driver.ts says */
  order(info: IpmiInfo, verb: Exclude<Verb, 'status'>, signal: AbortSignal): Promise<void>;
}

/** So many processes read at a time. Orders do not wait for them. */
const READINGS_AT_ONCE = 64;

/** Opens the transport. It keeps nothing between commands. */
export function openIpmitool({ clock, searchPath }: IpmitoolParts): Ipmitool {
  const readings = new Places(READINGS_AT_ONCE);
  async function tell(info: IpmiInfo, verb: Verb, signal: AbortSignal): Promise<Ending> {
    const bmc = { host: info.ipmi_address, port: info.ipmi_port, name: bmcName(info) };
    const address = await findBmc(bmc, clock, signal);
    return runIpmitool(ipmitoolCommand(info, address, verb, searchPath), clock, signal);
  }
  return {
    read: (info, signal) =>
      readings.hold(async () => readStatus(await tell(info, 'status', signal), bmcName(info)), signal),
    order: async (info, verb, signal) => readConfirmation(await tell(info, verb, signal), verb, bmcName(info)),
  };
}
