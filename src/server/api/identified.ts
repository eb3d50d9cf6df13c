/** Who makes a call over gRPC. */
import type { Metadata } from 'nice-grpc';
import { failAt } from '../../core/errors.ts';
import { type Asked, anonymous, type ClientCertificate, type Identify, ON_BEHALF_OF } from '../access/identity.ts';
import { isOpenToAll } from './calls.ts';
import type { Guard } from './guards.ts';

/**
 * Puts the identity of the caller into the context of a call.
 * @param certificateIn the certificate that the client of the connection has shown, in the metadata of a call
 */
export function identifyCaller(
  identify: Identify,
  certificateIn: (metadata: Metadata) => ClientCertificate | null,
): Guard<Asked> {
  return async ({ method: { path }, context: { peer, metadata } }) => {
    const authorization = onlyOne('authorization', metadata);
    const onBehalfOf = onlyOne(ON_BEHALF_OF, metadata);
    const credentials = { authorization, token: null, certificate: certificateIn(metadata), peer, onBehalfOf };
    const identity = isOpenToAll(path) ? anonymous(credentials) : await identify(credentials);
    return { context: { identity } };
  };
}

/** The one value of a key; null if there is none. @throws ARGUMENT_INVALID if there are several */
function onlyOne(key: 'authorization' | typeof ON_BEHALF_OF, metadata: Metadata): string | null {
  const [value = null, ...more] = metadata.getAll(key);
  if (more.length === 0) return value;
  throw failAt('ARGUMENT_INVALID', key, `${key} is sent twice; which one counts is not guessed: send it once`);
}
