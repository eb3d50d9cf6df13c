/** Logging in to Keystone: a token, until when it is good, and where the compute service is. */
import * as z from 'zod';
import { type CountermandError, fail } from '../core/errors.ts';
import type { Cloud, CloudLogin } from './cloud.ts';
import { garbled, lost, refusal, type Speaker } from './faults.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** What requests to the compute service need. */
export interface Entry {
  /** Null: none is sent. */
  readonly token: string | null;
  /** Milliseconds since 1970; null if it does not expire, as far as is known. */
  readonly expiresAt: number | null;
  /** The compute service, without a slash at its end. */
  readonly endpoint: string;
}

const catalogSchema = z.array(
  z.looseObject({
    type: z.string(),
    endpoints: z.array(z.looseObject({ interface: z.string(), region_id: z.string().nullish(), url: z.string() })),
  }),
);
const answerSchema = z.looseObject({
  token: z.looseObject({ expires_at: z.string(), catalog: catalogSchema.optional() }),
});

type WithKeystone = Exclude<CloudLogin, { kind: 'none' }>;

/**
 * Logs in, once.
 * @throws COMPUTE_LOGIN_REFUSED, COMPUTE_SILENT, COMPUTE_BUSY, COMPUTE_REFUSED, COMPUTE_GARBLED, CONFIGURATION_INVALID for a secret
 *   that cannot be read; and the reason of the signal
 */
export async function logIn(cloud: Cloud, transport: Transport, signal: AbortSignal): Promise<Entry> {
  const { login, endpoint } = cloud;
  if (login.kind === 'none') {
    if (endpoint === null) throw fail('CONFIGURATION_INVALID', `cloud '${cloud.name}' has no auth_url and no endpoint`);
    return { token: login.secret?.() ?? null, expiresAt: null, endpoint: trimmed(endpoint) };
  }
  const secret = login.secret();
  const speaker: Speaker = { cloud: cloud.name, what: `the identity service at ${login.url}`, secrets: [secret] };
  const answer = await transport(requestOf(login, secret), signal).catch((thrown: unknown) => {
    throw signal.aborted ? signal.reason : lost(thrown, speaker);
  });
  if (answer.status !== 201) throw refusal(answer, speaker);
  const token = answer.headers['x-subject-token'];
  const parsed = answerSchema.safeParse(jsonOf(answer.body));
  if (!token || !parsed.success) throw garbled(speaker, 'it gave no token');
  const { expires_at: expires, catalog = [] } = parsed.data.token;
  const expiresAt = Date.parse(expires);
  if (Number.isNaN(expiresAt)) throw garbled(speaker, 'its token does not say when it expires');
  return { token, expiresAt, endpoint: trimmed(endpoint ?? endpointIn(catalog, cloud)) };
}

function requestOf(login: WithKeystone, secret: string): HttpRequest {
  return {
    method: 'POST',
    url: `${trimmed(login.url)}/auth/tokens`,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ auth: login.kind === 'password' ? byPassword(login, secret) : byCredential(login, secret) }),
  };
}

type OfKind<Kind> = Extract<CloudLogin, { kind: Kind }>;

const byPassword = (login: OfKind<'password'>, password: string): object => ({
  identity: {
    methods: ['password'],
    password: { user: { name: login.user, domain: { name: login.userDomain }, password } },
  },
  scope: { project: { name: login.project, domain: { name: login.projectDomain } } },
});

// It carries its project: with a scope it is refused.
const byCredential = ({ id }: OfKind<'application_credential'>, secret: string): object => ({
  identity: { methods: ['application_credential'], application_credential: { id, secret } },
});

/** @throws COMPUTE_REFUSED naming what the catalog has */
function endpointIn(catalog: z.infer<typeof catalogSchema>, { name, interface: wanted, region }: Cloud): string {
  const all = catalog.filter(({ type }) => type === 'compute').flatMap(({ endpoints }) => endpoints);
  const found = all.find((each) => each.interface === wanted && (region === null || each.region_id === region));
  if (found) return found.url;
  const has = all.map((each) => `${each.interface} in ${each.region_id ?? 'no region'}`).join(', ');
  const where = region === null ? '' : ` in region ${region}`;
  throw noEndpoint(
    `cloud '${name}': its catalog has no ${wanted} endpoint of type compute${where}; it has ${has || 'none'}`,
  );
}

const noEndpoint = (sentence: string): CountermandError => fail('COMPUTE_REFUSED', sentence);

const trimmed = (url: string): string => url.replace(/\/+$/, '');

/** The value of a JSON text; undefined if it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
