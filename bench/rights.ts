/**
 * What does it cost to know who gives an order, whether that is allowed, and to write it into the audit trail? Two conductors, with and without,
 * differ by less than the noise of their processor times. So the conductor profiles itself, and what ran is added up by the source it is
 * written in: bench/profile/shares.ts says how.
 */
import { costTable } from './profile/cost_table.ts';
import { profileOrders } from './profile/orders.ts';

/** A table. */
export async function rights(signal: AbortSignal): Promise<string> {
  return costTable(
    [
      ['who calls, and whether that is allowed: a token, and a role over a label', 'access'],
      ['the audit trail, without its row in the commit of the order', 'trail'],
    ],
    await profileOrders(signal),
  );
}
