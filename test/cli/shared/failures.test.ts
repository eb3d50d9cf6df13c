import test from 'ava';
import { CommanderError } from 'commander';
import { reportFailure } from '../../../src/cli/shared/failures.ts';
import { ERROR_TABLE, type ErrorCode, fail } from '../../../src/core/errors.ts';
import { openCaptured } from '../captured.ts';

/** What a failure prints on stderr, and its exit code. */
function reported(thrown: unknown, json = false): { exitCode: number; printed: string } {
  const captured = openCaptured();
  const exitCode = reportFailure(thrown, json, captured.terminal.stderr);
  return { exitCode, printed: captured.stderr() };
}

test('every code of the table ends with its exit code, for people and for programs', (t) => {
  for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
    const { exitCode } = ERROR_TABLE[code];
    const error = fail(code, 'a sentence');
    t.is(reported(error).exitCode, exitCode);
    t.deepEqual(reported(error, true), {
      exitCode,
      printed: `{"error":{"code":"${code}","message":"a sentence"}}\n`,
    });
  }
});

test('people get the sentence', (t) => {
  t.is(reported(fail('NODE_HELD', 'n1 is held')).printed, 'error: n1 is held\n');
});

test('the command that helps is said to people, as the conductor names no commands', (t) => {
  const { printed } = reported(fail('DATABASE_DAMAGED', 'the file is damaged; restore a backup'));
  t.is(printed, "error: the file is damaged; restore a backup; 'countermand database restore' restores a backup\n");
});

test('Ctrl-C is no error', (t) => {
  t.deepEqual(reported(fail('CALL_ENDED', 'stopped watching')), { exitCode: 130, printed: 'stopped watching\n' });
});

test('a sentence cannot steer a terminal', (t) => {
  t.is(reported(fail('BMC_GARBLED', 'it says \u001b[2J')).printed, 'error: it says \ufffd[2J\n');
});

test('what commander refuses is a wrong argument', (t) => {
  const refusal = new CommanderError(
    1,
    'commander.unknownCommand',
    "error: unknown command 'nod'\n(Did you mean node?)",
  );
  t.deepEqual(reported(refusal), { exitCode: 2, printed: "error: unknown command 'nod' (Did you mean node?)\n" });
});

test('help is no failure; help because no command was given is one', (t) => {
  t.deepEqual(reported(new CommanderError(0, 'commander.helpDisplayed', '')), { exitCode: 0, printed: '' });
  t.deepEqual(reported(new CommanderError(0, 'commander.version', '')), { exitCode: 0, printed: '' });
  t.deepEqual(reported(new CommanderError(1, 'commander.help', '')), { exitCode: 2, printed: '' });
});

test('a fault of ours shows where it happened', (t) => {
  const { exitCode, printed } = reported(new TypeError('x is not a function'));
  t.is(exitCode, 1);
  t.regex(printed, /^error: x is not a function\nTypeError: x is not a function\n {4}at /);
});

test('anything may be thrown', (t) => {
  t.deepEqual(reported('a text'), { exitCode: 1, printed: 'error: a text\n' });
  t.is(reported(undefined, true).printed, '{"error":{"code":"INTERNAL","message":"undefined"}}\n');
});
