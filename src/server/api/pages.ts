/** Page sizes and page tokens. A token belongs to one list with one set of filters. */

import { failAt } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import { nextPortion } from '../../core/long_work.ts';
import type { NewestMark } from '../store/newest.ts';

/** What a list answers when it is not asked for a size. */
const PAGE_SIZE_DEFAULT = 100;
/** The limit of rows in one answer. */
const PAGE_SIZE_LIMIT = SENT_LIMITS.page_size.limit;

/** The size to use. @throws ARGUMENT_INVALID for a size below 0 or above the limit */
export function pageSize(asked: number): number {
  if (asked === 0) return PAGE_SIZE_DEFAULT;
  if (asked > 0 && asked <= PAGE_SIZE_LIMIT) return asked;
  throw failAt(
    'ARGUMENT_INVALID',
    'page_size',
    `page_size is ${asked}; it is 1 to ${PAGE_SIZE_LIMIT}, or 0 for ${PAGE_SIZE_DEFAULT}`,
  );
}

/** At most this many rows are read at a time where the caller may not see some of them. */
const LOOKED_AT_ONCE = 500;

/**
 * The rows of a page. Where some may not be seen, pages are read until it is full, or nothing is left; others are served in between.
 * @param pageAfter at most `atOnce` rows after a mark, null for the first
 * @param seen those of the rows that may be seen; undefined if all may
 */
export async function fullPage<Row, Mark>(
  { limit, after }: { readonly limit: number; readonly after: Mark | null },
  pageAfter: (after: Mark | null, atOnce: number) => Promise<Row[]>,
  toMark: (row: Row) => Mark,
  seen?: (rows: readonly Row[]) => Promise<Row[]>,
): Promise<Row[]> {
  if (seen === undefined) return pageAfter(after, limit);
  const rows: Row[] = [];
  for (let mark = after; ; await nextPortion()) {
    const read = await pageAfter(mark, LOOKED_AT_ONCE);
    rows.push(...(await seen(read)));
    const last = read.at(-1);
    if (last === undefined || rows.length >= limit || read.length < LOOKED_AT_ONCE) return rows.slice(0, limit);
    mark = toMark(last);
  }
}

/** A token for what comes after `mark`, in the list that `list` names with all its filters. */
export function pageToken(list: readonly unknown[], mark: unknown): string {
  return Buffer.from(JSON.stringify([list, mark])).toString('base64url');
}

/** The token for what comes after these rows, of which the newest comes first; empty if they are the last. */
export function nextToken(list: readonly unknown[], rows: readonly NewestMark[], limit: number): string {
  const last = rows.at(-1);
  return last && rows.length === limit ? pageToken(list, { createdAt: last.createdAt, uuid: last.uuid }) : '';
}

/**
 * The mark of a token, or null for the first page.
 * @throws PAGE_TOKEN_INVALID for a token of another list, and for one that was made up
 */
export function pageMark<Mark>(
  list: readonly unknown[],
  token: string,
  isMark: (mark: unknown) => mark is Mark,
): Mark | null {
  if (token === '') return null;
  try {
    const [tokenList, mark] = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (JSON.stringify(tokenList) === JSON.stringify(list) && isMark(mark)) return mark;
  } catch {
    // What is not JSON is not a token of ours either.
  }
  throw failAt(
    'PAGE_TOKEN_INVALID',
    'page_token',
    'page_token does not belong to this list with these filters; begin again without one',
  );
}
