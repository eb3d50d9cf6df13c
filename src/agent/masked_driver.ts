/** A driver in whose errors and reasons the secrets of the BMC are masked, however a BMC spells what it repeats. */
import { CountermandError, fail } from '../core/errors.ts';
import { maskIn } from '../core/masking.ts';
import { type Bmc, type Driver, secretKeysOf } from '../drivers/driver.ts';

/** The same driver. What it throws keeps its code; the reasons of aborts pass unchanged. */
export function masked(driver: Driver): Driver {
  const secretKeys = secretKeysOf(driver);
  const secretsOf = ({ info }: Bmc<unknown>): string[] => {
    const values = info as Readonly<Record<string, unknown>>;
    return [...secretKeys].flatMap((key) => {
      const value = values[key];
      if (Buffer.isBuffer(value)) return [value.toString('latin1'), value.toString('hex')];
      return typeof value === 'string' ? [value] : [];
    });
  };
  const hide = async <T>(bmc: Bmc<unknown>, signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (thrown) {
      if (thrown === signal.reason || !(thrown instanceof Error)) throw thrown;
      const message = maskIn(thrown.message, secretsOf(bmc));
      // The cause may hold the BMC's own words.
      if (thrown instanceof CountermandError) throw message === thrown.message ? thrown : fail(thrown.code, message);
      throw fail('INTERNAL', message);
    }
  };
  return {
    ...driver,
    locate: (bmc, age, signal) => hide(bmc, signal, () => driver.locate(bmc, age, signal)),
    getPowerState: (bmc, signal) => hide(bmc, signal, () => driver.getPowerState(bmc, signal)),
    async setPowerState(bmc, target, signal) {
      return maskIn(await hide(bmc, signal, () => driver.setPowerState(bmc, target, signal)), secretsOf(bmc));
    },
    async abortPowerState(bmc, target, signal) {
      const answer = await hide(bmc, signal, () => driver.abortPowerState(bmc, target, signal));
      return { ...answer, reason: maskIn(answer.reason, secretsOf(bmc)) };
    },
    async getSupportedPowerStates(bmc, signal) {
      const supported = await hide(bmc, signal, () => driver.getSupportedPowerStates(bmc, signal));
      if (supported.reason === undefined) return supported;
      return { ...supported, reason: maskIn(supported.reason, secretsOf(bmc)) };
    },
  };
}
