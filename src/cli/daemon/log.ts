/** The log of a daemon. */
import { type Logger, pino } from 'pino';
import { isColoured } from '../shared/colours.ts';
import type { Terminal } from '../shared/terminal.ts';
import { localTime } from '../shared/times.ts';
import type { Configuration } from './configuration.ts';
import { readableLine } from './log_line.ts';
import { openLogStream } from './log_stream.ts';
import type { LiveConfiguration } from './reload.ts';

/**
 * Logs go to stderr, one JSON object a line, or as a person reads it if that is a terminal; stdout says only where a daemon is. From here on the process is a daemon: it
 * outlives whoever reads its log, and SIGHUP has its configuration read again.
 */
export function openLog({ logLevel }: Configuration, live: LiveConfiguration, terminal: Terminal): Logger {
  const stream = openLogStream(terminal.stderr, terminal.clock, shownOn(terminal));
  const log = pino({ level: logLevel, base: null }, stream);
  terminal.becomeDaemon(
    () => live.reread(log),
    () => stream.flush(),
  );
  return log;
}

/** How a line stands there. */
function shownOn({ stderr, environment }: Terminal): (line: string) => string {
  if (stderr.isTTY !== true) return (line) => line;
  const look = { coloured: isColoured('auto', environment, stderr), time: localTime };
  return (line) => readableLine(line, look);
}
