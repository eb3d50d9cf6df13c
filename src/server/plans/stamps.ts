/** What every new row of an audit, a plan or an action has, and what every move stamps. */

import type { Transaction } from '../store/database.ts';
import type { AuditRow } from '../store/plan_rows.ts';

/** The part of a row that its writer adds. */
export type Stamped = 'previousState' | 'state' | 'revision' | 'createdAt' | 'updatedAt' | 'deletedAt';

/** The stamps of a new row. */
export function fresh<State extends string>(state: State, now: number) {
  return { state, previousState: null, revision: 1, createdAt: now, updatedAt: now, deletedAt: null };
}

/** The stamps of a move to `state`. */
export function stampsOf(state: string, now: number): { updatedAt: number; deletedAt?: number } {
  return state === 'DELETED' ? { updatedAt: now, deletedAt: now } : { updatedAt: now };
}

/** Who made a row. */
export type Maker = Pick<AuditRow, 'createdBy' | 'createdFor'>;

/** The maker of what is written now; null if the conductor writes it by itself. */
export const makerOf = ({ actor }: Pick<Transaction, 'actor'>): Maker => ({
  createdBy: actor?.identity ?? null,
  createdFor: actor?.onBehalfOf ?? null,
});

/** The same maker as that of another row. */
export const madeAs = ({ createdBy, createdFor }: Maker): Maker => ({ createdBy, createdFor });
