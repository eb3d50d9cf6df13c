/** What a command ends with: one number for each outcome. docs/cli.md prints this table; `ERROR_TABLE` says which error has which. */

/** The exit codes, each with what it tells a script. */
export const EXIT_CODES = {
  0: 'Done: what the command asked for has happened. An abort with outcome RECALLED or NOT_SENT.',
  1: 'A fault in countermand; please report it.',
  2: 'The command line, a file, or a field of the request is wrong. Nothing was sent.',
  3: 'What the command names does not exist.',
  4: 'A name, a BMC or a request id is already taken.',
  5: 'Refused as things are now, also by a preview. Nothing was sent.',
  6: 'No conductor or no agent can be reached, or the conductor cannot write. An order may have been accepted if stderr says so.',
  7: 'The order, an action or an abort failed, or timed out.',
  8: 'The order was aborted, or the plan was cancelled, by another command.',
  9: 'Not confirmed: the answer was no, or there was no terminal to ask on. Nothing was sent.',
  10: 'STOPPED_WAITING: the abort or the cancel only ended the waiting. The order was sent and may still take effect.',
  11: 'NOTHING_TO_ABORT: no matching order was under way. Nothing happened.',
  12: 'TOO_LATE: the order had taken effect before it could be aborted.',
  130: 'Interrupted by Ctrl-C or SIGTERM. An order that was given goes on.',
  141: 'The reader of stdout is gone. An order that was given goes on.',
} as const satisfies Readonly<Record<number, string>>;

/** A number of the table. */
export type ExitCode = keyof typeof EXIT_CODES;
