import type { ExecutionContext } from 'ava';
import type { ErrorCode, GrpcStatus } from '../../src/core/errors.ts';
import { Refusal } from './client.ts';

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
}
