/** How callers of a conductor say who they are, from its configuration. */
import { fail } from '../../core/errors.ts';
import { hasMethods, type Methods } from '../../server/access/methods.ts';
import type { Configuration } from './configuration.ts';

/** @throws CONFIGURATION_INVALID for a key without another one that it needs */
export function methodsOf(configuration: Configuration): Methods {
  const { tls, htpasswdFile: htpasswd, jwtIssuer: issuer, jwtKeys: keys, authentication } = configuration;
  if (tls.ca !== null && tls.certificate === null)
    throw fail(
      'CONFIGURATION_INVALID',
      'tls_client_ca is for connections over TLS; give tls_certificate and tls_key as well',
    );
  if ((issuer === null) !== (keys === null))
    throw fail('CONFIGURATION_INVALID', 'jwt_issuer and jwt_keys go together, and only one of them is given');
  const { jwtAudience: audience, jwtClockSkewMs: clockSkewMs } = configuration;
  const jwt = issuer === null || keys === null ? null : { issuer, audience, keys, clockSkewMs };
  const methods = { tokens: authentication === 'required', certificates: tls.ca !== null, jwt, htpasswd };
  if (authentication === 'none' && hasMethods(methods))
    throw fail(
      'CONFIGURATION_INVALID',
      'authentication is none, and tls_client_ca, jwt_issuer or htpasswd_file say how callers are known; leave out one or the other',
    );
  if (configuration.accessFile !== null && !hasMethods(methods))
    throw fail(
      'CONFIGURATION_INVALID',
      'access_file says what callers may do who say who they are; give tls_client_ca, htpasswd_file, jwt_issuer and jwt_keys, or authentication: required',
    );
  return methods;
}
