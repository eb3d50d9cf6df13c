/**
 * The one way in which a row is written anew: it is compared with the row that the change was decided on, by its revision.
 *
 * What is written otherwise is compared by a value, in the statement that writes it:
 * - Sets of actions that move alike (`moveActionRows`), by their states. A run of a plan knows the states of its actions, not their rows.
 *   To read their revisions first takes 5 µs more for each, which is 4 to 9 % of a plan of 10,000 nops (`npm run bench -- plan_run`), and
 *   compares them with what the same transaction has read one statement before.
 * - Columns that are written once, or in rows that have no revision: who made a node (`ownNode`), when a freeze was lifted (`saveLifted`)
 *   or a token revoked (`saveRevoked`), if that is not known yet; how far a sink has got (`savePosition`), if it has not got that far; why
 *   it is off (`saveOffReason`), if it still is what that was decided on. Who finds another value leaves it: it says the same, or is newer.
 */
import { CountermandError, fail, failWith } from '../../core/errors.ts';
import { type Codec, newIn, patched } from './columns.ts';
import type { Transaction } from './database.ts';
import { type KeptRows, keptBehind } from './kept.ts';
import {
  type ActionPlanRow,
  type ActionRow,
  type AuditRow,
  type AuditTemplateRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
  auditTemplateCodec,
} from './plan_rows.ts';
import { type NodeRow, nodeCodec, type PowerTaskRow, powerTaskCodec } from './rows.ts';

/** A row whose every write raises its revision. */
interface Revised {
  readonly uuid: string;
  readonly revision: number;
}

/** A table of such rows. */
interface RevisedTable<Row extends Revised> {
  readonly name: string;
  readonly codec: Codec<Row>;
  /** The row that is kept in memory, if one is. */
  readonly kept?: (rows: KeptRows, uuid: string) => Revised | undefined;
}

/** The table of nodes. */
export const NODES: RevisedTable<NodeRow> = { name: 'nodes', codec: nodeCodec, kept: (rows, uuid) => rows.node(uuid) };
/** The table of power tasks. */
export const POWER_TASKS: RevisedTable<PowerTaskRow> = {
  name: 'power_tasks',
  codec: powerTaskCodec,
  kept: (rows, uuid) => rows.task(uuid),
};
/** The table of audits. */
export const AUDITS: RevisedTable<AuditRow> = { name: 'audits', codec: auditCodec };
/** The table of audit templates. */
export const AUDIT_TEMPLATES: RevisedTable<AuditTemplateRow> = { name: 'audit_templates', codec: auditTemplateCodec };
/** The table of action plans. */
export const ACTION_PLANS: RevisedTable<ActionPlanRow> = {
  name: 'action_plans',
  codec: actionPlanCodec,
  kept: (rows, uuid) => rows.plan(uuid),
};
/** The table of actions. */
export const ACTIONS: RevisedTable<ActionRow> = {
  name: 'actions',
  codec: actionCodec,
  kept: (rows, uuid) => rows.action(uuid),
};

/**
 * Writes a part of a row anew, if the row still is what the change was decided on. Only what differs is written.
 * @returns the row as it now is, or null if another write came first: then nothing was written, and the caller decides again
 */
export async function compareAndSet<Row extends Revised>(
  { name, codec, kept }: RevisedTable<Row>,
  before: Row,
  patch: Partial<Row>,
  { direct, sql }: Pick<Transaction, 'direct' | 'sql'>,
): Promise<Row | null> {
  const { uuid, revision } = before;
  const written: Partial<Row> = { ...patch, revision: revision + 1 };
  // What is kept is what the database has: then the result of the comparison is known.
  const expected = kept?.(keptBehind(sql), uuid)?.revision === revision ? 1 : undefined;
  const count = await direct.update(name, codec.encode(newIn(before, written)), { uuid, revision }, expected);
  return count === 1 ? patched(before, written) : null;
}

/**
 * Holds a change to the revision that its client decided on. Call it in the transaction that writes.
 * @param expected null: any
 * @throws REVISION_MISMATCH
 */
export function holdToRevision(expected: number | null | undefined, { revision }: Revised, what: string): void {
  if (expected == null || expected === revision) return;
  throw failWith(
    'REVISION_MISMATCH',
    `${what} is at revision ${revision}, not ${expected}; nothing was written; read it again and decide again`,
    { field: 'revision', facts: { revision: String(revision) } },
  );
}

/** How often a change is decided again because another came first. */
const DECIDE_AGAIN = 5;

/**
 * Decides on a change and writes it; again, a few times, while another write has come in between.
 * @throws as `change`, and OVERTAKEN if another was first each time
 */
export async function decideAgain<T>(change: () => Promise<T>): Promise<T> {
  for (let left = DECIDE_AGAIN; ; left -= 1) {
    try {
      return await change();
    } catch (error) {
      if (left === 0 || !(error instanceof CountermandError && error.code === 'OVERTAKEN')) throw error;
    }
  }
}

/** The error by which a write that was done in part is undone, because another write came first. */
export function overtaken(what: string): CountermandError {
  return fail('OVERTAKEN', `${what} was changed meanwhile; nothing was written`);
}
