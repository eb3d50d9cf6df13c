/**
 * What does it cost to know who gives an order, whether that is allowed, and to write it into the audit trail? One conductor does without either
 * in every third block of orders (bench/alternating). Then another one profiles itself, which says where the time goes: what ran is added up by the
 * source it is written in (bench/profile/shares.ts).
 */
import { alternate } from './alternating/blocks.ts';
import { differenceTable } from './alternating/difference.ts';
import { costTable } from './profile/cost_table.ts';
import { profileOrders } from './profile/orders.ts';

const ACCESS = 'who calls, and whether that is allowed: a token, limits, a role over a label';

/** Tables. */
export async function rights(signal: AbortSignal): Promise<string> {
  const blocks = await alternate(['rights', 'trail'], signal);
  const difference = differenceTable(
    [
      [ACCESS, 'rights', true],
      ['the audit trail, with its row in the commit of the order', 'trail', false],
    ],
    blocks,
  );
  const profile = costTable(
    [
      [ACCESS, 'access'],
      ['the audit trail, without its row in the commit of the order', 'trail'],
    ],
    await profileOrders(signal),
  );
  return [difference, profile].join('\n\n');
}
