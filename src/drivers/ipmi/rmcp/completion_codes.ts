/** What a BMC says of a command (IPMI 2.0 table 5-2). */

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
} as const;

const WORDS: Readonly<Record<number, string>> = {
  0: 'command completed normally',
  192: 'node busy',
  193: 'invalid command',
  194: 'command invalid for given LUN',
  195: 'timeout while processing command',
  196: 'out of space',
  197: 'reservation canceled or invalid reservation id',
  198: 'request data truncated',
  199: 'request data length invalid',
  200: 'request data field length limit exceeded',
  201: 'parameter out of range',
  202: 'cannot return number of requested data bytes',
  203: 'requested sensor, data, or record not present',
  204: 'invalid data field in request',
  205: 'command illegal for specified sensor or record type',
  206: 'command response could not be provided',
  207: 'cannot execute duplicated request',
  208: 'command response could not be provided: SDR repository in update mode',
  209: 'command response could not be provided: device in firmware update mode',
  210: 'command response could not be provided: BMC initialization in progress',
  211: 'destination unavailable',
  212: 'insufficient privilege level',
  213: 'command not supported in present state',
  214: 'command sub-function is disabled or unavailable',
  255: 'unspecified error',
};

/** A completion code in words and as a number, for example `command not supported in present state (D5h)`. */
export function completionWords(code: number): string {
  const hex = `${code.toString(16).toUpperCase().padStart(2, '0')}h`;
  return `${WORDS[code] ?? (code >= 0x80 && code <= 0xbe ? 'a code of this command' : 'unknown completion code')} (${hex})`;
}
