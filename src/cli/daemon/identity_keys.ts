/** The configuration keys of the limits of each identity. */
import * as z from 'zod';
import { IDENTITY_LIMITS } from '../../core/limits.ts';
import type { ConfigurationKey } from './configuration_kinds.ts';

/** More is as good as none. */
const MOST = 1_000_000_000;

const limit = (key: keyof typeof IDENTITY_LIMITS) =>
  ({
    type: `a whole number from 1 to ${MOST}`,
    placeholder: 'count',
    rule: () => z.int().min(1).max(MOST),
    fallback: IDENTITY_LIMITS[key].limit,
    readBy: 'conductor',
    meaning: `the most ${IDENTITY_LIMITS[key].unit} of one identity: ${IDENTITY_LIMITS[key].what}. See [limits](limits.md#what-one-identity-has)`,
  }) as const satisfies ConfigurationKey<number>;

/** A part of the table of keys. */
export const IDENTITY_KEYS = {
  identity_calls: limit('identity_calls'),
  identity_streams: limit('identity_streams'),
  identity_plans: limit('identity_plans'),
  identity_actions: limit('identity_actions'),
  identity_nodes: limit('identity_nodes'),
};
