/**
 * What the conductor does while the disk is full: it says so, refuses new work, goes on with what ends work, and looks
 * for room until there is some.
 */

import { fail } from '../core/errors.ts';
import { isAbort } from '../core/power.ts';
import { onAbort, sleep } from '../core/signals.ts';
import type { OrderPowerStateRequest, SetPowerStateRequest } from '../gen/countermand/v1/power.ts';
import { fromTarget } from './agents/wire.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';

/** How often the conductor looks for room while the disk is full. */
const LOOK_INTERVAL_MS = 1000;

/** The RPCs that begin work, and for which requests. All others go on while the disk is full. */
const BEGINS_WORK: Readonly<Record<string, (request: unknown) => boolean>> = {
  '/countermand.v1.AccessService/CreateToken': () => true,
  '/countermand.v1.NodeService/CreateNode': () => true,
  '/countermand.v1.NodeService/UpdateNode': () => true,
  '/countermand.v1.PowerService/SetPowerState': isNoAbort,
  '/countermand.v1.PowerService/OrderPowerState': isNoAbort,
  '/countermand.v1.ActionPlanService/CreateActionPlan': () => true,
  '/countermand.v1.ActionPlanService/StartActionPlan': () => true,
  '/countermand.v1.ActionPlanService/ApproveActionPlan': () => true,
  '/countermand.v1.ActionPlanService/RollbackActionPlan': () => true,
  '/countermand.v1.ActionPlanService/OrderRollback': () => true,
  '/countermand.v1.AuditService/CreateAudit': () => true,
  '/countermand.v1.AuditService/ResumeAudit': () => true,
  '/countermand.v1.AuditService/CreateAuditTemplate': () => true,
  '/countermand.v1.AuditService/UpdateAuditTemplate': () => true,
  '/countermand.v1.AuditService/ReportClusterEvent': () => true,
  '/countermand.v1.NotificationService/CreateSink': () => true,
};

function isNoAbort(request: unknown): boolean {
  const target = fromTarget((request as SetPowerStateRequest | OrderPowerStateRequest).target);
  return target === null || !isAbort(target);
}

/** What the disk is watched with. */
interface DiskParts {
  readonly store: Store;
  readonly log: Log;
  readonly shutdown: AbortSignal;
}

/** The disk of one conductor. */
export class Disk {
  readonly #parts: DiskParts;
  readonly #listeners = new Set<(isFull: boolean) => void>();
  #wasFull = false;

  constructor(parts: DiskParts) {
    this.#parts = parts;
  }

  /** Calls `tell` now and each time that the disk becomes full or has room again, until the shutdown. */
  onChange(tell: (isFull: boolean) => void): void {
    this.#listeners.add(tell);
    onAbort(this.#parts.shutdown, () => this.#listeners.delete(tell));
    tell(this.#wasFull);
  }

  /** @throws DISK_FULL if the disk is full and the RPC at `path` begins work; then nothing was written */
  admit(path: string, request: unknown): void {
    const { isFull, disk } = this.#parts.store.database;
    if (isFull && BEGINS_WORK[path]?.(request))
      throw fail(
        'DISK_FULL',
        `${disk} is full; nothing was written; free some space. Aborts, cancels and deletes still work`,
      );
  }

  /** Watches the disk until the shutdown; resolves then. While the disk has room, no timer is set. */
  async watch(): Promise<void> {
    const { shutdown } = this.#parts;
    try {
      for (;;) {
        await this.#look();
        await this.#untilNextLook();
      }
    } catch (error) {
      if (!shutdown.aborted) throw error;
    }
  }

  /** The disk has just become full, or still is: in either case, work that ends gets the next second to use the room. */
  async #untilNextLook(): Promise<void> {
    const { store, shutdown } = this.#parts;
    await store.database.untilFull(shutdown);
    await sleep(LOOK_INTERVAL_MS, store.clock, shutdown);
  }

  async #look(): Promise<void> {
    const { store, log, shutdown } = this.#parts;
    const { database } = store;
    const isFull = database.isFull && !(await database.findRoom(shutdown));
    if (isFull === this.#wasFull) return;
    this.#wasFull = isFull;
    if (isFull) log.error({ code: 'DISK_FULL' }, `${database.disk} is full: new orders are refused`);
    else log.info({}, `${database.disk} has room again: orders are accepted`);
    for (const tell of this.#listeners) tell(isFull);
  }
}
