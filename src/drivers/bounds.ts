/** Where a driver_info may lead: an agent may be told by its configuration which addresses it may speak to, and how. */
import type { CountermandError } from '../core/errors.ts';

/** How a driver_info would speak to its BMC, where others on the way could read or change what is said. */
export type Danger = 'http' | 'basic_over_http' | 'unverified_certificates';

/** Where a driver_info leads, before any name is looked up, and how. */
export interface Reach {
  /** A host name or an IP address. */
  readonly host: string;
  readonly dangers: readonly Danger[];
}

/** Why an IP address may not be spoken to; null if it may. */
export type Objection = (address: string) => CountermandError | null;

const objections = new WeakMap<object, Objection>();

/** From now on, this driver_info leads only where there is no objection. */
export function bindInfo(info: object, objection: Objection): void {
  objections.set(info, objection);
}

/** One driver_info that was made from another leads where the other one does. */
export function bindAs(other: object, info: object): void {
  const objection = objections.get(other);
  if (objection !== undefined) objections.set(info, objection);
}

/** Why this driver_info may not be used at an IP address; null if it may. */
export function objectionAt(info: object, address: string): CountermandError | null {
  return objections.get(info)?.(address) ?? null;
}
