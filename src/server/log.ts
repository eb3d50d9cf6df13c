/** The log, and how much of it there is. */
import type { LogLevelName } from '../core/log_levels.ts';

/** What the product logs with: the part of pino that is used. Secrets never go in. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The level of the log of this process. */
export interface LogLevel {
  /** What is logged now. */
  now(): LogLevelName;
  /** What the configuration says. */
  configured(): LogLevelName;
  /**
   * Changes it until the process ends or reads its configuration again, and logs that.
   * @param who has asked for it
   */
  set(level: LogLevelName, who: string): void;
}
