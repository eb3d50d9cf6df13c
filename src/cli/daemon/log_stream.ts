/** Where a daemon's log goes: a stream whose reader may be slow, stuck or gone. The daemon neither waits for it nor ends. */
import type { TextStream } from '../shared/terminal.ts';

/** More characters than this do not wait for a reader; what comes then is left out. */
const WAITING_LIMIT = 1_000_000;

/** A log that lines are written to. */
interface LogStream {
  write(line: string): void;
  /** Writes at once what waits for the end of the turn. */
  flush(): void;
}

/**
 * A log stream over `stream`, in which each line stands as `shown` says. The lines of one turn of the event loop are written together, at its
 * end: to write costs more than to make a line. Lines that were left out are counted, and the count is logged once there is room again.
 */
export function openLogStream(stream: TextStream, shown: (line: string) => string = (line) => line): LogStream {
  let leftOut = 0;
  let waiting = '';
  const flush = (): void => {
    if (waiting !== '') stream.write(waiting);
    waiting = '';
  };
  const add = (line: string): void => {
    if (waiting === '') process.nextTick(flush);
    waiting += shown(line);
  };
  return {
    flush,
    write(line) {
      if ((stream.writableLength ?? 0) + waiting.length > WAITING_LIMIT) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0)
        add(`${JSON.stringify({ level: 40, leftOut, msg: 'the log was not read; lines were left out' })}\n`);
      leftOut = 0;
      add(line);
    },
  };
}
