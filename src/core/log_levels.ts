/** How much is logged. */

/** The levels, the most severe first: what is at least as severe is logged. At `silent` nothing is. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** One of them. */
export type LogLevelName = (typeof LOG_LEVELS)[number];
