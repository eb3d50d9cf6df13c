/** What every part of the conductor that reads or writes rows is given. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { Traces } from '../../core/tracing.ts';
import type { NodeChanges } from './cluster_model.ts';
import type { Database, Transaction } from './database.ts';
import type { Deadlines } from './deadlines.ts';

/** Why the cluster model has changed, and by which plan, if by one. */
interface ModelCause {
  /** In a sentence, to stand in brackets. */
  readonly why: string;
  readonly planUuid: string | null;
}

/** What follows from changes of the cluster model, in the transaction that makes them. */
export type ModelHook = (
  changes: readonly NodeChanges[],
  cause: ModelCause,
  transaction: Transaction,
  store: Store,
) => Promise<void>;

/** The database, with the time and chance that rows are stamped with. */
export interface Store {
  readonly database: Database;
  readonly clock: Clock;
  readonly chance: Chance;
  /** How long it is until the deadlines that stand in rows. */
  readonly deadlines: Deadlines;
  readonly modelChanged: ModelHook;
  /** Who signs the notifications, for example "countermand-conductor.host7". */
  readonly publisherId: string;
  /** Where spans go. */
  readonly traces: Traces;
}
