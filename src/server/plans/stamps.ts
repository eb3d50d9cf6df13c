/** What every new row of an audit, a plan or an action has, and what every move stamps. */

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
