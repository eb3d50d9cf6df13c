/** Text on a terminal that is written over as work goes on. */
import type { createLogUpdate } from 'log-update';
import { othersFirst, type Timer } from '../../core/clock.ts';
import type { Call } from './asking.ts';
import { cutLines, rowsOf } from './table.ts';

/** The seconds of a live line are counted this often. */
const TICK_MS = 1000;
/** What changes more often than this is not seen. */
const GAP_MS = 100;
/** A terminal that does not tell its width. */
const USUAL_WIDTH = 80;

type LiveCall = Pick<Call, 'stdout' | 'clock' | 'muteKeys'>;
type Update = ReturnType<typeof createLogUpdate>;

/** Clears the row of the cursor and those above it. */
const eraseRows = (rows: number): string => `\u001b[2K${'\u001b[1A\u001b[2K'.repeat(rows - 1)}\u001b[G`;

/** Opens live text. Nothing stands there, and keys are what they were, until something is shown. */
export async function openLiveText(call: LiveCall): Promise<LiveText> {
  // Loaded on a terminal only: programs that run command after command need not wait for it.
  const { createLogUpdate } = await import('log-update');
  return new LiveText(call, createLogUpdate(call.stdout, { showCursor: true }));
}

/**
 * Text that is written over, and again every second and when the terminal gets another size. Lines are cut to its width. In the
 * background nothing is written; back in front, it begins anew below what stands there.
 */
class LiveText {
  readonly #call: LiveCall;
  readonly #update: Update;
  #timer: Timer | null = null;
  /** Counts what has made a waiting write void. */
  #turn = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #text = (): string => '';
  #written: string | null = null;
  #isOpen = true;
  #isInFront = true;
  /** A key such as ^C was shown below the text: a command that it stops leaves that there. */
  #isHeld = false;
  #unmute = (): void => {};

  constructor(call: LiveCall, update: Update) {
    this.#call = call;
    this.#update = update;
  }

  /** Shows what `text` answers, now or, if it was written just now, very soon. It must be harmless to a terminal. */
  show(text: () => string): void {
    const { stdout, clock, muteKeys } = this.#call;
    if (this.#written === null) {
      this.#unmute = muteKeys(this.#goOn, this.#hold);
      stdout.on('resize', this.#writeAnew);
    }
    this.#text = text;
    if (this.#isHeld) return;
    const restMs = this.#writtenAt + GAP_MS - clock.monotonic();
    if (restMs <= 0) this.#write();
    else this.#writeIn(restMs);
  }

  /** Takes it away. */
  end(): void {
    this.#close(this.#update.clear);
  }

  /** Leaves what stands there, as it is now: the watching was stopped. After `end` it does nothing. */
  stay(): void {
    this.#close(this.#update.done);
  }

  get #width(): number {
    return this.#call.stdout.columns || USUAL_WIDTH;
  }

  get #isStill(): boolean {
    return !this.#isInFront || this.#isHeld;
  }

  #write(): void {
    if (this.#isStill) return;
    this.#writtenAt = this.#call.clock.monotonic();
    this.#written = cutLines(this.#text(), this.#width);
    this.#update(this.#written);
    this.#writeIn(TICK_MS);
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#turn += 1;
  }

  /**
   * A process that goes on after a stop finds its timers due before it hears of SIGCONT. What the shell has shown meanwhile would be
   * written over; so signals come first.
   */
  #writeIn(delayMs: number): void {
    this.#cancel();
    const own = this.#turn;
    const write = (): void => void othersFirst().then(() => own === this.#turn && this.#write());
    this.#timer = this.#call.clock.after(delayMs, write);
  }

  /** A terminal that became narrower has folded lines: they take more rows than were written, and all of them go. */
  readonly #writeAnew = (): void => {
    if (this.#written === null || this.#isStill) return;
    this.#cancel();
    this.#call.stdout.write(eraseRows(rowsOf(this.#written, this.#width) + 1));
    this.#update.done();
    this.#write();
  };

  /** A command that the key does not stop goes on as before, a little later. */
  readonly #hold = (): void => {
    this.#cancel();
    this.#isHeld = true;
    this.#timer = this.#call.clock.after(TICK_MS, () => {
      this.#isHeld = false;
      this.#writeAnew();
    });
  };

  /** What the shell has shown meanwhile stands below the text, which is not written over any more. */
  readonly #goOn = (isInFront: boolean): void => {
    this.#cancel();
    this.#update.done();
    this.#isHeld = false;
    this.#isInFront = isInFront;
    this.#write();
  };

  #close(leave: () => void): void {
    this.#cancel();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#call.stdout.off('resize', this.#writeAnew);
    leave();
    this.#unmute();
  }
}
