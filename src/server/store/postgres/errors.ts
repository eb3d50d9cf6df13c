/** What errors of PostgreSQL mean to an operator. See https://www.postgresql.org/docs/current/errcodes-appendix.html. */
import { CountermandError, fail } from '../../../core/errors.ts';
import { UniqueViolation } from '../database.ts';
import type { PostgresAddress } from './address.ts';

/** The number of the error: five characters from PostgreSQL, a word from Node, or null. */
function codeOf(thrown: unknown): string | null {
  const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : null;
}

/** No class of PostgreSQL begins with E: EPIPE and EPERM are words of Node. */
const isSqlState = (code: string): boolean => /^(?!E)[0-9A-Z]{5}$/.test(code);

/** The class of an error is its first two characters. */
const isOfClass = (code: string, classes: readonly string[]): boolean =>
  isSqlState(code) && classes.includes(code.slice(0, 2));

/** 08: connection; 53: resources; 57: an operator intervenes; 58: files of the server. */
const UNUSABLE_CLASSES = ['08', '53', '57', '58'];
/** Another transaction was in the way: the same once more may succeed. */
const IN_THE_WAY = ['40001', '40P01', '55P03', '57014'];
/** 25006: read-only; 28: login; 3D: no such database. */
const UNUSABLE = [...IN_THE_WAY, '25006', '28000', '28P01', '3D000'];
const DAMAGED = ['XX001', 'XX002'];
const NO_TEXT = ['22021', '22P05'];

/** What `pg` and knex throw without a code. */
const LOST = /^(Connection terminated|Client (was closed|has encountered)|timeout expired|Query read timeout)/;

/** True if the connection is gone, or was never there. */
export function isLost(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if (thrown instanceof CountermandError) return isLost(thrown.cause);
  const code = codeOf(thrown);
  if (code !== null) return !isSqlState(code) ? /^E[A-Z_]+$/.test(code) : isOfClass(code, ['08']) || isEnded(code);
  return LOST.test(lastPart(thrown.message)) || thrown.name === 'KnexTimeoutError';
}

const isEnded = (code: string): boolean => ['57P01', '57P02', '57P03', '57P05', '25P03'].includes(code);

/** True if the same transaction may succeed when it is run again. */
export function isWorthRepeating(thrown: unknown): boolean {
  const cause = thrown instanceof CountermandError ? thrown.cause : thrown;
  return isLost(cause) || IN_THE_WAY.includes(codeOf(cause) ?? '');
}

/** knex writes the statement before the message. */
const lastPart = (message: string): string => message.split(' - ').at(-1) ?? '';

/** What PostgreSQL says beside its message quotes values of rows, and passwords are among them. */
function withoutValues(thrown: unknown): void {
  if (thrown instanceof Error)
    for (const name of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(thrown, name);
}

/**
 * Translates an error of PostgreSQL, of the connection to it, or of knex into one of those that `Database` names. Anything else, for example a violated check, is
 * returned without the values that it quotes: it is a fault of the program.
 */
export function explainPostgres(thrown: unknown, { words }: PostgresAddress): unknown {
  if (thrown instanceof CountermandError) return thrown;
  withoutValues(thrown);
  const code = codeOf(thrown) ?? '';
  if (code === '23505') return new UniqueViolation(thrown as Error);
  if (code === '53100')
    return fail('DISK_FULL', `the disk of the ${words} is full; nothing was written; free some space`, thrown);
  if (code === '42501')
    return fail(
      'DATABASE_REFUSED',
      `the ${words} refuses it (${reasonOf(thrown as Error)}); nothing was written; grant the user what is missing`,
      thrown,
    );
  if (DAMAGED.includes(code))
    return fail('DATABASE_DAMAGED', `the ${words} is damaged; nothing was written; restore a backup`, thrown);
  if (NO_TEXT.includes(code))
    return fail('ARGUMENT_INVALID', 'a text contains the character NUL, which cannot be stored', thrown);
  if (isLost(thrown) || UNUSABLE.includes(code) || isOfClass(code, UNUSABLE_CLASSES))
    return fail(
      'DATABASE_UNUSABLE',
      `the ${words} cannot be read or written (${reasonOf(thrown as Error)}); nothing was written; try again`,
      thrown,
    );
  return thrown;
}

/** The reason as PostgreSQL or Node words it, without the statement. Node words some with an empty message. */
function reasonOf(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return lastPart(error.message) || (first as Error | undefined)?.message || (codeOf(error) ?? 'no reason is given');
}

/** Why PostgreSQL could not be opened, by its number. */
const REFUSALS: Readonly<Record<string, (address: PostgresAddress, reason: string) => string>> = {
  '28P01': ({ user }) =>
    `it refuses the password of user ${user}; give the right one in database_password_file or COUNTERMAND_DATABASE_PASSWORD`,
  '28000': ({ user }, reason) => `it does not let user ${user} in (${reason}); see pg_hba.conf on the server`,
  '3D000': ({ database, user }) =>
    `there is no such database; create it on the server: CREATE DATABASE ${database} OWNER ${user}`,
  '42501': (_, reason) => `user and rights do not suffice (${reason}); grant what is missing`,
};

const NO_PASSWORD = /client password must be a string/;
const NO_TLS = /does not support SSL/;
const CERTIFICATE = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Translates an error of the opening: what the operator must change is DATABASE_REFUSED, what may pass is DATABASE_UNUSABLE. */
export function explainOpening(thrown: unknown, address: PostgresAddress): unknown {
  if (thrown instanceof CountermandError || !(thrown instanceof Error)) return thrown;
  const code = codeOf(thrown) ?? '';
  const reason = reasonOf(thrown);
  const refused = (why: string): CountermandError =>
    fail('DATABASE_REFUSED', `the ${address.words} cannot be opened: ${why}`, thrown);
  if (REFUSALS[code]) return refused(REFUSALS[code](address, reason));
  if (NO_PASSWORD.test(thrown.message))
    return refused('it asks for a password; give it in database_password_file or COUNTERMAND_DATABASE_PASSWORD');
  if (NO_TLS.test(thrown.message)) return refused('the server has no TLS; switch it on there, or say sslmode=disable');
  if (CERTIFICATE.test(code))
    return refused(`TLS with the server fails (${reason}); see sslmode and sslrootcert of the URL`);
  if (isLost(thrown))
    return fail(
      'DATABASE_UNUSABLE',
      `the ${address.words} does not answer (${reason}); nothing was written; start the server, or name another one (database)`,
      thrown,
    );
  return explainPostgres(thrown, address);
}
