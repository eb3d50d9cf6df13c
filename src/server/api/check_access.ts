/** What an identity may do, and what lets it. */
import { failAt } from '../../core/errors.ts';
import type { AccessRight, CheckAccessRequest, CheckAccessResponse } from '../../gen/countermand/v1/access.ts';
import type { Access } from '../access/access.ts';
import { objectionTo } from '../access/authenticator.ts';
import { agentName } from '../access/identity.ts';
import type { Tokens } from '../access/tokens.ts';
import { VERB_NAMES } from '../access/verbs.ts';
import { getNode } from '../store/nodes.ts';
import type { Store } from '../store/store.ts';

/** How the name of an identity begins: with the way in which it is known. */
const IDENTITY = /^((certificate|token|jwt|basic|agent):|anonymous@)./;

/** @throws ARGUMENT_INVALID for a verb that there is not, or no identity; NODE_NOT_FOUND */
export async function checkAccess(
  { identity: name, verb, node: key }: CheckAccessRequest,
  access: Access,
  { tokens, store }: { readonly tokens: Tokens; readonly store: Store },
): Promise<CheckAccessResponse> {
  if (name === '')
    throw failAt('ARGUMENT_INVALID', 'identity', 'identity is empty; name one, such as token:ci or basic:alice');
  // A misspelt one may do nothing by any file of roles, and would be believed to be without rights.
  if (!IDENTITY.test(name))
    throw failAt(
      'ARGUMENT_INVALID',
      'identity',
      `identity '${name.slice(0, 100)}' is not the name of one: that begins with certificate:, token:, jwt:, basic:, agent: or anonymous@`,
    );
  const verbs = VERB_NAMES.filter((each) => verb === '' || each === verb);
  if (verbs.length === 0)
    throw failAt(
      'ARGUMENT_INVALID',
      'verb',
      `verb: there is no '${verb.slice(0, 100)}'; there are ${VERB_NAMES.join(', ')}`,
    );
  const node = key === '' ? null : await getNode(key, store.database.read);
  const token = tokens.list().find((each) => `token:${each.name}` === name || agentName(each.name) === name);
  const objection = token === undefined ? null : objectionTo(token, store.clock);
  const agentZones = name.startsWith('agent:') ? [] : null;
  const rights = access.rightsOf({ name, agentZones, role: token?.role ?? null });
  return {
    rights: verbs.map((each): AccessRight => {
      const places = objection === null ? rights.placesOf(each, node) : [];
      return {
        verb: each,
        allowed: places.length > 0,
        everywhere: places.length > 0 && rights.everywhere(each),
        places: [...places],
      };
    }),
    objection: objection ?? '',
  };
}
