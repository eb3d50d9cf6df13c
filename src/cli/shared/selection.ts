/**
 * Selectors: which nodes a command is about. Names and ranges name them; flags choose among those, or among all. What selects
 * nothing is refused: a variable that is empty in a script must never mean the whole fleet, which is --all.
 */
import { type Command, Option } from 'commander';
import { fail, failWith } from '../../core/errors.ts';
import { foldNames } from '../../core/folded_names.ts';
import { naturally } from '../../core/natural_order.ts';
import { expandRange, expandRanges } from '../../core/ranges.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import { PowerState } from '../../gen/countermand/v1/power.ts';
import { type Call, everyPage, PAGE_SIZE } from './asking.ts';
import { readPairs } from './flags.ts';
import { firstNames } from './words.ts';

const STATES = { on: PowerState.ON, off: PowerState.OFF, error: PowerState.ERROR, unknown: PowerState.UNSPECIFIED };

/** What the flags of selectors say. */
export interface SelectorFlags {
  readonly label?: readonly string[];
  /** What --label is where that sets labels. */
  readonly withLabel?: readonly string[];
  readonly zone?: string;
  /** What --zone is where that sets the zone. */
  readonly inZone?: string;
  readonly driver?: string;
  readonly state?: keyof typeof STATES;
  readonly failing?: boolean;
  readonly all?: boolean;
}

/** What the argument NODES takes. */
export const WHICH_NODES = "names, uuids and ranges such as 'r7n[1-16]', with blanks or commas between them";

/** The flags where nothing else has their names. */
const OWN = { label: '--label', zone: '--zone' };
/** The flags of a command that sets labels and zones. */
export const BESIDE_SETTERS = { label: '--with-label', zone: '--in-zone' };

/** What a command says of its selectors. */
interface SelectorRules {
  /** The names of --label and --zone. */
  readonly flags?: typeof OWN;
  /** True if the command is about every node where nothing is selected: it has no --all. */
  readonly everyNode?: boolean;
}

/** Gives a command the flags of selectors. Its argument NODES is for the command to declare. */
export function addSelectors(command: Command, { flags = OWN, everyNode = false }: SelectorRules = {}): Command {
  const collect = (word: string, before: readonly string[] = []): string[] => [...before, ...labelsIn(word)];
  command
    .option(`-l, ${flags.label} <key=value>`, 'only nodes with this label; given twice, with both labels', collect)
    .option(`${flags.zone} <zone>`, 'only nodes of this zone')
    .option('--driver <driver>', 'only nodes of this driver')
    .addOption(
      new Option('--state <state>', 'only nodes whose last reading was this power state').choices(Object.keys(STATES)),
    )
    .option('--failing', 'only nodes that have a problem, mostly that they cannot be read');
  return everyNode ? command : command.option('--all', 'every node');
}

/** `rack=7,row=2` is two labels; a comma that no KEY= follows belongs to the value. */
const labelsIn = (word: string): string[] => word.split(/,(?=[^,=]+=)/);

/**
 * The ranges in the words of a command line: `n1, n2`, `r7n[1-4] r8n1` and `r7n[1,3]` are what they look like.
 * @throws ARGUMENT_INVALID for an empty word
 */
export function rangesIn(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const ranges = word
      .trim()
      .replaceAll(/\s*,\s*/g, ',')
      .replaceAll(/^,|,$/g, '')
      .split(/\s+/);
    for (const range of ranges) if (range === '') expandRange(range);
    return ranges;
  });
}

/** Nodes that were selected, at least one. */
export interface Selection {
  /** Each once, as they were named. Where only names were given, they may not exist. */
  readonly names: readonly string[];
  /** The same as ranges. */
  readonly ranges: readonly string[];
  /** What was selected, for people: as it was typed, or as ranges. */
  readonly title: string;
}

/**
 * The nodes that a command is about. The conductor is asked only if flags choose: it checks names itself, with the order.
 * @throws ARGUMENT_INVALID if nothing is selected, or if --all stands beside a choice; NODE_NOT_FOUND for names that do not exist
 *   beside flags, and if no node is so
 */
export async function select(words: readonly string[], flags: SelectorFlags, call: Call): Promise<Selection> {
  const isNamed = words.length > 0 && !flags.all && !chooses(flags);
  if (!isNamed) return selectFound(words, flags, call);
  const ranges = rangesIn(words);
  return { names: expandRanges(ranges), ranges, title: ranges.join(',') };
}

/**
 * The same for a command that writes node by node: all of them exist, so that half a range is never taken for the whole.
 * @throws as `select`, NODE_NOT_FOUND also for names without flags
 */
export async function selectFound(words: readonly string[], flags: SelectorFlags, call: Call): Promise<Selection> {
  const names = (await selectedNodes(words, flags, call)).map(({ name }) => name);
  const ranges = foldNames(names);
  return { names, ranges, title: ranges.join(',') };
}

/** The nodes themselves, at least one, in natural order. @throws as `selectFound` */
export async function selectedNodes(words: readonly string[], flags: SelectorFlags, call: Call): Promise<Node[]> {
  if (words.length === 0 && !flags.all && !chooses(flags)) throw nothingSelected();
  const nodes = await selectNodes(words, flags, call);
  if (nodes.length === 0) throw fail('NODE_NOT_FOUND', `no node is ${inWords(words, flags)}; nothing was done`);
  return nodes;
}

/**
 * The same; every node if nothing is selected, and there may be none.
 * @throws ARGUMENT_INVALID if --all stands beside a choice, NODE_NOT_FOUND for names that do not exist
 */
export async function selectNodes(words: readonly string[], flags: SelectorFlags, call: Call): Promise<Node[]> {
  if (flags.all && (words.length > 0 || chooses(flags)))
    throw fail(
      'ARGUMENT_INVALID',
      '--all is every node; leave out either that or the names and flags that choose some',
    );
  const wanted = expandRanges(rangesIn(words));
  const { zone = '', driver = '', labels } = criteriaOf(flags);
  const filter = wanted.length > 0 ? {} : { zone, driver, labels, withProblem: flags.failing === true };
  const nodes: Node[] = [];
  const page = (pageToken: string) => call.conductor.nodes.listNodes({ pageSize: PAGE_SIZE, pageToken, ...filter });
  for await (const answer of everyPage(page)) nodes.push(...answer.nodes);
  const found = wanted.length > 0 ? named(wanted, nodes) : nodes;
  return found.filter((node) => isChosen(node, flags)).sort((one, other) => naturally(one.name, other.name));
}

function named(wanted: readonly string[], nodes: readonly Node[]): Node[] {
  const known = new Map(nodes.flatMap((node) => [[node.name, node] as const, [node.uuid, node] as const]));
  const missing = wanted.filter((name) => !known.has(name));
  const quoted = missing.map((name) => `'${name}'`);
  if (missing.length > 0)
    throw failWith('NODE_NOT_FOUND', `there is no node ${firstNames(quoted, NAMED)}; nothing was done`, {
      resource: { type: 'node', name: missing[0] ?? '' },
    });
  return [...new Set(wanted.flatMap((name) => known.get(name) ?? []))];
}

/** At most this many names that do not exist are named. */
const NAMED = 5;

/** The labels that nodes have to bear. @throws ARGUMENT_INVALID for what is not KEY=VALUE */
export function labelsOf({ label, withLabel = label }: SelectorFlags): Record<string, string> {
  return readPairs(withLabel, '-l');
}

/** What the flags say, whatever they are called. */
function criteriaOf(flags: SelectorFlags) {
  const { zone, inZone = zone, driver } = flags;
  return { labels: labelsOf(flags), zone: inZone, driver };
}

/** The flags of a command that sets labels and zones, as selectors. */
export function besideSetters({ withLabel, inZone, driver, state, failing, all }: SelectorFlags): SelectorFlags {
  return { withLabel, inZone, driver, state, failing, all };
}

/** True if flags choose some nodes. */
export function chooses({ label, withLabel, zone, inZone, driver, state, failing }: SelectorFlags): boolean {
  return [label, withLabel, zone, inZone, driver, state].some((value) => value !== undefined) || failing === true;
}

function isChosen(node: Node, flags: SelectorFlags): boolean {
  const { labels, zone, driver } = criteriaOf(flags);
  return (
    Object.entries(labels).every(([key, value]) => node.labels[key] === value) &&
    (zone === undefined || node.zone === zone) &&
    (driver === undefined || node.driver === driver) &&
    (flags.state === undefined || node.powerState === STATES[flags.state]) &&
    (!flags.failing || node.problem !== undefined)
  );
}

function nothingSelected(): Error {
  return fail(
    'ARGUMENT_INVALID',
    "no node is selected; give names or ranges such as 'r7n[1-16]', or choose with -l KEY=VALUE, zone, driver, state or failing; --all is every node",
  );
}

/** What was looked for, behind `no node is`. */
function inWords(words: readonly string[], flags: SelectorFlags): string {
  const { labels, zone, driver } = criteriaOf(flags);
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const all = [
    ...(words.length > 0 ? [`one of ${rangesIn(words).join(',')}`] : []),
    ...(pairs.length > 0 ? [`labelled ${pairs.join(' and ')}`] : []),
    ...(zone === undefined ? [] : [`in zone ${zone}`]),
    ...(driver === undefined ? [] : [`of driver ${driver}`]),
    ...(flags.state === undefined ? [] : [`in power state ${flags.state}`]),
    ...(flags.failing ? ['failing'] : []),
  ];
  return all.length === 0 ? 'enrolled' : all.join(' and ');
}
