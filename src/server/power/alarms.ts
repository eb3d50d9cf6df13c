/** The timers of unsettled power tasks: one for each, at the next deadline of its row. */
import type { Timer } from '../../core/clock.ts';
import { isAtRest } from '../../core/states.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { nextDeadline } from './turn.ts';

/** Why a task needs attention: a deadline of its row has passed, or it failed a moment ago. */
type Ring = 'deadline' | 'look';

/** The timers of one conductor's tasks. */
export class Alarms {
  readonly #store: Pick<Store, 'clock' | 'deadlines'>;
  readonly #ring: (uuid: string, ring: Ring) => void;
  readonly #timers = new Map<string, Timer>();
  /** Before this time, by the clock that never jumps, a passed deadline does not count: the hardware is read first. */
  readonly #grace = new Map<string, number>();
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
    const graceMs = (this.#grace.get(uuid) ?? Number.NEGATIVE_INFINITY) - clock.monotonic();
    this.#after(Math.max(deadlines.leftMs(uuid, deadlineAt), graceMs), uuid, 'deadline');
  }

  /** Lets a deadline of a task that may have been sent not count for `graceMs`, and sets the timer. */
  giveGrace(task: PowerTaskRow, graceMs: number): void {
    const until = Math.max(this.#grace.get(task.uuid) ?? 0, this.#store.clock.monotonic() + graceMs);
    if (task.state !== 'QUEUED') this.#grace.set(task.uuid, until);
    this.set(task);
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
