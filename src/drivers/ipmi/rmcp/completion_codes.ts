/** What a BMC says of a command, and what that proves (IPMI 2.0 section 5.2, table 5-2). */

/** The codes that the client looks at. */
export const COMPLETION = {
  ok: 0x00,
  nodeBusy: 0xc0,
  invalidCommand: 0xc1,
  timeout: 0xc3,
  outOfSpace: 0xc4,
  invalidData: 0xcc,
  noResponse: 0xce,
  initializing: 0xd2,
  insufficientPrivilege: 0xd4,
  notInPresentState: 0xd5,
  unspecified: 0xff,
} as const;

/**
 * done: it was carried out. not done: it was not, and the same command will be refused again. not now: it was not, and may be
 * taken later. unknown: the code is about the answer alone, so the outcome of the command is unknown.
 */
type Proof = 'done' | 'not done' | 'not now' | 'unknown';

/** One row of the table. */
interface CompletionRow {
  readonly words: string;
  readonly proves: Proof;
}

const row = (words: string, proves: Proof): CompletionRow => ({ words, proves });

const TABLE: Readonly<Record<number, CompletionRow>> = {
  0: row('command completed normally', 'done'),
  192: row('node busy', 'not now'),
  193: row('invalid command', 'not done'),
  194: row('command invalid for given LUN', 'not done'),
  // "Response unavailable": it may have been carried out meanwhile.
  195: row('timeout while processing command', 'unknown'),
  196: row('out of space', 'not now'),
  197: row('reservation canceled or invalid reservation id', 'not done'),
  198: row('request data truncated', 'not done'),
  199: row('request data length invalid', 'not done'),
  200: row('request data field length limit exceeded', 'not done'),
  201: row('parameter out of range', 'not done'),
  // About the answer: the command may well have been carried out.
  202: row('cannot return number of requested data bytes', 'unknown'),
  203: row('requested sensor, data, or record not present', 'not done'),
  204: row('invalid data field in request', 'not done'),
  205: row('command illegal for specified sensor or record type', 'not done'),
  206: row('command response could not be provided', 'unknown'),
  // The original was taken; what became of it is not said again.
  207: row('cannot execute duplicated request', 'unknown'),
  // A device in update mode or still starting takes no commands.
  208: row('command response could not be provided: SDR repository in update mode', 'not now'),
  209: row('command response could not be provided: device in firmware update mode', 'not now'),
  210: row('command response could not be provided: BMC initialization in progress', 'not now'),
  211: row('destination unavailable', 'not done'),
  212: row('insufficient privilege level', 'not done'),
  213: row('command not supported in present state', 'not done'),
  214: row('command sub-function is disabled or unavailable', 'not done'),
  // What BMCs say when the hardware refuses; those that we know have changed nothing.
  255: row('unspecified error', 'not done'),
};

/** The row of a completion code. Codes of one command (80h to BEh), of makers and reserved ones are refusals. */
export function completionRow(code: number): CompletionRow {
  const isOfCommand = code >= 0x80 && code <= 0xbe;
  return TABLE[code] ?? row(isOfCommand ? 'a code of this command' : 'unknown completion code', 'not done');
}

/** A completion code in words and as a number, for example `command not supported in present state (D5h)`. */
export function completionWords(code: number): string {
  const hex = `${code.toString(16).toUpperCase().padStart(2, '0')}h`;
  return `${completionRow(code).words} (${hex})`;
}
