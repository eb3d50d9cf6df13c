/** Which values of driver_info are secrets, and how they are shown. */
import { MASK } from '../../core/masking.ts';
import type { NodeRow } from '../store/rows.ts';

/** Keys that are masked whatever their driver says, or if nothing is known of it any more. */
const LOOKS_SECRET = /pass|secret|key|token|community|credential/i;

/** True for a key whose value is a secret. */
export const isSecretKey = (key: string, secretKeys: ReadonlySet<string>): boolean =>
  secretKeys.has(key) || LOOKS_SECRET.test(key);

/** driver_info for an answer: secrets masked, also where only the name says so. References to secrets are not secret. */
export function maskSecrets(info: NodeRow['driverInfo'], secretKeys: ReadonlySet<string>): Record<string, string> {
  const masked = (key: string, value: string): string => {
    return isSecretKey(key, secretKeys) && !/^(file|env):/.test(value) ? MASK : value;
  };
  return Object.fromEntries(Object.entries(info).map(([key, value]) => [key, masked(key, value)]));
}
