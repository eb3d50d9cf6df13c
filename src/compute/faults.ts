/** What a compute service or its identity service said, as our errors. Secrets are masked in whatever they repeat. */
import { asCountermandError, type CountermandError, type ErrorCode, fail } from '../core/errors.ts';
import { quoted } from '../core/masking.ts';
import { type HttpAnswer, NotReached, TooLarge } from './transport.ts';

/** Longer sentences of a service are cut. */
const SAID_LIMIT = 500;

/** Whose words these are, and what must not be repeated of them. */
export interface Speaker {
  readonly cloud: string;
  /** As the subject of a sentence: `the compute service`. */
  readonly what: string;
  readonly secrets: readonly string[];
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'COMPUTE_LOGIN_REFUSED',
  403: 'COMPUTE_FORBIDDEN',
  404: 'COMPUTE_NOT_FOUND',
  406: 'COMPUTE_TOO_OLD',
  413: 'COMPUTE_BUSY',
  429: 'COMPUTE_BUSY',
  503: 'COMPUTE_BUSY',
};

/** An answer that is no success, as an error. */
export function refusal({ status, body }: HttpAnswer, { cloud, what, secrets }: Speaker): CountermandError {
  const code = CODES[status] ?? (status >= 500 ? 'COMPUTE_SILENT' : 'COMPUTE_REFUSED');
  const said = quoted(messageOf(body), secrets, SAID_LIMIT);
  return fail(
    code,
    `cloud '${cloud}': ${what} answers ${status}${said === '' ? '' : `: ${said}`}${HINTS[status] ?? ''}`,
  );
}

const HINTS: Readonly<Record<number, string>> = {
  401: '; check its login in clouds_file',
  403: '; moving instances to a host needs a user with the role admin',
};

/** `{"itemNotFound": {"code": 404, "message": "..."}}`, `{"error": {...}}`, or whatever stands there. */
function messageOf(body: string): string {
  try {
    const [fault] = Object.values(JSON.parse(body) as object);
    const { message } = fault as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    // A page of a proxy says nothing that helps.
    return '';
  }
}

/** What went wrong on the way, as an error; the reasons of signals, and errors that are ours already, stay. */
export function lost(thrown: unknown, { cloud, what, secrets }: Speaker): CountermandError {
  const ours = asCountermandError(thrown);
  if (ours.code !== 'INTERNAL') return ours;
  if (thrown instanceof TooLarge) return garbled({ cloud, what }, thrown.message);
  const said = quoted((thrown as Error).message ?? '', secrets, SAID_LIMIT);
  const how = thrown instanceof NotReached ? 'cannot be reached' : 'gave no answer';
  return fail('COMPUTE_SILENT', `cloud '${cloud}': ${what} ${how}: ${said}`);
}

/** An answer that says something else than it may. */
export function garbled({ cloud, what }: Pick<Speaker, 'cloud' | 'what'>, why: string): CountermandError {
  return fail('COMPUTE_GARBLED', `cloud '${cloud}': ${what} does not answer as it should: ${why}`);
}
