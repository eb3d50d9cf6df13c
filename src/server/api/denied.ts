/** The refusal of a caller who lacks a verb. */
import { type CountermandError, failWith } from '../../core/errors.ts';
import type { Verb } from '../access/verbs.ts';

/** The refusal of a call, or of one node of it. */
export function denied(who: string, verb: Verb, node: string | null = null): CountermandError {
  const over = node === null ? '' : ` on node '${node}'`;
  return failWith(
    'PERMISSION_DENIED',
    `${who} has no role with the verb ${verb}${over}; whoever keeps the roles of this conductor can give it`,
    {
      ...(node !== null && { resource: { type: 'node', name: node } }),
      facts: { verb, identity: who, ...(node !== null && { node }) },
    },
  );
}
