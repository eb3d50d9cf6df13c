/** What a look at the migrations of a host says about it. */
import type { Instance, InstanceMigration } from '../../../../compute/compute.ts';

/** A migration in one of these is over. */
const OVER = ['completed', 'confirmed', 'reverted', 'cancelled', 'error', 'failed', 'done'];

/** True for an instance that may stay on a host whose node is powered off: nothing of it runs. */
export const mayStay = ({ status }: Pick<Instance, 'status'>): boolean =>
  ['SHUTOFF', 'ERROR', 'SUSPENDED'].includes(status);

/** The moves from and to a host that are not over, a phrase for each. A resize of a user within one host counts as well. */
export function movesAt(host: string, migrations: readonly InstanceMigration[]): string[] {
  // Only the newest of an instance says how it stands.
  const newest = new Map<string, InstanceMigration>();
  for (const each of migrations) if (!newest.has(each.instance)) newest.set(each.instance, each);
  return [...newest.values()]
    .filter(({ status }) => !OVER.includes(status))
    .map(({ id, instance, source, dest, status }) => {
      const way = dest === host ? 'arrives' : 'leaves';
      const what = status === 'finished' && source === host ? 'waits to be confirmed or reverted' : `${way}, ${status}`;
      return `migration ${id} of instance ${instance} ${what}`;
    });
}
