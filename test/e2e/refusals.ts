import type { ExecutionContext } from 'ava';
import { ERROR_TABLE, type ErrorCode, type GrpcStatus } from '../../src/core/errors.ts';
import { Refusal } from './client.ts';

/** What only the command line knows: its flags and its commands. */
const ONE_CLIENT = /(?:^|[\s(`'])--[a-z]|countermand [a-z]+ \S/;

/** Errors of these codes name a field. */
const FIELD_CODES: readonly string[] = ['ARGUMENT_INVALID', 'ACTION_PLAN_INVALID', 'AUDIT_INVALID', 'SCOPE_INVALID'];

/** What a call is answered with. */
export interface Expected {
  readonly status: GrpcStatus;
  /** In the trailing metadata. */
  readonly code: ErrorCode;
  readonly says: RegExp;
}

/** The call is refused like this. */
export async function refused(
  t: ExecutionContext,
  call: Promise<unknown>,
  { status, code, says }: Expected,
  what = 'a call',
): Promise<void> {
  const error = await t.throwsAsync(call, { instanceOf: Refusal }, what);
  if (!error) return;
  t.is(`${error.status} ${error.code}`, `${status} ${code}`, `${what}: ${error.message}`);
  t.regex(error.message, says, what);
  t.is(error.info?.reason, code, what);
  t.is(error.info?.metadata.retryable, String(ERROR_TABLE[code].retryable), what);
  if (FIELD_CODES.includes(code)) t.truthy(error.info?.metadata.field, `${what} names no field: ${error.message}`);
  t.notRegex(error.message, ONE_CLIENT, `${what}: every client is told this, not only the command line`);
}
