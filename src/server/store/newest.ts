/** What tasks, plans and audits share in how they are listed and named. */
import type { Knex } from 'knex';
import { type CountermandError, type ErrorCode, failAt, failWith } from '../../core/errors.ts';
import type { ResourceType } from '../../core/resource_types.ts';
import type { Codec } from './columns.ts';

/** Where a page begins: after the row with this time of creation and uuid. */
export interface NewestMark {
  readonly createdAt: number;
  readonly uuid: string;
}

/** True for a mark; what a client hands back may be anything. */
export function isNewestMark(mark: unknown): mark is NewestMark {
  const { createdAt, uuid } = (mark ?? {}) as Partial<NewestMark>;
  return typeof createdAt === 'number' && typeof uuid === 'string';
}

/** At most `limit` rows of a query after a mark, the newest first. */
export function newestFirst(query: Knex.QueryBuilder, after: NewestMark | null, limit: number): Knex.QueryBuilder {
  return byCreation(query, after, limit, false);
}

/** At most `limit` rows of a query after a mark, in the order of their creation: the newest first, or the oldest. */
export function byCreation(
  query: Knex.QueryBuilder,
  after: NewestMark | null,
  limit: number,
  oldestFirst: boolean,
): Knex.QueryBuilder {
  const [direction, beyond] = oldestFirst ? ['asc', '>'] : ['desc', '<'];
  query.orderBy('created_at', direction).orderBy('uuid', direction).limit(limit);
  if (after === null) return query;
  return query.where((further) =>
    further
      .where('created_at', beyond, after.createdAt)
      .orWhere((same) => same.where('created_at', after.createdAt).where('uuid', beyond, after.uuid)),
  );
}

/** Only the rows in these states; without any, all but those that are deleted. */
export function inStates(query: Knex.QueryBuilder, states: readonly string[]): Knex.QueryBuilder {
  return states.length > 0 ? query.whereIn('state', [...states]) : query.whereNot('state', 'DELETED');
}

/** A table whose rows people name, and how to speak of it. */
export interface NamedTable<Row> {
  readonly table: string;
  readonly codec: Codec<Row>;
  /** "action plan", for example. */
  readonly noun: string;
  readonly type: ResourceType;
  readonly notFound: ErrorCode;
  /** The terminal states: a row in another goes before all that are in one, if both bear the name. */
  readonly ended: readonly string[];
}

/** How many of those that bear the same name are told. */
const UUIDS_TOLD = 5;

/** This much of a uuid is printed by lists. */
const SHORT_DIGITS = 8;
/** The beginning of a uuid, at least as long as lists print it. */
const SHORT_UUID = /^[\da-f]{8}[\da-f-]{0,27}$/;

/** True for what may be the beginning of a uuid. */
export const isShortUuid = (key: string): boolean => SHORT_UUID.test(key);

/** The rows whose uuid begins with this, a few of them; none if it is no beginning of a uuid. */
export async function findByShortUuid<Row>(
  key: string,
  { table, codec }: Pick<NamedTable<Row>, 'table' | 'codec'>,
  sql: Knex,
): Promise<Row[]> {
  if (!isShortUuid(key)) return [];
  // A uuid goes on with a digit of 0 to f or a dash; g follows all of them.
  const query = sql(table).where('uuid', '>=', key).where('uuid', '<', `${key}g`);
  return (await query.orderBy('uuid').limit(UUIDS_TOLD)).map(codec.decode);
}

/** As much of a uuid as lists print, or as tells it from the others. */
function shortest(uuid: string, others: readonly { readonly uuid: string }[]): string {
  const short = uuid.slice(0, SHORT_DIGITS);
  return others.filter((other) => other.uuid.startsWith(short)).length > 1 ? uuid : short;
}

/** The error of a key that means several rows. */
export function meansSeveral(
  key: string,
  noun: string,
  rows: readonly { readonly uuid: string; readonly state?: string }[],
): CountermandError {
  const ids = rows
    .map(({ uuid, state }) => `${shortest(uuid, rows)}${state === undefined ? '' : ` ${state}`}`)
    .join(', ');
  return failAt(
    'ARGUMENT_INVALID',
    noun.replaceAll(' ', '_'),
    `more than one ${noun} is called '${key}'; name one by its uuid, of which the beginning is enough: ${ids}`,
  );
}

/** The rows of a name, a few of them: those that have not ended, else those that have. */
async function findByName<Row>(name: string, { table, ended }: NamedTable<Row>, sql: Knex): Promise<unknown[]> {
  const open = sql(table)
    .where('name', name)
    .whereNotIn('state', [...ended]);
  const found = await newestFirst(open, null, UUIDS_TOLD);
  return found.length > 0 ? found : newestFirst(inStates(sql(table).where('name', name), []), null, UUIDS_TOLD);
}

/**
 * A row by uuid, else by request_id or name, else by the beginning of its uuid. A name means the row that has not ended; what
 * still means several rows means none of them. A
 * client chooses request_id and name as it likes, so they never take the place of a uuid.
 * @throws the table's `notFound`; ARGUMENT_INVALID if nothing is named, or more than one row
 */
export async function getNamed<Row extends { readonly uuid: string }>(
  key: string,
  named: NamedTable<Row>,
  sql: Knex,
): Promise<Row> {
  const { table, codec, noun, type } = named;
  if (key === '')
    throw failAt('ARGUMENT_INVALID', type, `no ${noun} is named; give its uuid, its request_id or its name`);
  const byUuid = await sql(table).where('uuid', key).first();
  if (byUuid) return codec.decode(byUuid);
  const byRequest = sql(table).where('request_id', key);
  const found = [...(await byRequest), ...(await findByName(key, named, sql))];
  const distinct = [...new Map(found.map((row) => [row.uuid, row])).values()];
  const rows = distinct.length > 0 ? distinct.map(codec.decode) : await findByShortUuid(key, named, sql);
  const [row] = rows;
  if (row === undefined) throw noNamed(key, named);
  if (rows.length > 1) throw meansSeveral(key, noun, rows);
  return row;
}

/** The error for a key that no row has. */
export function noNamed<Row>(key: string, { noun, type, notFound }: NamedTable<Row>): CountermandError {
  return failWith(notFound, `there is no ${noun} '${key}'`, { resource: { type, name: key } });
}

/** The row that can be named by this uuid: it is its own, or its request_id. Null if there is none. */
export async function findUsed(
  table: 'action_plans' | 'audits',
  uuid: string,
  sql: Knex,
): Promise<{ readonly uuid: string; readonly name: string } | null> {
  const row = await sql(table).where({ uuid }).orWhere('request_id', uuid).first('uuid', 'name');
  return row ?? null;
}
