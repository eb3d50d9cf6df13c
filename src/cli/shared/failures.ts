/** How a command fails: one sentence on stderr, and an exit code from the table of errors. */
import { CommanderError } from 'commander';
import { asCountermandError, CountermandError, ERROR_TABLE, type ErrorCode, fail } from '../../core/errors.ts';
import { harmless } from './harmless.ts';
import { shortened } from './short_ids.ts';
import type { TextStream } from './terminal.ts';

/** Commander ends its own ways out by throwing: help that was asked for, help because no command was given, and refusals. */
const HELP_ASKED_FOR = ['commander.helpDisplayed', 'commander.version'];
const HELP_INSTEAD = 'commander.help';

/**
 * What commander refuses is a wrong argument of ours; its message may end in a hint on a line of its own. The = behind --yes is
 * not what was typed: see `runCommandLine`.
 */
export function asOurs(thrown: unknown): CountermandError {
  if (!(thrown instanceof CommanderError)) return asCountermandError(thrown);
  const sentence = thrown.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replaceAll("'--yes='", "'--yes'")
    .replace(/\.$/, '');
  const isHelped = !ABOUT_THE_LINE.includes(thrown.code) || sentence.includes('(Did you mean');
  return fail('ARGUMENT_INVALID', isHelped ? sentence : `${sentence}; --help shows what can be given`);
}

/** What commander refuses without saying what can be given instead. */
const ABOUT_THE_LINE: readonly string[] = [
  'commander.unknownCommand',
  'commander.unknownOption',
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.excessArguments',
];

/** These are no errors: what they print says what goes on. */
const NO_ERRORS: readonly string[] = ['CALL_ENDED', 'OUTPUT_LOST'];

/** Commands that help. The conductor names none, as other clients do not have them. */
const HELPED_BY: Partial<Record<ErrorCode, string>> = {
  DATABASE_DAMAGED: "'countermand database restore' restores a backup",
};

function sentenceOf({ code, message }: CountermandError): string {
  if (NO_ERRORS.includes(code)) return message;
  const help = HELPED_BY[code];
  return help === undefined ? `error: ${message}` : `error: ${message}; ${help}`;
}

/** What programs read of an error: its code and sentence, and what else is known. */
function jsonOf({ code, message, details }: CountermandError): object {
  return { error: { code, message, ...details } };
}

/**
 * Tells what went wrong and answers the exit code. With `json` it is one JSON object: `{"error": {code, message}}`, with what
 * else the conductor said of it.
 * A fault of our own shows where it happened. An error without a message is silent: only its exit code tells of it.
 */
export function reportFailure(thrown: unknown, json: boolean, stderr: TextStream): number {
  if (thrown instanceof CommanderError) {
    if (HELP_ASKED_FOR.includes(thrown.code)) return 0;
    if (thrown.code === HELP_INSTEAD) return thrown.exitCode === 0 ? 0 : ERROR_TABLE.ARGUMENT_INVALID.exitCode;
  }
  const error = asOurs(thrown);
  const { code, message } = error;
  if (message === '') return error.row.exitCode;
  if (json) stderr.write(`${JSON.stringify(jsonOf(error))}\n`);
  else stderr.write(`${harmless(shortened(sentenceOf(error)))}\n`);
  if (!json && !(thrown instanceof CountermandError) && code === 'INTERNAL' && thrown instanceof Error)
    stderr.write(`${harmless(thrown.stack ?? '')}\n`);
  return error.row.exitCode;
}
