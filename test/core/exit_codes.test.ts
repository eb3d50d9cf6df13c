import test from 'ava';
import { ERROR_TABLE } from '../../src/core/errors.ts';
import { EXIT_CODES } from '../../src/core/exit_codes.ts';

test('each exit code has an error that ends with it, and a meaning', (t) => {
  const used = new Set(Object.values(ERROR_TABLE).map(({ exitCode }) => String(exitCode)));
  t.deepEqual([...used].sort(), Object.keys(EXIT_CODES).sort());
});

test('outcomes that a script has to tell apart never share an exit code', (t) => {
  const apart = [
    'ABORT_STOPPED_WAITING',
    'NOTHING_TO_ABORT',
    'ABORT_TOO_LATE',
    'RECALL_FAILED',
    'TASK_ABORTED',
    'ROLLBACK_REFUSED',
    'NOT_CONFIRMED',
    'CALL_ENDED',
    'OUTPUT_LOST',
  ] as const;
  const codes = apart.map((code) => ERROR_TABLE[code].exitCode);
  t.is(new Set(codes).size, apart.length);
  t.false(codes.includes(0 as never));
});
