/** What clients send of a node: names and pairs that can be kept. */

import { failAt } from '../../core/errors.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import { MASK } from '../../core/masking.ts';
import { isUuid } from '../../core/uuid.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

/** @throws ARGUMENT_INVALID for what is no name, or could be taken for a uuid */
export function checkName(field: string, name: string): void {
  if (name === '') throw failAt('ARGUMENT_INVALID', field, `${field} is empty`);
  if (!NAME.test(name)) {
    throw failAt(
      'ARGUMENT_INVALID',
      field,
      `${field} '${name.slice(0, 300)}' is not a name: it has 1 to 255 letters, digits, dots, dashes and underscores`,
    );
  }
  if (isUuid(name))
    throw failAt('ARGUMENT_INVALID', field, `${field} '${name}' looks like a uuid; choose a name that does not`);
}

/** What stands in limits and masks for labels, and for driver_info. */
const PAIRS = {
  labels: { count: SENT_LIMITS.label_count, value: SENT_LIMITS.label_value },
  driver_info: { count: SENT_LIMITS.info_count, value: SENT_LIMITS.info_value },
} as const;

/** @throws ARGUMENT_INVALID, or DRIVER_INFO_INVALID, for what is too much, too long, or the mask of a secret */
export function checkPairs(field: keyof typeof PAIRS, pairs: Readonly<Record<string, string>>): void {
  const limits = PAIRS[field];
  const entries = Object.entries(pairs);
  if (entries.length > limits.count.limit) throw exceeded(limits.count, field, entries.length);
  for (const [key, value] of entries) {
    if (key === '') throw failAt(limits.count.error, field, `${field} has an empty key`);
    const place = `${field}.${key.slice(0, SENT_LIMITS.label_key.limit)}`;
    if (key.length > SENT_LIMITS.label_key.limit) throw exceeded(SENT_LIMITS.label_key, place, key.length);
    if (value.length > limits.value.limit) throw exceeded(limits.value, place, value.length);
    if (field === 'driver_info' && value === MASK)
      throw failAt(limits.count.error, place, `${place} is the mask that stands for a secret, not the secret`);
  }
}

/** @throws ARGUMENT_INVALID, or DRIVER_INFO_INVALID, for a key that one request both sets and removes: which of the two is meant is not known */
export function refuseBoth(
  field: keyof typeof PAIRS,
  set: Readonly<Record<string, string>>,
  removed: readonly string[],
): void {
  const at = removed.findIndex((key) => Object.hasOwn(set, key));
  if (at === -1) return;
  const key = removed[at]?.slice(0, SENT_LIMITS.label_key.limit);
  throw failAt(
    PAIRS[field].count.error,
    `remove_${field}[${at}]`,
    `remove_${field}[${at}]: '${key}' is in set_${field} too; leave it out of one of the two`,
  );
}
