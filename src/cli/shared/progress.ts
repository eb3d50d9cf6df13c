/** How a person sees work go on: live text on a terminal, one line per change elsewhere. */
import type { Timer } from '../../core/clock.ts';
import { type PowerTask, PowerTask as PowerTaskMessage } from '../../gen/countermand/v1/power.ts';
import type { Call } from './asking.ts';
import { harmless } from './harmless.ts';
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

/** Text that is written over, and again every second. */
interface LiveText {
  /** Shows what `text` answers, now or, if it was written just now, very soon. It must be harmless to a terminal. */
  show(text: () => string): void;
  /** Takes it away. */
  end(): void;
  /** Leaves what stands there, as it is now: the watching was stopped. After `end` it does nothing. */
  stay(): void;
}

/** Opens live text. Nothing stands there until something is shown. */
export async function openLiveText({ stdout, clock }: Pick<Call, 'stdout' | 'clock'>): Promise<LiveText> {
  // Loaded on a terminal only: programs that run command after command need not wait for it.
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(stdout, { showCursor: true });
  let timer: Timer | null = null;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let text = (): string => '';
  let isOpen = true;
  const write = (): void => {
    writtenAt = clock.monotonic();
    update(text());
    timer = clock.after(TICK_MS, write);
  };
  return {
    show(shown) {
      text = shown;
      timer?.cancel();
      const restMs = writtenAt + GAP_MS - clock.monotonic();
      if (restMs <= 0) write();
      else timer = clock.after(restMs, write);
    },
    end() {
      timer?.cancel();
      if (isOpen) update.clear();
      isOpen = false;
    },
    stay() {
      timer?.cancel();
      if (isOpen) update.done();
      isOpen = false;
    },
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
