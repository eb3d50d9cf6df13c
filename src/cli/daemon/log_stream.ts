/** Where a daemon's log goes: a stream whose reader may be slow, stuck or gone. The daemon neither waits for it nor ends. */
import type { Clock } from '../../core/clock.ts';
import type { TextStream } from '../shared/terminal.ts';

/** More characters than this do not wait for a reader; what comes then is left out. */
const WAITING_LIMIT = 1_000_000;

/** While lines come one after the other, they are written together, this often: to write costs many times as much as to make a line. */
const TOGETHER_MS = 50;

/** A log that lines are written to. */
interface LogStream {
  write(line: string): void;
  /** Writes at once what waits to be written together. */
  flush(): void;
}

/**
 * A log stream over `stream`, in which each line stands as `shown` says. A line is written at the end of the turn of the event loop, or together
 * with those of the next few milliseconds if another was written just before. Lines that were left out are counted, and the count is logged once
 * there is room again.
 */
export function openLogStream(
  stream: TextStream,
  clock: Clock,
  shown: (line: string) => string = (line) => line,
): LogStream {
  let leftOut = 0;
  let waiting = '';
  let writtenAt = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    if (waiting === '') return;
    stream.write(waiting);
    waiting = '';
    writtenAt = clock.monotonic();
  };
  const add = (line: string): void => {
    if (waiting === '') {
      const restMs = writtenAt + TOGETHER_MS - clock.monotonic();
      if (restMs > 0) clock.after(restMs, flush);
      else process.nextTick(flush);
    }
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
