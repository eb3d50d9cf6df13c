/** The table of freezes. */
import type { Knex } from 'knex';
import { codecOf } from './columns.ts';
import type { Transaction } from './database.ts';

/** A zone, or what bears some labels, or both, that takes no orders. */
export interface FreezeRow {
  readonly uuid: string;
  /** Empty: whatever the zone. */
  readonly zone: string;
  /** All of them must hold. */
  readonly labels: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly createdAt: number;
  readonly createdBy: string;
  /** When it is over by itself; null: when it is lifted. */
  readonly until: number | null;
  readonly liftedAt: number | null;
}

const freezeCodec = codecOf<FreezeRow>({
  uuid: 'plain',
  zone: 'plain',
  labels: 'json',
  reason: 'plain',
  createdAt: 'plain',
  createdBy: 'plain',
  until: 'plain',
  liftedAt: 'plain',
});

/** Those that were not lifted: all that are not over, and of those that are, as many as `endedLimit`, the last to end. */
export async function listFreezes(now: number, endedLimit: number, sql: Knex): Promise<FreezeRow[]> {
  const holding = await sql('freezes')
    .whereNull('lifted_at')
    .where((open) => open.whereNull('until').orWhere('until', '>', now));
  const ended = await sql('freezes')
    .whereNull('lifted_at')
    .where('until', '<=', now)
    .orderBy('until', 'desc')
    .limit(endedLimit);
  return [...holding, ...ended].map(freezeCodec.decode);
}

/** Adds a freeze. */
export async function insertFreeze(freeze: FreezeRow, { sql }: Transaction): Promise<void> {
  await sql('freezes').insert(freezeCodec.encode(freeze));
}

/** Writes when a freeze was lifted. One that was lifted before is left alone. */
export async function saveLifted(uuid: string, liftedAt: number, { sql }: Transaction): Promise<void> {
  await sql('freezes').where({ uuid }).whereNull('lifted_at').update({ lifted_at: liftedAt });
}
