/** JSON Web Tokens of an issuer that the operator trusts. */
import { createPublicKey } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Clock } from '../../core/clock.ts';
import { digestOf } from '../../core/digest.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import { openFreshFile } from './fresh_file.ts';
import { isKeySetUrl, type JwtRules } from './methods.ts';

/** The subject of a good token. */
interface Subject {
  readonly name: string;
  /** Why it is not good any more, or null. */
  readonly objection: () => string | null;
}

/** Answers the subject of a good token. @throws UNAUTHENTICATED with the reason, or KEYS_UNREACHABLE */
export type SubjectOf = (token: string) => Promise<Subject>;

/** Signatures by a key that only the issuer has. `none`, and secrets that two share, are none of these. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** How long a token that was good is not looked at again, and how many are remembered. */
const REMEMBERED = { ms: 60_000, tokens: 1000 };

/** @throws CONFIGURATION_INVALID if the file of keys cannot be used, or the URL is not one of https */
export function openJwt(rules: JwtRules, clock: Clock): SubjectOf {
  const keysNow = keysOf(rules.keys, clock);
  const good = new Map<string, { readonly subject: Subject; readonly until: number; readonly keys: JWTVerifyGetKey }>();
  return async (token) => {
    const keys = keysNow();
    const key = digestOf(token);
    const before = good.get(key);
    // Other keys may have come: the old ones were perhaps taken back.
    if (before && before.keys === keys && clock.now() < before.until) return before.subject;
    good.delete(key);
    const { name, expires } = await verify(token, keys, rules, clock);
    const subject = { name, objection: () => objectionTo(expires, keys, { keysNow, clock }) };
    if (good.size >= REMEMBERED.tokens) good.clear();
    good.set(key, { subject, until: Math.min(expires, clock.now() + REMEMBERED.ms), keys });
    return subject;
  };
}

async function verify(token: string, keys: JWTVerifyGetKey, { issuer, audience, clockSkewMs }: JwtRules, clock: Clock) {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: clockSkewMs / 1000,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'sub'],
    });
    // A number or a list would be written as the name of another subject.
    if (typeof payload.sub !== 'string')
      throw fail('UNAUTHENTICATED', 'the bearer token is not accepted: its sub is no text');
    return { name: payload.sub, expires: Number(payload.exp) * 1000 + clockSkewMs };
  } catch (error) {
    if (error instanceof CountermandError) throw error;
    if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) {
      const reason = reasonOf(error);
      if (reason !== null) throw fail('UNAUTHENTICATED', `the bearer token is not accepted: ${reason}`, error);
    }
    throw fail(
      'KEYS_UNREACHABLE',
      'the keys of the issuer of the bearer token cannot be fetched; try again in a moment',
      error,
    );
  }
}

/** Keys that cannot be read now are an objection at the next call, not to a stream that runs. */
function objectionTo(
  expires: number,
  keys: JWTVerifyGetKey,
  { keysNow, clock }: { readonly keysNow: () => JWTVerifyGetKey; readonly clock: Clock },
): string | null {
  if (clock.now() >= expires) return 'the bearer token has expired';
  try {
    return keysNow() === keys ? null : 'the keys of the issuer of the bearer token have changed';
  } catch {
    return null;
  }
}

/** Why a token is not good; null if that is not known. */
function reasonOf(error: errors.JOSEError): string | null {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.reason === 'missing' ? `it has no ${error.claim}` : `its ${error.claim} is not the one that is wanted`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not one of a public key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not by a key of the issuer';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'it names no key of the issuer';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'it is no JSON Web Token';
  if (error instanceof errors.JOSENotSupported) return 'it uses what is not supported';
  return null;
}

/** The keys as they are now; another object when they have changed. */
function keysOf(keys: string, clock: Clock): () => JWTVerifyGetKey {
  if (!/^https?:/.test(keys)) {
    const file = openFreshFile(keys, (text) => createLocalJWKSet(parse(text, keys)), clock);
    return () => file.current();
  }
  if (!isKeySetUrl(keys))
    throw fail('CONFIGURATION_INVALID', 'jwt_keys is a URL, and keys come by https and without a user, or from a file');
  const remote = createRemoteJWKSet(new URL(keys));
  return () => remote;
}

function parse(text: string, path: string): JSONWebKeySet {
  try {
    if (text.includes('-----BEGIN '))
      return { keys: [createPublicKey(text).export({ format: 'jwk' })] } as JSONWebKeySet;
    const set = JSON.parse(text);
    createLocalJWKSet(set);
    const secret = set.keys.find(
      (key: { readonly kty?: unknown; readonly d?: unknown }) => key.kty === 'oct' || key.d !== undefined,
    );
    if (secret === undefined) return set;
  } catch (error) {
    throw fail(
      'CONFIGURATION_INVALID',
      `${path} is neither a JWKS nor a public key in PEM: ${(error as Error).message}`,
    );
  }
  throw fail('CONFIGURATION_INVALID', `${path} has a key that is not public; whoever reads it could make tokens`);
}
