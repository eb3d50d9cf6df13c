/** The log of a daemon. */
import { type Logger, pino } from 'pino';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import { openLogStream } from './log_stream.ts';

/**
 * Logs go to stderr, one JSON object a line; stdout says only where a daemon is. From here on the process is a daemon: it
 * outlives whoever reads its log.
 */
export function openLog({ logLevel }: Configuration, terminal: Terminal): Logger {
  const log = pino({ level: logLevel, base: null }, openLogStream(terminal.stderr));
  terminal.becomeDaemon(() => log.info('SIGHUP was ignored; the configuration is read at the start only'));
  return log;
}
