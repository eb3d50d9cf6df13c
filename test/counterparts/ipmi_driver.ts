import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import type { IpmiInfo } from '../../src/drivers/ipmi/info.ts';
import type { Resolver } from '../../src/drivers/lookups.ts';

/** What speaks to a BMC. */
export type IpmiTransport = IpmiInfo['ipmi_transport'];

/** Both of them. */
export const IPMI_TRANSPORTS: readonly IpmiTransport[] = ['native', 'ipmitool'];

/** The driver `ipmi` as an agent has it. Close it when the tests are over: its sessions keep the process alive. */
export function newIpmiDriver(resolver?: Resolver): Driver<IpmiInfo> {
  const parts = { clock: systemClock, chance: systemChance, searchPath: process.env.PATH ?? '', keepSessionMs: 60_000 };
  return createIpmiDriver(resolver ? { ...parts, resolver } : parts);
}
