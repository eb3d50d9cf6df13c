/** What the checks of rows and notifications need of a world: a simulated one, or the database that a real one has left. */
import type { Database } from '../../src/server/store/database.ts';
import type { World } from '../world/world.ts';

/** A world as far as it is looked at. */
export interface SeenWorld {
  readonly database: Pick<Database, 'read'>;
  readonly clock: {
    now(): number;
    /** By how much the wall clock was set. */
    readonly set: { readonly forwardMs: number; readonly backMs: number };
  };
  readonly limits: Pick<World['limits'], 'actionPlanExpiryMs' | 'checkPeriodicIntervalMs'>;
}
