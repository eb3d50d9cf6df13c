/** A driver that keeps to one server, whatever answers at its address. */
import { asCountermandError } from '../core/errors.ts';
import { type Driver, objectionTo, PROVES_NOT_SENT } from '../drivers/driver.ts';

/**
 * The driver of one power task. An order or a recall goes to the server with this GUID, and to the one that was read just before;
 * a reading of another server is refused: it does not tell the outcome of the order. Where no GUID proves which server it is,
 * the address has to be the same.
 * @param guid the GUID that the conductor knows; null takes that of the first reading
 */
export function forOneBmc(driver: Driver, guid: string | null): Driver {
  let known = guid;
  let readAt: string | null = null;
  let sentTo: string | null = null;
  return {
    ...driver,
    async getPowerState(bmc, signal) {
      const reading = await driver.getPowerState(bmc, signal);
      const objection = objectionTo(reading, { guid: known, place: sentTo }, bmc.key);
      if (objection !== null) throw objection;
      known ??= reading.guid ?? null;
      readAt = reading.place ?? null;
      return reading;
    },
    async setPowerState(bmc, target, signal) {
      try {
        const sent = await driver.setPowerState({ ...bmc, only: { guid: known, place: readAt } }, target, signal);
        sentTo = readAt;
        return sent;
      } catch (thrown) {
        if (!PROVES_NOT_SENT.includes(asCountermandError(thrown).code)) sentTo = readAt;
        throw thrown;
      }
    },
    abortPowerState: (bmc, target, signal) =>
      driver.abortPowerState({ ...bmc, only: { guid: known, place: readAt } }, target, signal),
  };
}
