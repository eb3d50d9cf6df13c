/**
 * The same requests to Ironic 21.4.4 and to countermand, and what each answered. Ironic's side was recorded once, by
 * `baremetal` and curl on one node `n1` of its driver fake-hardware; ours is asked anew by side_by_side.test.ts, and
 * docs/side_by_side.md is printed from this table.
 */

import { readFileSync } from 'node:fs';

/** What one of the two answered. */
interface Side {
  readonly status: number;
  /** The sentence of a refusal. */
  readonly says?: string;
  /** The fields of its answer that the other has not; of a list, those of one entry. */
  readonly only?: readonly string[];
}

/** One request. */
export interface Exchange {
  readonly ask: string;
  /** The version of Ironic's API that is asked for; null: none. Absent: 1.78. */
  readonly version?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent as JSON; a text is sent as it is. */
  readonly body?: unknown;
  readonly ironic: Side;
  readonly ours: Side;
  /** Why the two differ in status or fields. */
  readonly why?: string;
}

/** All of them, in the order in which they are sent. */
export const EXCHANGES: readonly Exchange[] = JSON.parse(
  readFileSync(new URL('ironic_exchanges.json', import.meta.url), 'utf8'),
);
