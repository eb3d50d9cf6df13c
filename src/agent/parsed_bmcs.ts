/** What drivers have made of driver_info: the same for the same, so that it is not checked anew with every message. */
import type { Bmc, Driver, DriverInfo } from '../drivers/driver.ts';

/** So many are remembered: far more than one agent has BMCs. */
const LIMIT = 50_000;

/** The BMCs of one agent, by what they were parsed from. */
export class ParsedBmcs {
  readonly #known = new Map<string, Bmc<unknown>>();

  /**
   * The BMC that a driver makes of a driver_info, secrets resolved. The same object for the same.
   * @throws as `parse` of the driver does
   */
  get(driver: Driver, driverInfo: DriverInfo): Bmc<unknown> {
    const key = JSON.stringify([driver.name, driverInfo]);
    const known = this.#known.get(key);
    if (known) return known;
    const bmc = driver.parse(driverInfo);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= LIMIT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, bmc);
    return bmc;
  }
}
