/**
 * What became of an order to move an instance, from what the compute service shows. Pure: the same rows, the same verdict. The 202 to
 * the order says nothing; the record of the migration and the instance together do, and they do not change at the same moment.
 */
import type { Instance, InstanceMigration } from '../../../../compute/compute.ts';

/** An order to move an instance, as it stands in the before-image of its action. */
export interface InstanceMove {
  /** `revert` takes back the cold migration with id `reverts`, which waits to be confirmed. */
  readonly kind: 'live' | 'cold' | 'revert' | 'evacuate';
  /** Where the instance was. */
  readonly host: string;
  /** The newest migration of the instance before the order; 0 if there was none. */
  readonly after: number;
  readonly reverts: number | null;
}

/** What is shown: the instance, null if it is gone, and its migrations, the newest first. */
export interface Shown {
  readonly instance: Instance | null;
  readonly migrations: readonly InstanceMigration[];
}

/** What became of it. */
export type Verdict =
  /** Nothing shows that the order was taken. */
  | { readonly is: 'unseen' }
  | { readonly is: 'going'; readonly migration: InstanceMigration | null; readonly abortable: boolean }
  /** A cold migration is at its destination, and waits to be confirmed or reverted. */
  | { readonly is: 'arrived'; readonly migration: InstanceMigration }
  | { readonly is: 'moved'; readonly migration: InstanceMigration; readonly host: string }
  /** It is where it was. */
  | { readonly is: 'back'; readonly migration: InstanceMigration; readonly how: 'cancelled' | 'failed' | 'reverted' }
  /** It is in ERROR: a person has to look. */
  | { readonly is: 'broken'; readonly migration: InstanceMigration | null; readonly host: string | null }
  | { readonly is: 'gone' }
  /** It is on another host, by another order than this. */
  | { readonly is: 'elsewhere'; readonly host: string | null };

const TYPES: Readonly<Record<Exclude<InstanceMove['kind'], 'revert'>, string>> = {
  live: 'live-migration',
  cold: 'migration',
  evacuate: 'evacuation',
};

/** A live migration in one of these can be aborted, since version 2.65. */
const ABORTABLE = ['queued', 'preparing', 'running'];

/** The record of an order: the first of its type from its host after the one that was the newest; null while there is none. */
export function recordOf(
  { kind, host, after, reverts }: InstanceMove,
  migrations: readonly InstanceMigration[],
): InstanceMigration | null {
  if (kind === 'revert') return migrations.find(({ id }) => id === reverts) ?? null;
  const later = migrations.filter(({ id, type, source }) => id > after && type === TYPES[kind] && source === host);
  return later.at(-1) ?? null;
}

/** The verdict on a move. */
export function judge(move: InstanceMove, { instance, migrations }: Shown): Verdict {
  if (instance === null) return { is: 'gone' };
  const migration = recordOf(move, migrations);
  if (migration === null) return withoutRecord(move, instance);
  // Another move has begun since: where the instance is now is not our doing any more.
  const isLast = migrations.every(({ id }) => id <= migration.id);
  return isLast ? withRecord(move, migration, instance) : whenItWas(migration);
}

function withoutRecord({ host }: InstanceMove, instance: Instance): Verdict {
  if (instance.taskState !== null) return { is: 'going', migration: null, abortable: false };
  return instance.host === host ? { is: 'unseen' } : { is: 'elsewhere', host: instance.host };
}

function withRecord(move: InstanceMove, migration: InstanceMigration, instance: Instance): Verdict {
  const { status, taskState, host } = instance;
  const isSettled = taskState === null;
  const going: Verdict = { is: 'going', migration, abortable: isAbortable(move, migration, instance) };
  if (status === 'ERROR') return { is: 'broken', migration, host };
  switch (migration.status) {
    case 'completed':
    case 'done':
    case 'confirmed': {
      // The record of a cold migration says so before the instance does.
      const hasArrived = isSettled && host !== null && host === migration.dest && status !== 'VERIFY_RESIZE';
      return hasArrived ? { is: 'moved', migration, host } : going;
    }
    case 'finished': {
      const waits = isSettled && status === 'VERIFY_RESIZE' && move.kind !== 'revert';
      return waits ? { is: 'arrived', migration } : isSettled && move.kind === 'revert' ? { is: 'unseen' } : going;
    }
    case 'reverted':
      return isSettled && host === migration.source ? { is: 'back', migration, how: 'reverted' } : going;
    case 'cancelled':
      return isSettled && host === migration.source ? { is: 'back', migration, how: 'cancelled' } : going;
    case 'error':
    case 'failed':
      return isSettled ? { is: 'back', migration, how: 'failed' } : going;
    default:
      return going;
  }
}

/** Once the guest runs at the destination there is nothing to abort. */
function isAbortable(
  { kind }: InstanceMove,
  { status, source }: InstanceMigration,
  { taskState, host }: Instance,
): boolean {
  return kind === 'live' && ABORTABLE.includes(status) && taskState === 'migrating' && host === source;
}

function whenItWas(migration: InstanceMigration): Verdict {
  const { status, dest } = migration;
  if (['completed', 'done', 'confirmed'].includes(status) && dest !== null)
    return { is: 'moved', migration, host: dest };
  if (status === 'reverted' || status === 'cancelled') return { is: 'back', migration, how: status };
  if (status === 'error' || status === 'failed') return { is: 'back', migration, how: 'failed' };
  return { is: 'going', migration, abortable: false };
}
