/** Lists of Watcher's API: filtered by their routes, sorted by a column if that is asked for, and cut into pages by a marker. */
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import { type Answer, ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { nextPage } from '../pages.ts';
import { direction, limit } from '../query.ts';
import { type Ask, type Route, type RouteRow, route } from '../route.ts';

/** What every list takes. */
export const PAGE = {
  limit: limit.optional().describe('The page size, at most 1000; 0 means 1000.'),
  marker: z.string().optional().describe('The page begins after the one with this uuid.'),
  sort_key: z.string().optional().describe('A column of the list.'),
  sort_dir: direction.optional(),
};
type PageQuery = z.infer<z.ZodObject<typeof PAGE>>;

/** A list as it is written: its path, what it lists in words, and the command of the client that asks for it. */
interface ListRow<Query extends z.ZodObject>
  extends Omit<RouteRow<Query, z.ZodUndefined>, 'method' | 'chapter' | 'status' | 'body' | 'says' | 'command'> {
  readonly things: string;
  readonly command: string;
}

/** The two routes of a list, with and without `/detail`: what is listed is whole in both. */
export function listRoutes<Query extends z.ZodObject>({ things, command, ...row }: ListRow<Query>): Route[] {
  const list = { ...row, method: 'GET', chapter: 'watcher', status: 200 } as const;
  return [
    route<Query>({ ...list, says: `lists ${things}`, command }),
    route<Query>({
      ...list,
      path: `${row.path}/detail`,
      says: `lists ${things}, as without \`detail\``,
      command: `${command} --detail`,
    }),
  ];
}

/** A thing as it is listed. */
type View = Readonly<Record<string, unknown>> & { readonly uuid: string };

/**
 * One page of a list.
 * @param columns what it can be sorted by
 * @throws ARGUMENT_INVALID for another sort key, Refusal with 404 for a marker that is not in the list
 */
export async function pageOf(
  name: string,
  views: AsyncIterable<View> | Iterable<View>,
  columns: readonly string[],
  { query, base, url }: Ask<PageQuery>,
): Promise<Answer> {
  const { sort_key: key, sort_dir: dir, marker, limit: most = 1000 } = query;
  if (key !== undefined && !columns.includes(key))
    throw fail('ARGUMENT_INVALID', `sort_key: '${key.slice(0, 100)}' is not one of ${columns.join(', ')}`);
  const sorted = key === undefined && dir === undefined ? views : await sort(views, key ?? 'uuid', dir ?? 'asc');
  const page: View[] = [];
  let begun = marker === undefined;
  for await (const view of sorted) {
    if (begun) page.push(view);
    if (view.uuid === marker) begun = true;
    if (page.length > most) break;
  }
  if (!begun) throw new Refusal(404, `marker: there is no '${String(marker).slice(0, 100)}' in this list`);
  const more = page.length > most;
  const shown = page.slice(0, most);
  const last = shown.at(-1);
  return ok({ [name]: shown, ...(more && last && { next: nextPage(base, url, last.uuid, most) }) });
}

async function sort(views: AsyncIterable<View> | Iterable<View>, key: string, dir: 'asc' | 'desc'): Promise<View[]> {
  const all: View[] = [];
  for await (const view of views) all.push(view);
  const sign = dir === 'asc' ? 1 : -1;
  return all.sort((one, other) => sign * compare(one[key], other[key]));
}

/** The order of two values of a column: numbers by what they count, the rest as texts; what is not there is before all. */
function compare(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const [first, second] = [String(one ?? ''), String(other ?? '')];
  return first < second ? -1 : Number(first > second);
}

/** Every thing of a paged RPC, a page at a time, as far as it is asked for. */
export async function* everyOne<T>(
  ask: (pageToken: string) => Promise<{ readonly things: readonly T[]; readonly nextPageToken: string }>,
): AsyncGenerator<T> {
  let token = '';
  do {
    const { things, nextPageToken } = await ask(token);
    yield* things;
    token = nextPageToken;
  } while (token !== '');
}
