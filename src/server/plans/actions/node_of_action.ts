import { type CountermandError, fail } from '../../../core/errors.ts';
import { findNode } from '../../store/nodes.ts';
import type { ActionRow } from '../../store/plan_rows.ts';
import type { NodeRow } from '../../store/rows.ts';
import type { ActionContext } from './action_type.ts';

/** The node that an action is about. @throws NODE_NOT_FOUND if it was deleted since the plan was made */
export async function nodeOfAction({ action, parts }: ActionContext): Promise<NodeRow> {
  const { read } = parts.orders.store.database;
  const node = action.nodeUuid === null ? null : await findNode(action.nodeUuid, read);
  if (node) return node;
  throw nodeDeleted(action);
}

/** Why an action whose node is gone fails. */
export function nodeDeleted({ name }: ActionRow): CountermandError {
  return fail('NODE_NOT_FOUND', `the node of action '${name}' was deleted after the plan was made`);
}
