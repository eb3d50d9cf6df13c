/** For whom a caller acts: what it says is checked for its form here, and whether it may say so where its verbs are. */
import { failAt } from '../../core/errors.ts';
import { type Identify, NAME_LIMIT, ON_BEHALF_OF } from './identity.ts';

/** How a name begins. Agents and callers without a login act for no other caller, and no other caller acts for them. */
const METHODS = /^(certificate|token|jwt|basic):[^ ]/;
/** A second identity: what stands between was merged from two headers, by a proxy or by HTTP itself. */
const ANOTHER = /,\s*((certificate|token|jwt|basic|agent):|anonymous@)/;
/** The subject of a certificate: its parts have commas between them, and a comma within a part has a backslash. */
const SUBJECT = /^certificate:(\\.|[^,\\])+(,[A-Za-z][\w.-]*=(\\.|[^,\\])+)*$/;

/**
 * True if a text names exactly one identity. What HTTP makes of two headers, `token:al, zzz`, names none: a comma stands in
 * the subjects of certificates only, and there with the next part right behind it.
 */
function isOneName(text: string): boolean {
  if (!METHODS.test(text) || text.length > NAME_LIMIT || text.endsWith(' ') || !/^[ -~]+$/.test(text)) return false;
  return !text.includes(',') || (SUBJECT.test(text) && !ANOTHER.test(text));
}

/** Puts for whom a caller acts into its identity. @throws ARGUMENT_INVALID for what is not the name of exactly one identity */
export function withOnBehalfOf(identify: Identify): Identify {
  return async (credentials) => {
    const identity = await identify(credentials);
    const name = credentials.onBehalfOf ?? null;
    if (name === null || name === identity.name) return identity;
    if (!isOneName(name))
      throw failAt(
        'ARGUMENT_INVALID',
        ON_BEHALF_OF,
        `${ON_BEHALF_OF}: '${name.slice(0, 100)}' is not the name of exactly one identity; send it once, with one name such as jwt:alice: ` +
          `at most ${NAME_LIMIT} ASCII characters, and a comma only between the parts of a certificate's subject`,
      );
    return { ...identity, onBehalfOf: name };
  };
}
