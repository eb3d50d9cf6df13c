/** The one place where what came with a request becomes an identity. */
import type { Clock } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, fail, failWith } from '../../core/errors.ts';
import type { Log } from '../log.ts';
import type { TokenRow } from '../store/tokens.ts';
import {
  agentName,
  type ClientCertificate,
  type Credentials,
  type Identify,
  type Identity,
  NAME_LIMIT,
} from './identity.ts';
import { openJwt, type SubjectOf } from './jwt.ts';
import type { Methods } from './methods.ts';
import { openPasswords, type Passwords } from './passwords.ts';
import { TOKEN_PREFIX, type Tokens } from './tokens.ts';

/** The tokens that a conductor has made. */
type KnownTokens = Pick<Tokens, 'find' | 'current'>;

interface Opened {
  readonly tokens: KnownTokens;
  readonly certificates: boolean;
  readonly subjectOf: SubjectOf | null;
  readonly passwords: Passwords | null;
  readonly clock: Clock;
}

/**
 * Answers who asks, by one of the methods. A caller without good credentials is refused; one who brings several is who the authorization
 * says.
 * @throws CONFIGURATION_INVALID if a file that a method needs cannot be used
 */
export function createAuthenticator(
  methods: Methods,
  clock: Clock,
  log: Pick<Log, 'error'>,
): (tokens: KnownTokens) => Identify {
  const opened = {
    certificates: methods.certificates,
    subjectOf: methods.jwt && openJwt(methods.jwt, clock),
    passwords: methods.htpasswd === null ? null : openPasswords(methods.htpasswd, clock),
    clock,
  };
  let logged: unknown = null;
  return (tokens) => async (credentials) => {
    try {
      return await identify(credentials, { ...opened, tokens });
    } catch (error) {
      const { code, message } = asCountermandError(error);
      if (code !== 'CONFIGURATION_INVALID') throw error;
      // The path and what is wrong there are not for whoever calls.
      if (error !== logged) log.error({ reason: message }, 'callers cannot be identified');
      logged = error;
      throw fail('KEYS_UNREACHABLE', 'the conductor cannot look up who calls; its log says why');
    }
  };
}

async function identify({ authorization, token, certificate }: Credentials, opened: Opened): Promise<Identity> {
  const [scheme = '', value = '', ...more] = authorization?.trim().split(/\s+/) ?? [];
  // HTTP joins two headers with a comma, and base64 would be read up to it: which one counts is not guessed.
  if (more.length > 0 || value.includes(','))
    throw refused('the authorization is not one scheme with one value', opened);
  if (/^bearer$/i.test(scheme)) return byToken(value, opened);
  if (/^basic$/i.test(scheme)) return byPassword(value, opened);
  if (authorization !== null) throw refused('the authorization is neither Bearer nor Basic', opened);
  if (token !== null) return byToken(token, opened);
  if (certificate !== null && opened.certificates) return byCertificate(certificate, opened);
  throw refused('the call says not who makes it', opened);
}

async function byToken(token: string, opened: Opened): Promise<Identity> {
  if (token.startsWith(TOKEN_PREFIX)) return byOwnToken(token, opened);
  if (opened.subjectOf === null) throw refused('tokens of others than this conductor are not accepted here', opened);
  const subject = await opened.subjectOf(token).catch((error: unknown) => {
    const { code, message } = asCountermandError(error);
    throw code === 'UNAUTHENTICATED' ? refused(message, opened) : error;
  });
  return named('jwt', subject.name, subject.objection, opened);
}

function byOwnToken(secret: string, opened: Opened): Identity {
  const token = opened.tokens.find(secret);
  if (token === null) throw refused('this conductor has not made the token', opened);
  const objection = (): string | null => objectionTo(opened.tokens.current(token), opened.clock);
  const ended = objection();
  if (ended !== null) throw refused(ended, opened);
  if (token.agentZones.length > 0) return { name: agentName(token.name), agentZones: token.agentZones, objection };
  return { ...named('token', token.name, objection, opened), role: token.role };
}

/** Why a token is not good any more; null while it is. */
export function objectionTo({ name, revokedAt, expiresAt }: TokenRow, clock: Clock): string | null {
  if (revokedAt !== null) return `the token ${name} was revoked`;
  return clock.now() >= expiresAt ? `the token ${name} has expired` : null;
}

async function byPassword(encoded: string, opened: Opened): Promise<Identity> {
  if (opened.passwords === null) throw refused('user names and passwords are not accepted here', opened);
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  const still = user === '' ? null : await opened.passwords.fit(user, password);
  if (still === null) throw refused('the user name or the password is wrong', opened);
  return named('basic', user, () => (still() ? null : `the password of ${user} is not good any more`), opened);
}

function byCertificate({ name, validTo, problem }: ClientCertificate, opened: Opened): Identity {
  if (problem !== null) throw refused(`the client certificate is not accepted (${problem})`, opened);
  // It was good when the connection began, and that may be long ago.
  const objection = (): string | null => (opened.clock.now() > validTo ? 'the client certificate has expired' : null);
  const expired = objection();
  if (expired !== null) throw refused(expired, opened);
  return named('certificate', name, objection, opened);
}

function named(method: string, who: string, objection: () => string | null, opened: Opened): Identity {
  const name = `${method}:${who}`;
  if (who !== '' && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name)) return { name, agentZones: null, objection };
  throw refused(
    `a name must have 1 to ${NAME_LIMIT - method.length - 1} characters, none of them a control character`,
    opened,
  );
}

/** The sentence with what would be accepted. Which of it was nearly right is not said. */
function refused(sentence: string, { certificates, subjectOf, passwords }: Opened): CountermandError {
  const ways = [
    certificates ? ['certificate', 'a client certificate'] : [],
    ['token', 'a token of this conductor'],
    subjectOf ? ['jwt', 'a JSON Web Token of the issuer'] : [],
    passwords ? ['basic', 'a user name with its password (HTTP basic)'] : [],
  ].filter(([name]) => name !== undefined);
  const accepted = ways.map(([, words]) => words).join(', ');
  const facts = { accepted: ways.map(([name]) => name).join(', ') };
  return failWith('UNAUTHENTICATED', `${sentence}; accepted: ${accepted}`, { facts });
}
