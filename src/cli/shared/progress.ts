/** How a person sees work go on: live text on a terminal, one line per change elsewhere. */
import { type PowerTask, PowerTask as PowerTaskMessage } from '../../gen/countermand/v1/power.ts';
import type { Call } from './asking.ts';
import { harmless } from './harmless.ts';
import { openLiveText } from './live_text.ts';
import { acceptedLine, changeLine, endLine, hasEnded, liveLine } from './task_lines.ts';

/** The display of one task. */
interface Progress {
  /** Shows the task as it is now. */
  show(task: PowerTask): void;
  /** Stops repainting. The last state of a task that goes on stays. Must be called, whatever happens. */
  end(): void;
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
