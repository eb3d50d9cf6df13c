/** How a world is made. */
import type { Access } from '../../src/server/access/access.ts';
import type { PlanLimits } from '../../src/server/plans/parts.ts';
import type { Limits } from '../../src/server/power/limits.ts';
import type { Retention } from '../../src/server/retention.ts';
import type { SinkMakers } from '../../src/server/sinks/sinks.ts';
import type { CloudsFor, WatchedFor } from './conductors.ts';
import type { DriverTraits } from './driver.ts';
import type { SeveralSettings } from './several.ts';

/** The defaults of the configuration, in milliseconds. */
export const DEFAULT_LIMITS: Limits & PlanLimits = {
  softPowerOffTimeoutMs: 600_000,
  softPowerOffTimeoutLimitMs: 86_400_000,
  powerStateChangeTimeoutLimitMs: 3_600_000,
  powerStateChangeTimeoutMs: 60_000,
  startTimeoutMs: 60_000,
  abortTimeoutMs: 30_000,
  recallConfirmMs: 15_000,
  repetitionWindowMs: 15_000,
  windowReadIntervalMs: 10_000,
  syncPowerStateIntervalMs: 120_000,
  syncPowerStateWorkers: 8,
  cancelDeadlineMs: 120_000,
  rollbackWindowMs: 3_600_000,
  actionPlanExpiryMs: 24 * 3_600_000,
  checkPeriodicIntervalMs: 1_800_000,
  confirmAbove: 20,
};

/** How a world is made. */
export interface WorldSettings extends DriverTraits {
  readonly seed?: number;
  readonly limits?: Partial<Limits & PlanLimits>;
  /** Who has to agree to which plans; absent: no one. */
  readonly access?: Access;
  /** The longest way of a message between conductor and agent. */
  readonly latencyMs?: number;
  /** Every callback of a write runs twice, and must not show it. */
  readonly everyWriteTwice?: boolean;
  /** The kinds of sinks; absent: there are none. */
  readonly sinks?: SinkMakers;
  /** How long what is stored is kept; absent: for ever. */
  readonly retention?: Retention;
  /** How its conductors reach clouds, which outlive them; none without it. */
  readonly cloudsFor?: CloudsFor;
  /** Which of them a conductor follows that is alone; none without it. */
  readonly watchedFor?: WatchedFor;
  /** Several conductors on one PostgreSQL, instead of one. */
  readonly several?: SeveralSettings;
  /** What an earlier conductor has left, and how long the world had gone on when it was left. */
  readonly earlier?: { readonly image: Buffer; readonly elapsedMs: number };
}
