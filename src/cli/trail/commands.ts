/** `countermand trail ...`: who did what, and whether the trail is whole. */
import type { Command } from 'commander';
import { type CountermandError, fail } from '../../core/errors.ts';
import { TrailCheck } from '../../core/trail.ts';
import { TrailEntry } from '../../gen/countermand/v1/access.ts';
import { asking, type Call, everyPage, PAGE_SIZE, upTo } from '../shared/asking.ts';
import { readCount } from '../shared/flags.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import type { Terminal } from '../shared/terminal.ts';

interface ListOptions extends ListFlags {
  readonly identity?: string;
  readonly node?: string;
  readonly rpc?: string;
  readonly refused?: boolean;
  readonly limit?: string;
}

/** A part of the JSON of an entry, as text; empty if it is not there. */
function partOf({ entry }: TrailEntry, key: string): string {
  const value = (JSON.parse(entry) as Readonly<Record<string, unknown>>)[key];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The identity, and the one that it acted for. */
function whoOf(entry: TrailEntry): string {
  const other = partOf(entry, 'on_behalf_of');
  return other === '' ? entry.identity : `${entry.identity} for ${other}`;
}

const TRAIL_LIST: Listing<TrailEntry> = {
  things: 'entries',
  type: TrailEntry,
  name: ({ sequence }) => String(sequence),
  columns: [
    { head: 'NUMBER', cell: ({ sequence }) => String(sequence), key: ({ sequence }) => Number(sequence) },
    { head: 'AT', cell: ({ at }, { time }) => time(at), key: ({ at }) => at?.getTime() ?? 0 },
    { head: 'WHO', cell: whoOf, cuts: true },
    { head: 'FROM', cell: (entry) => partOf(entry, 'peer'), wide: true },
    { head: 'RPC', cell: ({ rpc }) => rpc },
    { head: 'NODE', cell: ({ node }) => node },
    { head: 'OUTCOME', cell: ({ outcome }) => outcome },
    { head: 'WHY', cell: (entry) => partOf(entry, 'reason'), cuts: true },
    { head: 'REQUEST', cell: (entry) => partOf(entry, 'request'), wide: true },
    { head: 'BEFORE', cell: (entry) => partOf(entry, 'before'), wide: true },
    { head: 'AFTER', cell: (entry) => partOf(entry, 'after'), wide: true },
    { head: 'DIGEST', cell: ({ digest }) => digest, wide: true },
  ],
};

async function list(options: ListOptions, call: Call): Promise<void> {
  const { identity = '', node = '', rpc = '', refused = false } = options;
  const limit = readCount(options.limit, 1, '--limit');
  const ask = (): Promise<TrailEntry[]> =>
    upTo(limit, async (pageToken, pageSize) => {
      const filter = { identity, node, rpc, refused };
      const { entries, nextPageToken } = await call.conductor.access.listTrail({ pageSize, pageToken, ...filter });
      return { items: entries, nextPageToken };
    });
  await showList(TRAIL_LIST, ask, options, call);
}

/** Works out every digest anew. @throws TRAIL_BROKEN naming the first entry that does not fit, or the digest that is not there */
async function verify({ head }: { readonly head?: string }, { conductor, output }: Call): Promise<void> {
  const check = new TrailCheck();
  let isThere = head === undefined;
  const pages = everyPage((pageToken) =>
    conductor.access.listTrail({ pageSize: PAGE_SIZE, pageToken, oldestFirst: true }),
  );
  let last: TrailEntry | null = null;
  for await (const { entries } of pages)
    for (const entry of entries) {
      const problem = check.add(entry);
      if (problem !== null) throw broken(problem);
      last = entry;
      isThere ||= entry.digest === head;
    }
  const problem = check.end();
  if (problem !== null) throw broken(problem);
  const pruned = check.prunedTo;
  if (!isThere && !check.isPruned(head ?? ''))
    throw broken(
      `no entry has the digest ${head?.slice(0, 64)}: entries at the end were taken away, or all was replaced${pruned === null ? '' : `, or it was one of those up to ${pruned}, which were deleted as old`}`,
    );
  if (last === null) return output.say('the trail is empty');
  const old = pruned === null ? '' : `; those up to ${pruned} were deleted as old`;
  output.message(
    TrailEntry,
    last,
    ({ digest }) => `the trail is whole: ${check.count} entries, the last is ${digest}${old}`,
  );
}

const broken = (sentence: string): CountermandError => fail('TRAIL_BROKEN', sentence);

/** Adds the commands of the group `trail`. */
export function addTrailCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
Every call that changes something has an entry, and every call that was refused. Keep the digest that verify prints
somewhere else: with --head, entries that were taken away at the end are noticed as well.

Examples:
  countermand trail list --node r7n1
  countermand trail list --refused -o wide
  countermand trail list --json > trail.jsonl
  countermand trail verify`,
  );
  const command = group
    .command('list')
    .description('list what callers did and were refused, the newest first')
    .option('--identity <identity>', 'only what this identity did, or another one on its behalf')
    .option('--node <name>', 'only what was about the node of this name')
    .option('--rpc <rpc>', 'only calls of this RPC, such as PowerService/OrderPowerState')
    .option('--refused', 'only what was refused')
    .option('--limit <n>', 'only the newest n');
  addListFlags(command, TRAIL_LIST).action(asking(list, terminal));
  group
    .command('verify')
    .description('check that no entry was changed, added or taken out')
    .option('--head <digest>', 'a digest that an earlier verify has printed, which must be there still')
    .action(asking(verify, terminal));
}
