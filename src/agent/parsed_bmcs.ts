/** What drivers have made of driver_info: the same for the same, so that it is not checked anew with every message. */
import { isIP } from 'node:net';
import { bindInfo } from '../drivers/bounds.ts';
import type { Bmc, Driver, DriverInfo } from '../drivers/driver.ts';
import type { BmcAccess } from './bmc_access.ts';

/** How many are remembered: far more than one agent has BMCs. */
const LIMIT = 50_000;

/** The BMCs of one agent, by what they were parsed from. */
export class ParsedBmcs {
  readonly #known = new Map<string, Bmc<unknown>>();
  readonly #access: BmcAccess | null;

  /** @param access where they may lead; null: anywhere */
  constructor(access: BmcAccess | null) {
    this.#access = access;
  }

  /**
   * The BMC that a driver makes of a driver_info, secrets resolved. The same object for the same.
   * @param references what stood for secrets in it: what else is equal may still be bound to other addresses
   * @throws as `parse` of the driver does; BMC_OUT_OF_BOUNDS for an IP address that it may not lead to
   */
  get(driver: Driver, driverInfo: DriverInfo, references: readonly string[]): Bmc<unknown> {
    const key = JSON.stringify([driver.name, driverInfo, references]);
    const known = this.#known.get(key);
    if (known) return known;
    const bmc = driver.parse(driverInfo);
    this.#bind(driver, bmc, references);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= LIMIT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, bmc);
    return bmc;
  }

  /** An address that is named as such is looked at now: so a node that could not be used is not enrolled. */
  #bind({ name: driver, reach }: Driver, { info }: Bmc<unknown>, references: readonly string[]): void {
    const way = reach?.(info);
    if (this.#access === null || way === undefined) return;
    const objection = this.#access.objectionTo({ ...way, driver, references });
    const now = isIP(way.host) === 0 ? null : objection(way.host);
    if (now !== null) throw now;
    bindInfo(info as object, objection);
  }
}
