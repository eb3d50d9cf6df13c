import { type CountermandError, fail } from '../../../core/errors.ts';
import { serverWords } from '../../nodes/identity.ts';
import { firstServerChange } from '../../store/cluster_model.ts';
import type { Transaction } from '../../store/database.ts';
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

/**
 * Refuses to act on a server that is not the one that the plan was made for: an operator accepted another, or gave the node
 * another address, or deleted it and enrolled another one with its uuid, while the plan ran. Call it in the transaction that orders or changes something.
 * @param node the node of the action, as it is in that transaction; null if there is none
 * @throws ACTION_REFUSED
 */
export async function refuseOtherServer(
  { plan }: ActionContext,
  node: NodeRow | null,
  { sql }: Transaction,
): Promise<void> {
  const change = node && (await firstServerChange(node.uuid, plan.modelRevision, sql));
  if (!change || serverWords(node) === change.oldValue) return;
  if (change.what === 'node')
    throw fail(
      'ACTION_REFUSED',
      `node ${node.name} was deleted after the plan was made, and enrolled again; nothing was sent`,
    );
  throw fail(
    'ACTION_REFUSED',
    `node ${node.name} is another server now: ${serverWords(node)}; the plan was made for ${change.oldValue}; nothing was sent`,
  );
}

/** Why an action whose node is gone fails. */
export function nodeDeleted({ name }: ActionRow): CountermandError {
  return fail('NODE_NOT_FOUND', `the node of action '${name}' was deleted after the plan was made`);
}
