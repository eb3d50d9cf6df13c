/** How a person sees a power task go on: one live line on a terminal, one line per change elsewhere. */
import { createLogUpdate } from 'log-update';
import type { Timer } from '../core/clock.ts';
import { type PowerTask, PowerTask as PowerTaskMessage } from '../gen/countermand/v1/power.ts';
import type { Call } from './asking.ts';
import { acceptedLine, changeLine, endLine, hasEnded, liveLine } from './task_lines.ts';

/** The seconds of a live line are counted this often. */
const TICK_MS = 1000;

/** The display of one task. */
export interface Progress {
  /** Shows the task as it is now. */
  show(task: PowerTask): void;
  /** Takes the live line away. Must be called, whatever happens. */
  end(): void;
}

interface LiveLine {
  show(text: () => string): void;
  end(): void;
}

/** A line that is written over, and again every second. */
function openLiveLine({ stdout, clock }: Call): LiveLine {
  const update = createLogUpdate(stdout, { showCursor: true });
  let timer: Timer | null = null;
  const show = (text: () => string): void => {
    timer?.cancel();
    update(text());
    timer = clock.after(TICK_MS, () => show(text));
  };
  return {
    show,
    end() {
      timer?.cancel();
      update.clear();
    },
  };
}

/** Opens the display. With --json each change is a line of JSON. */
export function openProgress(call: Call): Progress {
  const { output, clock } = call;
  const live = output.live ? openLiveLine(call) : null;
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
        sayOnce(endLine(task));
      } else if (live) live.show(() => liveLine(task, clock.now()));
      else sayOnce(changeLine(task));
    },
    end: () => live?.end(),
  };
}
