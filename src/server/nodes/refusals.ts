/** Changes of enrolled nodes that come second, told by their notifications. */

import { asCountermandError, type ErrorCode } from '../../core/errors.ts';
import { announce } from '../events/announce.ts';
import type { ToldNode } from '../events/notifications.ts';
import { findSecretKeys } from '../store/drivers.ts';
import type { Store } from '../store/store.ts';
import type { Cause } from './model_changes.ts';
import { type nodeChanges, refusalAnnouncements } from './notifications.ts';

/** What another request may come before, while a change is being written. What is refused before that makes no event. */
const TOLD_REFUSALS: readonly ErrorCode[] = ['NODE_NAME_TAKEN', 'BMC_TAKEN', 'NODE_HELD'];

/** The result of the work. If it is refused, its notifications are written: what was wanted, and the error. */
export async function tellingRefusal<T>(
  work: Promise<T>,
  changes: ReturnType<typeof nodeChanges>,
  wanted: ToldNode,
  cause: Cause,
  store: Store,
): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    const error = asCountermandError(thrown);
    if (!TOLD_REFUSALS.includes(error.code)) throw thrown;
    await store.database.write(async (transaction) => {
      const secretKeys = await findSecretKeys(wanted.driver, transaction.sql);
      const told = changes.flatMap(([change, parts]) =>
        refusalAnnouncements(change, parts, wanted, cause, secretKeys, error),
      );
      await announce(told, transaction, store);
    });
    throw thrown;
  }
}
