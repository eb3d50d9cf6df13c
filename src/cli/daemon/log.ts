/** The log of a daemon. */
import { type Logger, pino } from 'pino';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import { openLogStream } from './log_stream.ts';
import type { LiveConfiguration } from './reload.ts';

/**
 * Logs go to stderr, one JSON object a line; stdout says only where a daemon is. From here on the process is a daemon: it
 * outlives whoever reads its log, and SIGHUP has its configuration read again.
 */
export function openLog({ logLevel }: Configuration, live: LiveConfiguration, terminal: Terminal): Logger {
  const log = pino({ level: logLevel, base: null }, openLogStream(terminal.stderr));
  terminal.becomeDaemon(() => live.reread(log));
  return log;
}
