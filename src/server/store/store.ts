/** What every part of the conductor that reads or writes rows is given. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database } from './database.ts';
import type { Deadlines } from './deadlines.ts';

/** The database, with the time and chance that rows are stamped with. */
export interface Store {
  readonly database: Database;
  readonly clock: Clock;
  readonly chance: Chance;
  /** How long it is until the deadlines that stand in rows. */
  readonly deadlines: Deadlines;
  /** Who signs the notifications, for example "countermand-conductor.host7". */
  readonly publisherId: string;
}
