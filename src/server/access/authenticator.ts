/** The one place where what came with a request becomes an identity. */
import type { Clock } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, fail, failWith } from '../../core/errors.ts';
import { type ClientCertificate, type Credentials, type Identify, type Identity, NAME_LIMIT } from './identity.ts';
import { openJwt, type SubjectOf } from './jwt.ts';
import type { Methods } from './methods.ts';
import { openPasswords, type Passwords } from './passwords.ts';

/** Where it is told that a file cannot be used any more. */
interface Log {
  error(fields: object, message: string): void;
}

interface Opened {
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
export function createAuthenticator(methods: Methods, clock: Clock, log: Log): Identify {
  const opened: Opened = {
    certificates: methods.certificates,
    subjectOf: methods.jwt && openJwt(methods.jwt, clock),
    passwords: methods.htpasswd === null ? null : openPasswords(methods.htpasswd, clock),
    clock,
  };
  return async (credentials) => {
    try {
      return await identify(credentials, opened);
    } catch (error) {
      const { code, message } = asCountermandError(error);
      if (code !== 'CONFIGURATION_INVALID') throw error;
      // The path and what is wrong there are not for whoever calls.
      log.error({ reason: message }, 'callers cannot be identified');
      throw fail('KEYS_UNREACHABLE', 'the conductor cannot look up who calls; its log says why');
    }
  };
}

async function identify({ authorization, token, certificate }: Credentials, opened: Opened): Promise<Identity> {
  const [scheme = '', value = ''] = authorization?.trim().split(/\s+/) ?? [];
  if (/^bearer$/i.test(scheme)) return byToken(value, opened);
  if (/^basic$/i.test(scheme)) return byPassword(value, opened);
  if (authorization !== null) throw refused('the authorization is neither Bearer nor Basic', opened);
  if (token !== null) return byToken(token, opened);
  if (certificate !== null && opened.certificates) return byCertificate(certificate, opened);
  throw refused('the call says not who makes it', opened);
}

async function byToken(token: string, opened: Opened): Promise<Identity> {
  if (opened.subjectOf === null) throw refused('bearer tokens are not accepted here', opened);
  const subject = await opened.subjectOf(token).catch((error: unknown) => {
    const { code, message } = asCountermandError(error);
    throw code === 'UNAUTHENTICATED' ? refused(message, opened) : error;
  });
  return named('jwt', subject, opened);
}

async function byPassword(encoded: string, opened: Opened): Promise<Identity> {
  if (opened.passwords === null) throw refused('user names and passwords are not accepted here', opened);
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  if (user === '' || !(await opened.passwords.fit(user, password)))
    throw refused('the user name or the password is wrong', opened);
  return named('basic', user, opened);
}

function byCertificate({ name, validTo, problem }: ClientCertificate, opened: Opened): Identity {
  if (problem !== null) throw refused(`the client certificate is not accepted (${problem})`, opened);
  // It was good when the connection began, and that may be long ago.
  if (opened.clock.now() > validTo) throw refused('the client certificate has expired', opened);
  return named('certificate', name, opened);
}

function named(method: string, who: string, opened: Opened): Identity {
  const name = `${method}:${who}`;
  if (who !== '' && name.length <= NAME_LIMIT && !/\p{Cc}/u.test(name)) return { name };
  throw refused(
    `a name must have 1 to ${NAME_LIMIT - method.length - 1} characters, none of them a control character`,
    opened,
  );
}

/** The sentence with what would be accepted. Which of it was nearly right is not said. */
function refused(sentence: string, { certificates, subjectOf, passwords }: Opened): CountermandError {
  const ways = [
    certificates ? ['certificate', 'a client certificate'] : [],
    subjectOf ? ['bearer', 'a bearer token'] : [],
    passwords ? ['basic', 'a user name with its password (HTTP basic)'] : [],
  ].filter(([name]) => name !== undefined);
  const accepted = ways.map(([, words]) => words).join(', ');
  const facts = { accepted: ways.map(([name]) => name).join(', ') };
  return failWith('UNAUTHENTICATED', `${sentence}; accepted: ${accepted}`, { facts });
}
