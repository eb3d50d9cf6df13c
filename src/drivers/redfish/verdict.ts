/** What the answer to a Reset proves: accepted, not carried out, or neither. */
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { jsonOf } from '../https.ts';
import type { RedfishReply } from './http.ts';
import { codeOf, isDoubtful, isSuccess, type Said, wordsOf } from './messages.ts';

/** The statuses after which nothing was carried out, and what they mean if no MessageId says more. */
const NOT_DONE: Readonly<Record<number, ErrorCode>> = {
  400: 'BMC_REFUSED',
  403: 'BMC_PRIVILEGE_TOO_LOW',
  404: 'BMC_REFUSED',
  405: 'TARGET_NOT_SUPPORTED',
  406: 'BMC_REFUSED',
  409: 'BMC_WRONG_STATE',
  410: 'BMC_REFUSED',
  411: 'BMC_REFUSED',
  412: 'BMC_REFUSED',
  413: 'BMC_REFUSED',
  415: 'BMC_REFUSED',
  422: 'BMC_REFUSED',
  428: 'BMC_REFUSED',
  429: 'BMC_BUSY',
  501: 'TARGET_NOT_SUPPORTED',
};

const ACCEPTED: readonly number[] = [200, 201, 202, 204];

/**
 * Judges the answer to a Reset.
 * @param what the order with its target, for messages
 * @param said what the body says; null if it is no body of a Redfish service
 * @returns null if the BMC has accepted it. Else the error, with a code that proves that nothing was carried out where the answer
 * does, and BMC_GARBLED where the outcome is unknown
 */
export function judge(
  { status, text }: Pick<RedfishReply, 'status' | 'text'>,
  said: Said | null,
  who: string,
  what: string,
): CountermandError | null {
  const words = wordsOf(status, said);
  if (ACCEPTED.includes(status) && said === null && text.trim() !== '' && jsonOf(text) === undefined)
    return fail(
      'BMC_GARBLED',
      `${who} answers HTTP ${status} and no JSON to ${what}; the order may have been carried out`,
    );
  if (ACCEPTED.includes(status)) {
    // A Task may be in the body of a 202; what it says of itself is not about the order.
    if (status !== 200 || said === null || !said.isError || isSuccess(said)) return null;
    const meant = codeOf(said);
    if (meant !== null) return fail(meant, `${who} refuses ${what} (${words})`);
  } else if (status === 503) {
    // Without a body of the service itself it comes from a web server before it, which may have handed the order on.
    if (said !== null && !isDoubtful(said)) {
      return fail(codeOf(said) ?? 'BMC_BUSY', `${who} does not take ${what} now (${words}); try again later`);
    }
  } else {
    const meant = NOT_DONE[status];
    if (meant !== undefined && (said === null || !isDoubtful(said)))
      return fail(codeOf(said) ?? meant, `${who} refuses ${what} (${words})`);
  }
  return fail('BMC_GARBLED', `${who} answers ${words} to ${what}; the order may have been carried out`);
}
