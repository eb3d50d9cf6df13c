/** For whom a caller acts: what it says is checked for its form here, and whether it may say so where its verbs are. */
import { failAt } from '../../core/errors.ts';
import { type Identify, NAME_LIMIT, ON_BEHALF_OF } from './identity.ts';

/** How a name begins. Agents and callers without a login act for nobody, and nobody acts for them. */
const METHODS = /^(certificate|token|jwt|basic):./;

/** Puts for whom a caller acts into its identity. @throws ARGUMENT_INVALID for what is the name of no identity */
export function withOnBehalfOf(identify: Identify): Identify {
  return async (credentials) => {
    const identity = await identify(credentials);
    const name = credentials.onBehalfOf ?? null;
    if (name === null || name === identity.name) return identity;
    if (!METHODS.test(name) || name.length > NAME_LIMIT || /\p{Cc}/u.test(name))
      throw failAt(
        'ARGUMENT_INVALID',
        ON_BEHALF_OF,
        `${ON_BEHALF_OF}: '${name.slice(0, 100)}' is the name of no identity; name one such as jwt:alice, with at most ${NAME_LIMIT} characters`,
      );
    return { ...identity, onBehalfOf: name };
  };
}
