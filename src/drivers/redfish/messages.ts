/** What a Redfish service says when it refuses: the MessageIds of its error bodies, and what each means for an order. */
import * as z from 'zod';
import type { ErrorCode } from '../../core/errors.ts';
import { quoted } from '../../core/masking.ts';

/** What a refusal tells. */
export interface Said {
  /** The last segments of the MessageIds: prefix and version differ between vendors and releases. They may be any text. */
  readonly ids: readonly string[];
  /** For people: MessageIds and messages, secrets masked. Empty if the body has none. */
  readonly words: string;
  /** It is about an error: it stands where errors stand, or says that it is critical. */
  readonly isError: boolean;
}

const message = z.looseObject({
  MessageId: z.string().optional().catch(undefined),
  /** As iLO 4 and some others write it. */
  MessageID: z.string().optional().catch(undefined),
  Message: z.string().optional().catch(undefined),
  Severity: z.string().optional().catch(undefined),
  MessageSeverity: z.string().optional().catch(undefined),
});
/** More are not looked at. */
const MOST_MESSAGES = 20;
const messages = z
  .preprocess(
    (all) => (Array.isArray(all) ? all.slice(0, MOST_MESSAGES) : all),
    z.union([z.array(message), message.transform((one) => [one])]),
  )
  .catch([]);
const errorBody = z.looseObject({
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  '@Message.ExtendedInfo': messages,
});
const body = z.looseObject({
  error: errorBody.optional().catch(undefined),
  '@Message.ExtendedInfo': messages.optional(),
  /** As iLO 4 writes it. */
  Messages: messages.optional(),
});

/** More than this is cut: it stands in an error for people. */
const LONGEST_WORDS = 300;
/** What an id looks like. What else stands in its place is a text. */
const ID = /^[\w-]{1,64}$/;

/**
 * Reads an error body, whatever it is.
 * @param secrets are masked: a BMC may repeat what it was sent
 * @returns null if it is no body of a Redfish service
 */
export function readSaid(page: unknown, secrets: readonly string[]): Said | null {
  const parsed = body.safeParse(page);
  if (!parsed.success) return null;
  const { error, Messages: old = [], '@Message.ExtendedInfo': beside = [] } = parsed.data;
  const found = [...(error?.['@Message.ExtendedInfo'] ?? []), ...beside, ...old].slice(0, MOST_MESSAGES);
  if (error === undefined && found.length === 0) return null;
  const rows = found.map((each) => ({
    id: lastSegment(each.MessageId ?? each.MessageID ?? ''),
    text: each.Message ?? '',
  }));
  if (rows.length === 0) rows.push({ id: lastSegment(error?.code ?? ''), text: error?.message ?? '' });
  const told = rows.map(({ id, text }) => [id, text].filter((part) => part !== '').join(': '));
  const isCritical = found.some((each) => [each.Severity, each.MessageSeverity].includes('Critical'));
  return {
    ids: rows.map(({ id }) => id).filter((id) => id !== ''),
    words: quoted(told.join('; '), secrets, LONGEST_WORDS),
    isError: error !== undefined || isCritical,
  };
}

const lastSegment = (id: string): string => (id.split('.').at(-1) ?? '').trim();

/**
 * An answer in words, for an error. What a BMC says about a login may repeat it in a spelling that is not masked: of such an answer only
 * the ids are told.
 */
export function wordsOf(status: number, said: Said | null): string {
  if (status === 401 || codeOf(said) === 'BMC_LOGIN_REFUSED') return idsOf(status, said);
  return said === null || said.words === '' ? `HTTP ${status}` : `HTTP ${status}: ${said.words}`;
}

/** The status of an answer and the ids of its messages, and none of its words. */
export function idsOf(status: number, said: Said | null): string {
  return [`HTTP ${status}`, ...(said?.ids ?? []).filter((id) => ID.test(id))].join(' ');
}

/** MessageIds by what they mean. An order that got one of these was not carried out. */
const MEANINGS: readonly (readonly [code: ErrorCode, ids: readonly string[]])[] = [
  ['BMC_NO_SESSION', ['SessionLimitExceeded', 'RAC0218']],
  [
    'BMC_LOGIN_REFUSED',
    [
      'NoValidSession',
      'AccessDenied',
      'AccessUnauthorized',
      'ResourceAtUriUnauthorized',
      'PasswordChangeRequired',
      'UnauthorizedLoginAttempt',
    ],
  ],
  ['BMC_PRIVILEGE_TOO_LOW', ['InsufficientPrivilege']],
  [
    'TARGET_NOT_SUPPORTED',
    [
      'ActionNotSupported',
      'ActionParameterNotSupported',
      'ActionParameterValueNotInList',
      'ActionParameterUnknown',
      'PropertyValueNotInList',
      'LicenseRequired',
      'OemLicenseNotPassed',
    ],
  ],
  ['BMC_REFUSED', ['PropertyValueIncorrect']],
  [
    'BMC_WRONG_STATE',
    [
      'PSU501',
      'PSU502',
      'InvalidOperationForSystemState',
      'ChassisPowerStateOnRequired',
      'ChassisPowerStateOffRequired',
      'ResourceInStandby',
      'PropertyValueExternalConflict',
    ],
  ],
  [
    'BMC_BUSY',
    [
      'ActionParameterValueConflict',
      'UnableToModifyDuringSystemPOST',
      'ResourceNotReadyRetry',
      'ServiceTemporarilyUnavailable',
      'ResourceInUse',
      'ServiceShuttingDown',
      'ServiceInUnknownState',
      'ResourceExhaustion',
      'SYS518',
      'RAC0679',
      'LC068',
      // The vendor's own spelling.
      'HMCCommuicationFailed',
    ],
  ],
];

/** MessageIds after which an order may have been carried out all the same. */
const DOUBTFUL: readonly string[] = ['OperationTimeout', 'InternalError'];

/** MessageIds of a success. HPE sends them in an error body. */
const SUCCESSES: readonly string[] = ['Success', 'Created', 'Accepted', 'ResetInProgress'];

/** What a refusal means by its MessageIds; null if none is known, or if one leaves it open whether something was done. */
export function codeOf(said: Said | null): ErrorCode | null {
  if (said === null || isDoubtful(said)) return null;
  return MEANINGS.find(([, ids]) => ids.some((id) => said.ids.includes(id)))?.[0] ?? null;
}

/** True if the BMC itself does not know what it has done. */
export function isDoubtful(said: Said): boolean {
  return DOUBTFUL.some((id) => said.ids.includes(id));
}

/** True if all that is said is that it went well. */
export function isSuccess({ ids }: Said): boolean {
  return ids.length > 0 && ids.every((id) => SUCCESSES.includes(id));
}
