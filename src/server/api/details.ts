/** What programs read of an error: google.rpc.Status with its details. */
import type { CountermandError } from '../../core/errors.ts';
import { cutText } from '../../core/texts.ts';
import * as power from '../../gen/countermand/v1/power.ts';
import type { Any } from '../../gen/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, RetryInfo } from '../../gen/google/rpc/error_details.ts';
import { Status } from '../../gen/google/rpc/status.ts';
import { toPossible } from './possible.ts';

const DOMAIN = 'countermand';

/** Clients limit trailing metadata, some of them to 8 KB with the sentence. */
const BYTES_LIMIT = 4096;
/** The description of a wrong field says what is wrong with it, or repeats the sentence, up to this length. */
const DESCRIPTION_LIMIT = 300;
/** More orders are not told. */
const ORDERS_TOLD = 5;
const FACT_LIMIT = 255;

/** When a request that may succeed later may be sent again. A full disk takes an operator. */
const RETRY_AFTER_S = { usual: 1, DISK_FULL: 10 };

/** The code of an error and what is known about it, for programs. */
export function errorInfoOf({ code, row, details }: CountermandError): ErrorInfo {
  const { field, resource, facts = {} } = details;
  const known = {
    retryable: String(row.retryable),
    ...(field !== undefined && { field }),
    ...(resource !== undefined && { resource_type: resource.type, resource_name: resource.name }),
    ...facts,
  };
  const metadata = Object.fromEntries(Object.entries(known).map(([key, value]) => [key, cutText(value, FACT_LIMIT)]));
  return { reason: code, domain: DOMAIN, metadata };
}

function packed(name: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/${name}`, value: Buffer.from(value) };
}

/** What a status says of an error beside the sentence: google.rpc's details and possible orders, the most important first. */
export function detailsOf(error: CountermandError, message: string): Any[] {
  const { code, row, details } = error;
  const all = [packed('google.rpc.ErrorInfo', ErrorInfo.encode(errorInfoOf(error)).finish())];
  const { field, rule } = details;
  if (field !== undefined && (rule !== undefined || row.status === 'INVALID_ARGUMENT')) {
    const violation = { field, description: cutText(rule ?? message, DESCRIPTION_LIMIT) };
    all.push(packed('google.rpc.BadRequest', BadRequest.encode({ fieldViolations: [violation] }).finish()));
  }
  if (row.retryable) {
    const usual = code === 'DISK_FULL' ? RETRY_AFTER_S.DISK_FULL : RETRY_AFTER_S.usual;
    const ms = details.retryAfterMs ?? usual * 1000;
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
    all.push(packed('google.rpc.RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  for (const possible of details.possible?.slice(0, ORDERS_TOLD) ?? [])
    all.push(packed('countermand.v1.Possible', power.Possible.encode(toPossible(possible)).finish()));
  return all;
}

/**
 * The status of an error, encoded. Details that would make it too large are left out, from the last; null if it is too large
 * without any.
 * @param code the number of the gRPC status
 * @param message the sentence as it is sent beside it: clients compare the two
 */
export function encodeStatus(error: CountermandError, code: number, message: string): Uint8Array | null {
  for (let details = detailsOf(error, message); ; details = details.slice(0, -1)) {
    const bytes = Status.encode({ code, message, details }).finish();
    if (bytes.length <= BYTES_LIMIT) return bytes;
    if (details.length === 0) return null;
  }
}
