/** The timers of unsettled power tasks: one for each, at the next deadline of its row. */
import type { Timer } from '../../core/clock.ts';
import { isAtRest } from '../../core/states.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { nextDeadline } from './turn.ts';

/** Why a task needs attention: a deadline of its row has passed, or it failed a moment ago. */
type Ring = 'deadline' | 'look';

/** What keeps a passed deadline of a task from counting: the hardware is read first. */
interface Grace {
  /** By the clock that never jumps. */
  readonly until: number;
  readonly deadlineAt: number | null;
  /** How often it was given since that deadline has passed. */
  readonly times: number;
}

/** After a deadline has passed, grace is given this often at most: an agent that attaches again and again holds nothing back for ever. */
const GRACES = 3;

/** The timers of one conductor's tasks. */
export class Alarms {
  readonly #store: Pick<Store, 'clock' | 'deadlines'>;
  readonly #ring: (uuid: string, ring: Ring) => void;
  readonly #timers = new Map<string, Timer>();
  readonly #grace = new Map<string, Grace>();
  /** The deadlines that have passed while the hardware is read once more. */
  readonly #held = new Map<string, number | null>();
  #stopped = false;

  constructor(store: Pick<Store, 'clock' | 'deadlines'>, ring: (uuid: string, ring: Ring) => void) {
    this.#store = store;
    this.#ring = ring;
  }

  /** Sets the timer of a task to the next deadline of its row; that of a task at rest ends. */
  set(task: PowerTaskRow): void {
    const { uuid } = task;
    this.#cancel(uuid);
    const { clock, deadlines } = this.#store;
    if (isAtRest(task.state)) {
      this.#grace.delete(uuid);
      deadlines.forget(uuid);
    }
    const deadlineAt = nextDeadline(task);
    if (deadlineAt === null || this.#stopped || this.#held.get(uuid) === deadlineAt) return;
    const graceMs = (this.#grace.get(uuid)?.until ?? Number.NEGATIVE_INFINITY) - clock.monotonic();
    this.#after(Math.max(deadlines.leftMs(uuid, deadlineAt), graceMs), uuid, 'deadline');
  }

  /**
   * Lets a deadline of a task that may have been sent not count for `graceMs`, and sets the timer. What has been given `GRACES` times since
   * its deadline has passed is given no more.
   */
  giveGrace(task: PowerTaskRow, graceMs: number): void {
    if (task.state !== 'QUEUED') this.#prolong(task, graceMs);
    this.set(task);
  }

  #prolong(task: PowerTaskRow, graceMs: number): void {
    const { clock, deadlines } = this.#store;
    const { uuid } = task;
    const deadlineAt = nextDeadline(task);
    const before = this.#grace.get(uuid);
    const given = before?.deadlineAt === deadlineAt ? before.times : 0;
    const times = given + (deadlines.isPast(uuid, deadlineAt) ? 1 : 0);
    if (times > GRACES) return;
    const until = Math.max(before?.until ?? Number.NEGATIVE_INFINITY, clock.monotonic() + graceMs);
    this.#grace.set(uuid, { until, deadlineAt, times });
  }

  /** Rings for a task after a failure of ours. */
  retry(uuid: string, afterMs: number): void {
    this.#cancel(uuid);
    if (!this.#stopped) this.#after(afterMs, uuid, 'look');
  }

  /** Holds back a deadline that has passed while the hardware is read once more. Returns false if that is under way already. */
  hold({ uuid, deadlineAt }: PowerTaskRow): boolean {
    if (this.#held.has(uuid)) return false;
    this.#held.set(uuid, deadlineAt);
    return true;
  }

  /** The reading has ended. */
  release(uuid: string): void {
    this.#held.delete(uuid);
  }

  /** Ends all timers; none is set any more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #after(delayMs: number, uuid: string, ring: Ring): void {
    this.#timers.set(
      uuid,
      this.#store.clock.after(delayMs, () => this.#ring(uuid, ring)),
    );
  }

  #cancel(uuid: string): void {
    this.#timers.get(uuid)?.cancel();
    this.#timers.delete(uuid);
  }
}
