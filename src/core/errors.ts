/**
 * Every error that leaves the product, in one table. A message names the thing, the reason and what is possible instead.
 * docs/errors.md is printed from this file. Codes are never used again for something else.
 */
import type { ExitCode } from './exit_codes.ts';
import type { Possible } from './possible.ts';
import type { ResourceType } from './resource_types.ts';

/** gRPC status names, as far as we use them. */
export type GrpcStatus =
  | 'OK'
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'UNAVAILABLE';

/** One row of the table. */
export interface ErrorRow {
  readonly status: GrpcStatus;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  /** What the command line ends with. */
  readonly exitCode: ExitCode;
  readonly meaning: string;
}

const row = (status: GrpcStatus, exitCode: ExitCode, meaning: string, retryable = false): ErrorRow => ({
  status,
  retryable,
  exitCode,
  meaning,
});
const RETRYABLE = true;

/** The table of errors. */
export const ERROR_TABLE = {
  // Who asks
  UNAUTHENTICATED: row('UNAUTHENTICATED', 5, 'the call does not say who makes it, or what it says is not accepted'),
  PERMISSION_DENIED: row('PERMISSION_DENIED', 5, 'the caller is known, and may not do this'),
  TOKEN_NOT_FOUND: row('NOT_FOUND', 3, 'no token has this name or uuid'),
  TOKEN_NAME_TAKEN: row('ALREADY_EXISTS', 4, 'another token has, or had, this name'),
  AGENT_IDENTITY_TAKEN: row('ALREADY_EXISTS', 4, 'an agent with the same identity is attached', RETRYABLE),
  IDENTITY_LIMIT: row('RESOURCE_EXHAUSTED', 6, 'the caller has as much as one identity may have', RETRYABLE),
  TOO_MANY_LOGINS: row('RESOURCE_EXHAUSTED', 6, 'too many passwords are being checked at once', RETRYABLE),
  KEYS_UNREACHABLE: row('UNAVAILABLE', 6, 'the keys that a bearer token is checked with cannot be fetched', RETRYABLE),
  TRAIL_BROKEN: row(
    'INTERNAL',
    1,
    'the audit trail is not what was written: an entry was changed, added or taken away',
  ),

  // What the client asked for
  ARGUMENT_INVALID: row('INVALID_ARGUMENT', 2, 'a field of the request is missing, malformed or out of range'),
  DRIVER_UNKNOWN: row('INVALID_ARGUMENT', 2, 'no agent has ever offered a driver of this name in the zone'),
  DRIVER_INFO_INVALID: row('INVALID_ARGUMENT', 2, 'the driver does not accept a key or value of driver_info'),
  COMPRESSION_NOT_SUPPORTED: row('UNIMPLEMENTED', 2, 'requests over gRPC are not compressed'),
  MESSAGE_TOO_LARGE: row('RESOURCE_EXHAUSTED', 2, 'the message is larger than its RPC allows'),
  TOO_MANY_STREAMS: row('RESOURCE_EXHAUSTED', 6, 'the conductor has as many open streams as it allows', RETRYABLE),
  STREAM_NOT_READ: row('RESOURCE_EXHAUSTED', 6, 'the client of a stream did not read what waited for it', RETRYABLE),
  PAGE_TOKEN_INVALID: row('INVALID_ARGUMENT', 2, 'the page token did not come from this list'),
  NODE_NOT_FOUND: row('NOT_FOUND', 3, 'no node has this name or uuid'),
  NODE_FROZEN: row('FAILED_PRECONDITION', 5, 'the node is in a zone, or bears labels, that an operator has frozen'),
  FREEZE_NOT_FOUND: row('NOT_FOUND', 3, 'no freeze that holds has this uuid'),
  POWER_TASK_NOT_FOUND: row('NOT_FOUND', 3, 'no power task has this uuid or request_id'),
  ACTION_PLAN_NOT_FOUND: row('NOT_FOUND', 3, 'no action plan has this uuid, request_id or name'),
  ACTION_NOT_FOUND: row('NOT_FOUND', 3, 'no action has this uuid'),
  ACTION_PLAN_INVALID: row('INVALID_ARGUMENT', 2, 'the action plan is wrong at the place that the message names'),
  EVENTS_OUT_OF_RANGE: row(
    'OUT_OF_RANGE',
    2,
    'the event with the sequence number to begin with is kept no more, or is beyond the newest',
  ),
  EVENTS_OF_ANOTHER_DATABASE: row(
    'FAILED_PRECONDITION',
    5,
    'the sequence number is of another database, where it means other events',
  ),
  AUDIT_NOT_FOUND: row('NOT_FOUND', 3, 'no audit has this uuid, request_id or name'),
  AUDIT_TEMPLATE_NOT_FOUND: row('NOT_FOUND', 3, 'no audit template has this name or uuid'),
  AUDIT_TEMPLATE_NAME_TAKEN: row('ALREADY_EXISTS', 4, 'another audit template has this name or uuid'),
  SINK_NOT_FOUND: row('NOT_FOUND', 3, 'no sink has this name or uuid'),
  SINK_NAME_TAKEN: row('ALREADY_EXISTS', 4, 'another sink has this name'),
  SINK_INVALID: row('INVALID_ARGUMENT', 2, 'the kind of the sink does not accept a setting or its value'),
  AUDIT_INVALID: row('INVALID_ARGUMENT', 2, 'the audit is wrong at the place that the message names'),
  SCOPE_INVALID: row('INVALID_ARGUMENT', 2, 'the scope is wrong at the place that the message names, or means no node'),
  NODE_NAME_TAKEN: row('ALREADY_EXISTS', 4, 'another node has this name'),
  BMC_TAKEN: row('ALREADY_EXISTS', 4, 'another node is reached through the same BMC'),
  REQUEST_ID_TAKEN: row('ALREADY_EXISTS', 4, 'the request_id was used for another order'),
  UUID_TAKEN: row('ALREADY_EXISTS', 4, 'the chosen uuid is the uuid or the request_id of another plan or audit'),
  OVERTAKEN: row('ABORTED', 5, 'another change came first, so nothing was written', RETRYABLE),
  REVISION_MISMATCH: row(
    'FAILED_PRECONDITION',
    5,
    'the thing has changed since the revision that the client decided on; nothing was written',
  ),
  NODE_HELD: row('FAILED_PRECONDITION', 5, 'an unsettled power task holds the node', RETRYABLE),
  TARGET_NOT_SUPPORTED: row('FAILED_PRECONDITION', 5, 'the node cannot do this target'),
  NOT_WITHDRAWABLE: row('FAILED_PRECONDITION', 5, 'the power task is not QUEUED any more'),
  ACTION_PLAN_OVERLAPS: row('FAILED_PRECONDITION', 5, 'another plan runs on one of the nodes', RETRYABLE),
  ACTION_PLAN_STATE: row('FAILED_PRECONDITION', 5, 'the action plan is not in a state in which this can be done'),
  ROLLBACK_REFUSED: row(
    'FAILED_PRECONDITION',
    5,
    'the action plan cannot be rolled back now, or only with skip_irreversible or accept_drift',
  ),
  APPROVAL_NEEDED: row(
    'FAILED_PRECONDITION',
    5,
    'a second person has to agree to such an order, and only a plan can wait for one; nothing was sent',
  ),
  SECOND_PERSON_NEEDED: row(
    'PERMISSION_DENIED',
    5,
    'the caller made or started the action plan, or counts as who did; another person has to decide',
  ),
  TAKES_DOWN_MISMATCH: row(
    'FAILED_PRECONDITION',
    5,
    'the order would take down another number of running nodes than the client expects; nothing was written',
  ),
  TAKES_DOWN_UNSTATED: row(
    'FAILED_PRECONDITION',
    5,
    'the order would take down more running nodes than confirm_above, and its client has not stated how many; nothing was written',
  ),
  AUDIT_STATE: row('FAILED_PRECONDITION', 5, 'the audit is not in a state in which this can be done'),
  AGENT_NOT_ATTACHED: row('UNAVAILABLE', 6, 'no agent with this driver is attached for the zone', RETRYABLE),

  // The end of a power task
  NOT_STARTED: row(
    'DEADLINE_EXCEEDED',
    7,
    'the order did not reach the BMC within start_timeout; nothing was sent',
    RETRYABLE,
  ),
  TIMED_OUT: row('DEADLINE_EXCEEDED', 7, 'the order was sent but the target was not reached in time'),
  OUTCOME_UNKNOWN: row('ABORTED', 7, 'it is unknown whether the order was carried out'),
  GO_TOO_LATE: row('ABORTED', 7, 'the permission to send came too late; nothing was sent', RETRYABLE),
  NOT_SENT_IN_TIME: row('UNAVAILABLE', 7, 'the time to send the order was over; nothing was sent', RETRYABLE),
  NMI_NEEDS_POWER: row('FAILED_PRECONDITION', 7, 'an NMI was ordered for a node that is off; nothing was sent'),
  TASK_ABORTED: row('ABORTED', 8, 'the power task was aborted or withdrawn'),
  RECALL_FAILED: row('ABORTED', 7, 'the abort stopped the waiting, but the order could not be taken back'),
  ABORT_STOPPED_WAITING: row(
    'ABORTED',
    10,
    'the abort or the cancel only ended the waiting; the order was sent and may still take effect',
  ),
  NOTHING_TO_ABORT: row('FAILED_PRECONDITION', 11, 'no matching order was in its abortable part; nothing happened'),
  ABORT_TOO_LATE: row('FAILED_PRECONDITION', 12, 'the order had taken effect before it could be aborted'),

  // The end of an action
  ACTION_FAILED: row('ABORTED', 7, 'an action of the plan failed'),
  ACTION_TIMED_OUT: row('DEADLINE_EXCEEDED', 7, 'the action was not done within its timeout'),
  ACTION_STILL_RUNNING: row(
    'DEADLINE_EXCEEDED',
    7,
    'the action could not be aborted within cancel_deadline and may still run',
  ),
  ACTION_PLAN_CANCELLED: row('ABORTED', 8, 'the action plan was cancelled'),
  ACTION_REFUSED: row('FAILED_PRECONDITION', 7, 'the precondition of the action does not hold'),

  // What a compute service does
  CLOUD_UNKNOWN: row('FAILED_PRECONDITION', 7, 'no cloud of this name stands in clouds_file'),
  COMPUTE_SILENT: row(
    'UNAVAILABLE',
    7,
    'the compute service, or the identity service before it, cannot be reached or gave no answer',
    RETRYABLE,
  ),
  COMPUTE_BUSY: row('UNAVAILABLE', 7, 'the compute service asks to come back later', RETRYABLE),
  COMPUTE_LOGIN_REFUSED: row('FAILED_PRECONDITION', 7, 'the cloud does not accept the login in clouds_file'),
  COMPUTE_FORBIDDEN: row('FAILED_PRECONDITION', 7, 'the user in clouds_file may not do this; it needs the role admin'),
  COMPUTE_TOO_OLD: row('FAILED_PRECONDITION', 7, 'the compute service speaks only versions that are too old'),
  COMPUTE_NOT_FOUND: row('FAILED_PRECONDITION', 7, 'the compute service has no such instance, host or migration'),
  COMPUTE_REFUSED: row('FAILED_PRECONDITION', 7, 'the compute service refuses the order; it says why'),
  COMPUTE_GARBLED: row('UNAVAILABLE', 7, 'the compute service sent a malformed answer', RETRYABLE),
  MIGRATION_FAILED: row('ABORTED', 7, 'the instance was not moved; the compute service says why'),
  HOST_NOT_READY: row(
    'FAILED_PRECONDITION',
    7,
    'the instances of the host cannot all be moved away now; no plan was made, and the message names what is in the way',
  ),
  HOST_NOT_EMPTY: row('FAILED_PRECONDITION', 7, 'instances run on the host, or are being moved from or to it'),

  // What a BMC does
  BMC_SILENT: row('UNAVAILABLE', 7, 'the BMC does not answer', RETRYABLE),
  BMC_NAME_UNKNOWN: row('UNAVAILABLE', 7, 'no address can be found for the name of the BMC', RETRYABLE),
  BMC_MOVED: row(
    'ABORTED',
    7,
    'the name of the BMC was given another address just before the order; nothing was sent',
    RETRYABLE,
  ),
  BMC_IS_ANOTHER: row(
    'FAILED_PRECONDITION',
    7,
    'another server than that of the node answers at its address; nothing was sent',
  ),
  BMC_OUT_OF_BOUNDS: row(
    'FAILED_PRECONDITION',
    7,
    'bmc_access of the agent does not let it reach the address, use the secret there, or speak there in this way; nothing was sent',
  ),
  BMC_NO_ROUTE: row('UNAVAILABLE', 7, 'the agent knows no way to the address of the BMC', RETRYABLE),
  BMC_PORT_CLOSED: row('UNAVAILABLE', 7, 'the host of the BMC has the port closed', RETRYABLE),
  BMC_PROTOCOL_VIOLATION: row(
    'FAILED_PRECONDITION',
    7,
    'what answers there does not speak the protocol, or does not keep to it',
  ),
  BMC_USER_UNKNOWN: row('FAILED_PRECONDITION', 7, 'the BMC does not know the user'),
  BMC_PASSWORD_WRONG: row('FAILED_PRECONDITION', 7, 'the password is wrong'),
  BMC_KG_WRONG: row('FAILED_PRECONDITION', 7, 'the BMC has another key K_g'),
  BMC_LOGIN_REFUSED: row(
    'FAILED_PRECONDITION',
    7,
    'the BMC refuses user name, password or key, and does not say which',
  ),
  BMC_PRIVILEGE_TOO_LOW: row('FAILED_PRECONDITION', 7, 'the BMC user may not do this'),
  BMC_CERTIFICATE_REFUSED: row(
    'FAILED_PRECONDITION',
    7,
    'the certificate of the BMC is not accepted; nothing was sent to it',
  ),
  BMC_CIPHER_REFUSED: row('FAILED_PRECONDITION', 7, 'the BMC refuses the cipher suite'),
  BMC_NO_SESSION: row('RESOURCE_EXHAUSTED', 7, 'the BMC has no session left', RETRYABLE),
  BMC_BUSY: row('RESOURCE_EXHAUSTED', 7, 'the BMC asks to come back later', RETRYABLE),
  BMC_REFUSED: row('FAILED_PRECONDITION', 7, 'the BMC refuses the command'),
  BMC_WRONG_STATE: row('FAILED_PRECONDITION', 7, 'the BMC cannot do the command in the state that the node is in'),
  BMC_GARBLED: row('UNAVAILABLE', 7, 'the BMC sent a malformed response', RETRYABLE),
  NO_ANSWER: row('UNAVAILABLE', 7, 'the BMC did not answer the command; it may have been carried out'),
  SECRET_UNREADABLE: row(
    'FAILED_PRECONDITION',
    7,
    'the agent cannot read a file: or env: value of driver_info, or the conductor one of a sink',
  ),
  SINK_FAILED: row('UNAVAILABLE', 7, 'the receiver of a sink has not taken an event over', RETRYABLE),
  COMMAND_MISSING: row('FAILED_PRECONDITION', 7, 'a program that the driver needs is not installed beside the agent'),

  NODES_NOT_READ: row('UNAVAILABLE', 7, 'some of the named nodes could not be read; the answer says why', RETRYABLE),

  // The end of a command on the command line
  NOT_CONFIRMED: row('FAILED_PRECONDITION', 9, 'the order was not confirmed; nothing was sent'),
  OUTPUT_LOST: row(
    'CANCELLED',
    141,
    'stdout cannot be written any more, for example because its reader has gone; the work goes on',
  ),

  // What ends a wait: the reasons of abort signals
  CALL_ENDED: row('CANCELLED', 130, 'the client stopped listening; the work goes on'),
  ABORT_REQUESTED: row('ABORTED', 8, 'an abort was ordered for the power task'),
  ATTACHMENT_ENDED: row('UNAVAILABLE', 6, 'the stream between conductor and agent ended', RETRYABLE),
  TOOK_TOO_LONG: row('DEADLINE_EXCEEDED', 7, 'a wait inside the product reached its limit', RETRYABLE),
  SETTLED: row('OK', 0, 'the power task is at rest; there is nothing to wait for'),
  SHUTTING_DOWN: row('UNAVAILABLE', 6, 'the process stops; its work is carried on after the next start', RETRYABLE),

  // What keeps a process from starting
  CONFIGURATION_INVALID: row(
    'INVALID_ARGUMENT',
    2,
    'the configuration has an unknown key, a wrong type or an impossible value',
  ),
  DATA_FOLDER_UNUSABLE: row('FAILED_PRECONDITION', 5, 'the data folder cannot be written'),
  DATA_FOLDER_IN_USE: row('FAILED_PRECONDITION', 5, 'another conductor uses the data folder'),
  DATABASE_IN_USE: row('FAILED_PRECONDITION', 5, 'another conductor uses the PostgreSQL database'),
  DATABASE_REFUSED: row(
    'FAILED_PRECONDITION',
    5,
    'there is no database of countermand, or PostgreSQL refuses: wrong password, a missing right, read-only, too old, or a clock that differs',
  ),
  DATABASE_DAMAGED: row('FAILED_PRECONDITION', 5, 'the database file is empty, damaged, or not one of countermand'),
  DATABASE_TAKEN: row('UNAVAILABLE', 6, 'another conductor has opened the database since; this one stops', RETRYABLE),
  NOT_LEADING: row(
    'UNAVAILABLE',
    6,
    'the conductor does not lead, and the one that does cannot be reached through it; nothing was done',
    RETRYABLE,
  ),
  LEADERSHIP_LOST: row(
    'UNAVAILABLE',
    6,
    'the conductor has lost its database while it worked; whether this was done is known to the one that leads next',
    RETRYABLE,
  ),
  DATABASE_UNUSABLE: row('UNAVAILABLE', 6, 'the database cannot be read or written; nothing was written', RETRYABLE),
  DISK_FULL: row('RESOURCE_EXHAUSTED', 6, 'the disk of the database is full; nothing was written', RETRYABLE),
  DATABASE_NEWER: row('FAILED_PRECONDITION', 5, 'the database was written by a newer version'),
  BACKUP_REFUSED: row(
    'FAILED_PRECONDITION',
    5,
    'a backup cannot be made there, or cannot be put back there, as things are now; nothing was written',
  ),
  SECRETS_KEY_WRONG: row(
    'FAILED_PRECONDITION',
    5,
    'the driver_info in the database was sealed with another key than the conductor has; nothing was written',
  ),
  LISTEN_FAILED: row('UNAVAILABLE', 6, 'the address cannot be listened on'),
  CONDUCTOR_UNREACHABLE: row('UNAVAILABLE', 6, 'no conductor answers at this address', RETRYABLE),

  INTERNAL: row('INTERNAL', 1, 'a fault of ours; the log has it under the id in the message'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** The codes that mean that a BMC refused a login. To try again without a reason may lock the account. */
export const REFUSED_LOGINS: readonly ErrorCode[] = [
  'BMC_USER_UNKNOWN',
  'BMC_PASSWORD_WRONG',
  'BMC_KG_WRONG',
  'BMC_LOGIN_REFUSED',
];

/** What programs are told of an error beside its code. Secrets never belong here. */
export interface ErrorDetails {
  /** Which field of the request is wrong, as a path: `actions[2].timeout`. */
  readonly field?: string;
  /** What is wrong there: the sentence without the place, for clients that name the place in words of their own. */
  readonly rule?: string;
  /** The thing that the error is about. */
  readonly resource?: { readonly type: ResourceType; readonly name: string };
  /** The orders that would be accepted instead. */
  readonly possible?: readonly Possible[];
  /** Anything else that a client may want to word itself. */
  readonly facts?: Readonly<Record<string, string>>;
  /** When the same request may be accepted, in milliseconds from now; as the code says if left out. */
  readonly retryAfterMs?: number;
}

/**
 * The one error of the product: a code of the table and a sentence. Secrets never belong in the sentence. Half of a surrogate pair, where what was given
 * is cut, is no text to databases and strict readers of JSON: it becomes the replacement character.
 */
export class CountermandError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions, details: ErrorDetails = {}) {
    super(message.toWellFormed(), options);
    this.name = 'CountermandError';
    this.code = code;
    this.details = details;
  }

  /** The row of the table. */
  get row(): ErrorRow {
    return ERROR_TABLE[this.code];
  }
}

/** A shorter way to write the constructor. */
export function fail(code: ErrorCode, message: string, cause?: unknown): CountermandError {
  return new CountermandError(code, message, cause === undefined ? undefined : { cause });
}

/** An error with details for programs. */
export function failWith(
  code: ErrorCode,
  message: string,
  details: ErrorDetails,
  options?: ErrorOptions,
): CountermandError {
  return new CountermandError(code, message, options, details);
}

/** The error of a wrong field of a request. Its sentence names it. @param rule the sentence without the place */
export function failAt(code: ErrorCode, field: string, message: string, rule?: string): CountermandError {
  return failWith(code, message, { field, ...(rule !== undefined && { rule }) });
}

/** True for a code of the table; whatever came over a wire may be anything. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, code);
}

/** Any thrown thing as an error of ours; what is not ours becomes INTERNAL with the original as its cause. */
export function asCountermandError(thrown: unknown): CountermandError {
  if (thrown instanceof CountermandError) return thrown;
  return fail('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown), thrown);
}
