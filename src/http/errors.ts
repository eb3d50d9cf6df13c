/** Errors as HTTP answers: one form, which every client of OpenStack shows to people. */
import type { CountermandError, ErrorCode, GrpcStatus } from '../core/errors.ts';
import { KEPT_LIMITS } from '../core/limits.ts';
import { cutText } from '../core/texts.ts';
import { Possible } from '../gen/countermand/v1/power.ts';
import { errorInfoOf } from '../server/api/details.ts';
import { toPossible } from '../server/api/possible.ts';
import type { Answer } from './answer.ts';

/** A refusal of HTTP itself, or one whose status is not that of its code. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param headers what the answer carries beside the sentence */
  constructor(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}) {
    super(sentence.toWellFormed());
    this.name = 'Refusal';
    this.status = status;
    this.headers = headers;
  }
}

/** Carries the code of the error table beside the status. */
export const ERROR_CODE_HEADER = 'Countermand-Error-Code';

/**
 * The status of most codes follows from their gRPC status. A status that is not here is 500: clients repeat 409 and 503 by
 * themselves, so these two are only for what certainly did nothing.
 */
export const BY_GRPC_STATUS: Partial<Record<GrpcStatus, number>> = {
  INVALID_ARGUMENT: 400,
  OUT_OF_RANGE: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  UNIMPLEMENTED: 501,
};

/** The codes whose status is another. */
export const BY_CODE: Partial<Record<ErrorCode, number>> = {
  NODE_HELD: 409,
  MESSAGE_TOO_LARGE: 413,
  AGENT_NOT_ATTACHED: 503,
  SHUTTING_DOWN: 503,
  DISK_FULL: 503,
  DATABASE_TAKEN: 503,
  DATABASE_UNUSABLE: 503,
  NOT_LEADING: 503,
  TOO_MANY_STREAMS: 503,
  IDENTITY_LIMIT: 429,
  TOO_MANY_LOGINS: 503,
  KEYS_UNREACHABLE: 503,
};

/** The status of a refused request. What a BMC said is 500, if it comes here at all: something may have been sent. */
function statusOf({ code, row }: CountermandError): number {
  if (code.startsWith('BMC_') && code !== 'BMC_TAKEN') return 500;
  return BY_CODE[code] ?? BY_GRPC_STATUS[row.status] ?? 500;
}

/** The answer for an error that was thrown while a request was served. `error_details` is for programs: as google.rpc.ErrorInfo. */
export function answerOfError(error: Refusal | CountermandError): Answer {
  if (error instanceof Refusal)
    return { status: error.status, headers: error.headers, body: bodyOf(error, error.status) };
  const status = statusOf(error);
  const { metadata } = errorInfoOf(error);
  const possible = error.details.possible?.map((order) => Possible.toJSON(toPossible(order))) ?? [];
  const details = { reason: error.code, metadata, ...(possible.length > 0 && { possible }) };
  const body = { ...bodyOf(error, status), error_details: details };
  return { status, headers: { [ERROR_CODE_HEADER]: error.code, ...challengeOf(error) }, body };
}

/** The challenge of a 401 (RFC 9110, 11.6.1). A browser is told to ask for a password only where there are passwords. */
export function challengeOf({ row, details }: CountermandError): Record<string, string> {
  if (row.status !== 'UNAUTHENTICATED') return {};
  const basic = details.facts?.accepted?.includes('basic') ? 'Basic realm="countermand", charset="UTF-8", ' : '';
  return { 'WWW-Authenticate': `${basic}Bearer realm="countermand"` };
}

/** `error_message` is JSON in a string: the clients decode it twice, and crash on an object. */
function bodyOf({ message }: Error, status: number): object {
  const faultcode = status < 500 ? 'Client' : 'Server';
  const faultstring = cutText(message, KEPT_LIMITS.answer_text.limit);
  return { error_message: JSON.stringify({ faultcode, faultstring, debuginfo: null }) };
}
