/** Which values of driver_info are secrets, and how they are shown. */
import { MASK } from '../../core/masking.ts';
import { isReference, looksSecret } from '../../core/references.ts';
import type { NodeRow } from '../store/rows.ts';

/** True for a key whose value is a secret. */
export const isSecretKey = (key: string, secretKeys: ReadonlySet<string>): boolean =>
  secretKeys.has(key) || looksSecret(key);

/** driver_info for an answer: secrets masked, also where only the name says so. References to secrets are not secret. */
export function maskSecrets(info: NodeRow['driverInfo'], secretKeys: ReadonlySet<string>): Record<string, string> {
  const masked = (key: string, value: string): string => {
    return isSecretKey(key, secretKeys) && !isReference(value) ? MASK : value;
  };
  return Object.fromEntries(Object.entries(info).map(([key, value]) => [key, masked(key, value)]));
}
