import { systemChance } from '../../src/core/chance.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import type { IpmiInfo } from '../../src/drivers/ipmi/info.ts';
import type { Logins } from '../../src/drivers/logins.ts';
import type { Resolver } from '../../src/drivers/lookups.ts';

/** What speaks to a BMC. */
export type IpmiTransport = IpmiInfo['ipmi_transport'];

/** Both of them. */
export const IPMI_TRANSPORTS: readonly IpmiTransport[] = ['native', 'ipmitool'];

/** What a test gives ipmitool, which has no other clock than the real one, so that no timeout strikes a BMC that is only slow. */
const PATIENT_ANSWER_LIMIT_S = 50;
/** With this, an ipmitool that gets no answer never ends by itself. */
export const ENDLESS_ANSWER_LIMIT_S = 1_000_000;

/** What a test gives the driver, if not what an agent does. */
export interface TestedDriverParts {
  /** With a PatientClock, no timeout strikes a BMC that is only slow. */
  readonly clock?: Clock;
  /** Said where ipmitool has to find out by itself that a BMC gives no answer. */
  readonly answerLimitS?: number;
  /** How long a session that is not used is kept, in milliseconds; a minute if left out. */
  readonly keepSessionMs?: number;
  readonly resolver?: Resolver;
  readonly logins?: Logins;
}

/** The driver `ipmi` as an agent has it. Close it when the tests are over: its sessions keep the process alive. */
export function newIpmiDriver(tested: TestedDriverParts = {}): Driver<IpmiInfo> {
  const searchPath = process.env.PATH ?? '';
  const parts = { clock: systemClock, chance: systemChance, searchPath, keepSessionMs: 60_000 };
  return createIpmiDriver({ ...parts, answerLimitS: PATIENT_ANSWER_LIMIT_S, ...tested });
}
