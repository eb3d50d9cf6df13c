/** Why an agent is not there. */
import { type CountermandError, fail } from '../../core/errors.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Owner } from './attachments.ts';

/** Why no agent can read a node: there is none, or its own was lost a moment ago and may still come back. */
export function whyUnserved(
  { name, driver, zone }: Pick<NodeRow, 'name' | 'driver' | 'zone'>,
  kind: Exclude<Owner['kind'], 'attached'>,
): CountermandError {
  if (kind === 'none') return fail('AGENT_NOT_ATTACHED', `no agent with driver ${driver} is attached for zone ${zone}`);
  return fail(
    'AGENT_NOT_ATTACHED',
    `the agent of node ${name} is lost; another one may take over when its lease has run out`,
  );
}
