/** How a person sees work go on: live text on a terminal, one line per change elsewhere. */
import { othersFirst, type Timer } from '../../core/clock.ts';
import { type PowerTask, PowerTask as PowerTaskMessage } from '../../gen/countermand/v1/power.ts';
import type { Call } from './asking.ts';
import { harmless } from './harmless.ts';
import { cutLines, rowsOf } from './table.ts';
import { acceptedLine, changeLine, endLine, hasEnded, liveLine } from './task_lines.ts';

/** The seconds of a live line are counted this often. */
const TICK_MS = 1000;
/** What changes more often than this is not seen. */
const GAP_MS = 100;

/** The display of one task. */
interface Progress {
  /** Shows the task as it is now. */
  show(task: PowerTask): void;
  /** Stops repainting. The last state of a task that goes on stays. Must be called, whatever happens. */
  end(): void;
}

/**
 * Text that is written over, and again every second and when the terminal gets another size. Lines are cut to its width. In the
 * background nothing is written; back in front, it begins anew below what stands there.
 */
interface LiveText {
  /** Shows what `text` answers, now or, if it was written just now, very soon. It must be harmless to a terminal. */
  show(text: () => string): void;
  /** Takes it away. */
  end(): void;
  /** Leaves what stands there, as it is now: the watching was stopped. After `end` it does nothing. */
  stay(): void;
}

type LiveCall = Pick<Call, 'stdout' | 'clock' | 'muteKeys'>;

/** A terminal that does not tell its width. */
const USUAL_WIDTH = 80;

/** Clears the row of the cursor and those above it. */
const eraseRows = (rows: number): string => `\u001b[2K${'\u001b[1A\u001b[2K'.repeat(rows - 1)}\u001b[G`;

/** Opens live text. Nothing stands there, and keys are what they were, until something is shown. */
export async function openLiveText({ stdout, clock, muteKeys }: LiveCall): Promise<LiveText> {
  // Loaded on a terminal only: programs that run command after command need not wait for it.
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(stdout, { showCursor: true });
  let timer: Timer | null = null;
  /** Counts what has made a waiting write void. */
  let turn = 0;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let text = (): string => '';
  let written: string | null = null;
  let isOpen = true;
  let isInFront = true;
  let unmute = (): void => {};
  const widthNow = (): number => stdout.columns || USUAL_WIDTH;
  const write = (): void => {
    if (!isInFront) return;
    writtenAt = clock.monotonic();
    written = cutLines(text(), widthNow());
    update(written);
    writeIn(TICK_MS);
  };
  const cancel = (): void => {
    timer?.cancel();
    turn += 1;
  };
  // A process that goes on after a stop finds its timers due before it hears of SIGCONT. What the shell has shown meanwhile would be
  // written over; so signals come first.
  const writeIn = (delayMs: number): void => {
    cancel();
    const own = turn;
    timer = clock.after(delayMs, () => void othersFirst().then(() => own === turn && write()));
  };
  // A terminal that became narrower has folded lines: they take more rows than were written, and all of them go.
  const writeAnew = (): void => {
    if (written === null || !isInFront) return;
    cancel();
    stdout.write(eraseRows(rowsOf(written, widthNow()) + 1));
    update.done();
    write();
  };
  // What the shell has shown meanwhile stands below the text, which is not written over any more.
  const goOn = (now: boolean): void => {
    cancel();
    update.done();
    isInFront = now;
    write();
  };
  const close = (leave: () => void): void => {
    cancel();
    if (!isOpen) return;
    isOpen = false;
    stdout.off('resize', writeAnew);
    leave();
    unmute();
  };
  return {
    show(shown) {
      if (written === null) {
        unmute = muteKeys(goOn);
        stdout.on('resize', writeAnew);
      }
      text = shown;
      const restMs = writtenAt + GAP_MS - clock.monotonic();
      if (restMs <= 0) write();
      else writeIn(restMs);
    },
    end: () => close(update.clear),
    stay: () => close(update.done),
  };
}

/** Opens the display. With --json each change is a line of JSON. */
export async function openProgress(call: Call): Promise<Progress> {
  const { output, clock } = call;
  const live = output.live ? await openLiveText(call) : null;
  let lastLine: string | null = null;
  const sayOnce = (text: string): void => {
    if (text !== lastLine) output.say(text);
    lastLine = text;
  };
  return {
    show(task) {
      if (output.json) return output.message(PowerTaskMessage, task, changeLine);
      if (lastLine === null) sayOnce(acceptedLine(task));
      if (hasEnded(task)) {
        live?.end();
        sayOnce(endLine(task, output.time));
      } else if (live) live.show(() => harmless(liveLine(task, clock.now())));
      else sayOnce(changeLine(task));
    },
    end: () => live?.stay(),
  };
}
