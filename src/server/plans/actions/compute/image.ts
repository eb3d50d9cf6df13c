/** The before-image of an action about an instance, and the moment in which it is written: just before the one order. */
import { fail } from '../../../../core/errors.ts';
import { findAction, setBeforeImage } from '../../../store/actions.ts';
import { overtaken } from '../../../store/compare_and_set.ts';
import { findNode } from '../../../store/nodes.ts';
import type { ActionRow } from '../../../store/plan_rows.ts';
import { type ActionContext, refuseIfCancelled } from '../action_type.ts';
import { refuseOtherServer } from '../node_of_action.ts';

/** What was before. */
export type Image = NonNullable<ActionRow['beforeImage']>;

/** What an earlier execution of this action has written; null if nothing was ordered by it. */
export async function imageOf({ action, parts }: ActionContext): Promise<Image | null> {
  return (await findAction(action.uuid, parts.orders.store.database.read))?.beforeImage ?? null;
}

/**
 * Writes the before-image, unless the plan is being cancelled. Once it is written, the order may have been sent: whoever finds it
 * looks, and sends nothing.
 * @throws ACTION_PLAN_CANCELLED, ACTION_REFUSED if the node is another server now; then nothing may be ordered
 */
export async function writeImage(image: Image, context: ActionContext): Promise<void> {
  const { action, parts } = context;
  const { store } = parts.orders;
  await store.database.write(async (transaction) => {
    const { sql } = transaction;
    await refuseIfCancelled(context, transaction);
    await refuseOtherServer(
      context,
      action.nodeUuid === null ? null : await findNode(action.nodeUuid, sql),
      transaction,
    );
    const present = await findAction(action.uuid, sql);
    if (present === null) throw overtaken(`action '${action.name}'`);
    await setBeforeImage(present, { ...image, at: store.clock.now() }, transaction);
  });
}

/** Nothing is ordered for a plan whose cancel is committed. @throws ACTION_PLAN_CANCELLED */
export async function stillWanted(context: ActionContext): Promise<void> {
  await context.parts.orders.store.database.write((transaction) => refuseIfCancelled(context, transaction));
}

/** The value of a before-image that is a text. @throws INTERNAL if it is none */
export function textOf(image: Image, key: string): string {
  const value = image[key];
  if (typeof value !== 'string') throw fail('INTERNAL', `the before-image has no ${key}`);
  return value;
}

/** The value of a before-image that is a number; 0 if it is none. */
export const numberOf = (image: Image, key: string): number => (typeof image[key] === 'number' ? image[key] : 0);
