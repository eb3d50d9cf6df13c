/** Errors of PostgreSQL, of the connection to it, and of the pool: which say that the connection has gone. */
import test from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import { readPostgresUrl } from '../../../src/server/store/postgres/address.ts';
import { explainPostgres, isLost, isWorthRepeating } from '../../../src/server/store/postgres/errors.ts';

const ADDRESS = readPostgresUrl('postgres://cm@db7/x', null);

const thrown = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

for (const error of [
  ...['EPIPE', 'EPERM', 'ENXIO', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'].map((code) =>
    thrown(`write ${code}`, code),
  ),
  ...['08006', '57P01', '57P02', '57P03'].map((code) => thrown('the server ends', code)),
  thrown('Connection terminated unexpectedly'),
  thrown('Connection terminated'),
  thrown('select 1 - Query read timeout'),
  thrown('Client was closed and is not queryable'),
])
  test(`the connection has gone: ${error.message} ${error.code ?? ''}`, (t) => {
    t.true(isLost(error));
    const explained = explainPostgres(error, ADDRESS) as CountermandError;
    t.is(explained.code, 'DATABASE_UNUSABLE');
    t.true(isLost(explained));
    t.true(isWorthRepeating(explained));
  });

test('a right that is missing is told in a sentence, and is no fault of the program', (t) => {
  const explained = explainPostgres(thrown('permission denied for table nodes', '42501'), ADDRESS) as CountermandError;
  t.is(explained.code, 'DATABASE_REFUSED');
  t.regex(
    explained.message,
    /database x on db7:5432 refuses it \(permission denied for table nodes\); nothing was written/,
  );
});

for (const code of ['23505', '53100', '40001', '42P01', 'P0001', 'XX000', 'HV000', 'F0000'])
  test(`the connection stands: ${code}`, (t) => {
    t.false(isLost(thrown('no', code)));
  });
