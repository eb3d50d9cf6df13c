/** Where a daemon's log goes: a stream whose reader may be slow, stuck or gone. The daemon neither waits for it nor ends. */
import type { TextStream } from '../shared/terminal.ts';

/** More characters than this do not wait for a reader; what comes then is left out. */
const WAITING_LIMIT = 1_000_000;

/** A log stream over `stream`, in which each line stands as `shown` says. Lines that were left out are counted, and the count is logged once there is room again. */
export function openLogStream(
  stream: TextStream,
  shown: (line: string) => string = (line) => line,
): { write(line: string): void } {
  let leftOut = 0;
  return {
    write(line) {
      if ((stream.writableLength ?? 0) > WAITING_LIMIT) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0)
        stream.write(
          shown(`${JSON.stringify({ level: 40, leftOut, msg: 'the log was not read; lines were left out' })}\n`),
        );
      leftOut = 0;
      stream.write(shown(line));
    },
  };
}
