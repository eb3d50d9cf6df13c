/** The configuration keys that say how long what a conductor has stored is kept. */
import * as z from 'zod';
import type { ConfigurationKey } from './configuration_kinds.ts';

/** More is taken for a slip: a hundred years. */
const LONGEST_DAYS = 36_500;
/** More is as good as none. */
const MOST_ROWS = 1_000_000_000;

const days = (fallback: number, meaning: string) =>
  ({
    type: `a number of days from 1 to ${LONGEST_DAYS}, or 0`,
    placeholder: 'days',
    // Less would forget the request_id of an order that a client may still repeat.
    rule: () =>
      z
        .number()
        .max(LONGEST_DAYS)
        .refine((value) => value === 0 || value >= 1),
    fallback,
    readBy: 'conductor',
    meaning: `${meaning}; 0: for ever`,
  }) as const satisfies ConfigurationKey<number>;

const rows = (fallback: number, meaning: string) =>
  ({
    type: `a whole number from 0 to ${MOST_ROWS}`,
    placeholder: 'count',
    rule: () => z.int().min(0).max(MOST_ROWS),
    fallback,
    readBy: 'conductor',
    meaning: `${meaning}; the oldest go first, but none of the last hour; 0: any number`,
  }) as const satisfies ConfigurationKey<number>;

/** A part of the table of keys. See docs/operations/retention.md. */
export const RETENTION_KEYS = {
  events_keep: days(90, 'how long events can be read. Those that a sink has not delivered yet stay'),
  events_keep_rows: rows(5_000_000, 'how many events can be read at most'),
  tasks_keep: days(
    365,
    'how long after its end a power task is kept that no plan has ordered, and with it its request_id',
  ),
  tasks_keep_rows: rows(1_000_000, 'how many power tasks are kept at most that no plan has ordered'),
  plans_keep: days(
    365,
    'how long after its end a plan is kept, with its actions and their power tasks. One that can be rolled back stays, and one whose rollback stays',
  ),
  plans_keep_rows: rows(100_000, 'how many plans are kept at most'),
  audits_keep: days(
    365,
    'how long after its last change an audit is kept that is at rest. It stays as long as its plans',
  ),
  audits_keep_rows: rows(100_000, 'how many audits are kept at most'),
  trail_keep: days(730, 'how long an entry of the audit trail is kept'),
  trail_keep_rows: rows(10_000_000, 'how many entries of the audit trail are kept at most'),
};
