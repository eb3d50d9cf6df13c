/** Lists: one set of flags for all of them, and one way to print, sort and watch them. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { foldNames } from '../../core/folded_names.ts';
import { naturally } from '../../core/natural_order.ts';
import { sleep } from '../../core/signals.ts';
import type { Meaning } from './colours.ts';
import { readCount } from './flags.ts';
import { harmless, oneLine } from './harmless.ts';
import { type MessageType, toFullJson } from './json.ts';
import type { Output } from './output.ts';
import { fittedTable, type TableLook } from './table.ts';
import type { Terminal } from './terminal.ts';
import type { TimeText } from './times.ts';

/** What cells depend on, beside the thing itself. */
interface Look {
  readonly nowMs: number;
  readonly time: TimeText;
}

/** One column of a list. */
interface Column<M> {
  readonly head: string;
  cell(item: M, look: Look): string;
  /** What the list is sorted by; the cell if left out. */
  key?(item: M): string | number;
  /** What the colour of its cell means. */
  meaning?(item: M): Meaning | undefined;
  /** Only with `-o wide`, or where `--columns` names it. */
  readonly wide?: boolean;
  /** Not with `-o wide`, which has a longer form of it. */
  readonly narrow?: boolean;
  /** Where the terminal is too narrow, the column with the highest number is left out first; never without a number. */
  readonly spare?: number;
  /** Where the terminal is too narrow, its cells may be cut. */
  readonly cuts?: boolean;
}

/** A kind of list. */
export interface Listing<M> {
  /** What is listed: `nodes`. */
  readonly things: string;
  readonly type: MessageType<M>;
  readonly columns: readonly Column<M>[];
  /** What `-o name` prints, and what identifies the thing. */
  name(item: M): string;
  /** The line under the table. */
  summary?(items: readonly M[]): string;
  /** What those have in common that `--fold` puts on one line. */
  folds?(item: M): string;
}

const FORMATS = ['table', 'wide', 'name', 'json', 'yaml'] as const;

/** The flags of every list. */
export interface ListFlags {
  readonly output?: (typeof FORMATS)[number];
  readonly columns?: readonly string[];
  readonly sort?: string;
  /** False with `--no-headers`. */
  readonly headers?: boolean;
  /** True without a value. */
  readonly watch?: string | boolean;
  readonly fold?: boolean;
}

/** How many things are in each state: `3 audits: 1 ONGOING, 2 SUCCEEDED`. */
export function countStates(states: readonly string[], thing: string): string {
  const counts = [...Map.groupBy(states, (state) => state)].map(([state, alike]) => `${alike.length} ${state}`);
  return `${states.length} ${thing}${states.length === 1 ? '' : 's'}: ${counts.sort().join(', ')}`;
}

/** What a list needs of the call of its command. */
type ListCall = Terminal & { readonly output: Output };

/** How often a watched list is asked for, in seconds. */
const WATCH_S = 2;

/** Gives a command the flags of every list; `--fold` if the list has what folds. */
export function addListFlags<M>(command: Command, listing: Listing<M>): Command {
  const names = listing.columns.map(({ head }) => columnWord(head)).filter((word, at, all) => all.indexOf(word) === at);
  command
    .addOption(new Option('-o, --output <format>', 'how to print it; json is one object per line').choices(FORMATS))
    .option('--columns <column...>', `only these columns, in this order: ${names.join(', ')}`)
    .option('--sort <column>', 'sort by this column; COLUMN:desc sorts the other way round')
    .option('--no-headers', 'only the rows: no heads, and no summary')
    .option('--watch [seconds]', `print it again whenever it has changed, asking every ${WATCH_S} s`);
  return listing.folds
    ? command.option('--fold', "names as ranges, one line for each state: 'r7n[1-60]: on'")
    : command;
}

/**
 * Prints what `ask` answers, in the format that the flags want; with `--watch` again and again until the abort.
 * @throws ARGUMENT_INVALID for a column that is not there, before anything is asked
 */
export async function showList<M>(
  listing: Listing<M>,
  ask: () => Promise<readonly M[]>,
  flags: ListFlags,
  call: ListCall,
): Promise<void> {
  columnsOf(listing, flags);
  const sort = sorting(listing, flags);
  if (flags.watch === undefined) return print(listing, sort(await ask(), lookOf(call)), flags, call);
  const everyMs =
    1000 * (readCount(flags.watch === true ? String(WATCH_S) : String(flags.watch), 1, '--watch') ?? WATCH_S);
  await watch(listing, async () => sort(await ask(), lookOf(call)), everyMs, flags, call);
}

const lookOf = ({ clock, output }: ListCall): Look => ({ nowMs: clock.now(), time: output.time });

/** The word for a column on the command line: `held_by` for HELD BY. */
const columnWord = (head: string): string => head.toLowerCase().replaceAll(' ', '_');

function findColumn<M>({ columns, things }: Listing<M>, word: string, flag: string): Column<M> {
  const wanted = columnWord(word.replaceAll('-', '_'));
  const found = columns.findLast(({ head }) => columnWord(head) === wanted);
  if (found) return found;
  const words = [...new Set(columns.map(({ head }) => columnWord(head)))].join(', ');
  throw fail('ARGUMENT_INVALID', `${flag}: ${things} have no column '${word}'; the columns are ${words}`);
}

function columnsOf<M>(listing: Listing<M>, { columns, output }: ListFlags): readonly Column<M>[] {
  const named = columns?.flatMap((words) => words.split(',')).filter((word) => word !== '');
  if (named !== undefined) return named.map((word) => findColumn(listing, word, '--columns'));
  const isWide = output === 'wide';
  return listing.columns.filter(({ wide, narrow }) => (isWide ? !narrow : !wide));
}

/** Sorts by the column that the flags name; without one the order is that of the list. */
function sorting<M>(listing: Listing<M>, { sort }: ListFlags): (items: readonly M[], look: Look) => readonly M[] {
  if (sort === undefined) return (items) => items;
  const [word = '', direction = 'asc', ...rest] = sort.split(':');
  if (!['asc', 'desc'].includes(direction) || rest.length > 0)
    throw fail('ARGUMENT_INVALID', `--sort: '${sort}' is not COLUMN, COLUMN:asc or COLUMN:desc`);
  const column = findColumn(listing, word, '--sort');
  const sign = direction === 'desc' ? -1 : 1;
  return (items, look) => {
    const keyed = items.map((item) => ({ item, key: column.key ? column.key(item) : column.cell(item, look) }));
    return keyed.sort((one, other) => sign * compareKeys(one.key, other.key)).map(({ item }) => item);
  };
}

function compareKeys(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return naturally(String(one), String(other));
}

async function print<M>(listing: Listing<M>, items: readonly M[], flags: ListFlags, call: ListCall): Promise<void> {
  const { output } = call;
  if (output.json) return output.messages(listing.type, items, () => '');
  output.print(await textOf(listing, items, flags, call));
}

async function textOf<M>(listing: Listing<M>, items: readonly M[], flags: ListFlags, call: ListCall): Promise<string> {
  if (flags.output === 'name') return items.map((item) => oneLine(listing.name(item))).join('\n');
  if (flags.output === 'yaml') {
    const { yamlOf } = await import('./yaml_text.ts');
    return harmless(yamlOf(items.map((item) => toFullJson(listing.type, item))));
  }
  if (flags.fold && listing.folds) return foldedText(listing, items);
  const { output } = call;
  const width = flags.output === 'wide' ? null : output.width();
  const heads = flags.headers !== false;
  return listText(listing, items, flags, lookOf(call), { width, coloured: output.coloured, heads });
}

/** A list as a table, with its summary. */
export function listText<M>(
  listing: Listing<M>,
  items: readonly M[],
  flags: Pick<ListFlags, 'columns' | 'output'>,
  look: Look,
  tableLook: TableLook = { width: null, coloured: false, heads: true },
): string {
  if (items.length === 0) return tableLook.heads ? `no ${listing.things}` : '';
  const columns = columnsOf(listing, flags).map(({ head, cell, meaning, spare, cuts }) => ({
    head,
    // Columns that were asked for are all shown.
    spare: flags.columns === undefined ? spare : undefined,
    cuts,
    cells: items.map((item) => ({ text: cell(item, look), meaning: meaning?.(item) })),
  }));
  const summary = tableLook.heads ? (listing.summary?.(items) ?? '') : '';
  return [fittedTable(columns, tableLook), ...(summary === '' ? [] : [harmless(summary)])].join('\n');
}

function foldedText<M>({ folds, name }: Listing<M>, items: readonly M[]): string {
  const groups = Map.groupBy(items, (item) => folds?.(item) ?? '');
  const lines = [...groups].map(([state, alike]) => oneLine(`${foldNames(alike.map(name)).join(',')}: ${state}`));
  return lines.join('\n');
}

/**
 * Asks again and again. A terminal shows the list as it is now; elsewhere, and with JSON, what has changed is printed.
 * @throws the reason of the abort; the last list stays
 */
async function watch<M>(
  listing: Listing<M>,
  ask: () => Promise<readonly M[]>,
  everyMs: number,
  flags: ListFlags,
  call: ListCall,
): Promise<void> {
  const { output, clock, signal } = call;
  const live = output.live && flags.output !== 'yaml' && flags.output !== 'name' ? await openLiveList(call) : null;
  let before: Map<string, string> | null = null;
  call.watchReader();
  try {
    for (;;) {
      const items = await ask();
      const now = new Map(items.map((item) => [listing.name(item), JSON.stringify(toFullJson(listing.type, item))]));
      const changed = items.filter((item) => before?.get(listing.name(item)) !== now.get(listing.name(item)));
      if (live) live.show(await textOf(listing, items, flags, call));
      else if (output.json) await print(listing, changed, flags, call);
      else if (before === null || changed.length > 0 || now.size !== before.size) {
        if (before !== null) call.stdout.write('\n');
        await print(listing, items, flags, call);
      }
      before = now;
      await sleep(everyMs, clock, signal);
    }
  } finally {
    live?.end();
  }
}

/** A list that is written over on a terminal, as far as its rows reach. */
async function openLiveList(call: ListCall): Promise<{ show(text: string): void; end(): void }> {
  const { openLiveText } = await import('./live_text.ts');
  const live = await openLiveText(call);
  let last = '';
  return {
    show(text) {
      last = text;
      live.show(() => shortened(text, (call.stdout.rows ?? 24) - 1));
    },
    end() {
      live.end();
      call.output.print(last);
    },
  };
}

/** The first lines, as many as fit. */
function shortened(text: string, rows: number): string {
  const lines = text.split('\n');
  if (lines.length <= rows) return text;
  return [...lines.slice(0, rows - 1), `and ${lines.length - rows + 1} more lines`].join('\n');
}
