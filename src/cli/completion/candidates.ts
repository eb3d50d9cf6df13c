/** What can stand next on a command line, found in the tree of commands and asked of the conductor. */
import type { Argument, Command, Option } from 'commander';

/** One thing that can stand next. */
export interface Candidate {
  readonly word: string;
  readonly meaning: string;
}

/** What completes a value: words that are known, names that the conductor knows, or files. */
type Source = readonly string[] | NameKind | 'files' | null;

/** Names that have to be looked up. */
export type NameKind =
  | 'nodes'
  | 'plans'
  | 'audits'
  | 'templates'
  | 'tasks'
  | 'tokens'
  | 'freezes'
  | 'sinks'
  | 'zones'
  | 'drivers'
  | 'contexts';

/** What can stand next, and where the names of it come from. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly source: Source;
}

/** Where the values of arguments and options come from, by the names that they have in the help. */
const SOURCES: Readonly<Record<string, NameKind | 'files'>> = {
  node: 'nodes',
  nodes: 'nodes',
  plan: 'plans',
  audit: 'audits',
  template: 'templates',
  task: 'tasks',
  token: 'tokens',
  freeze: 'freezes',
  sink: 'sinks',
  zone: 'zones',
  driver: 'drivers',
  context: 'contexts',
  file: 'files',
  folder: 'files',
};

/** Options whose value has a general name in the help, by their own name. */
const OPTION_SOURCES: Readonly<Record<string, NameKind>> = {
  '--zone': 'zones',
  '--driver': 'drivers',
  '--nodes': 'nodes',
  '--template': 'templates',
};

/** Argument values that are words of ours, by the names that the arguments have. */
type Words = Readonly<Record<string, readonly string[]>>;

const valueName = (flags: string): string => /[<[]([\w-]+)/.exec(flags)?.[1] ?? '';

function sourceOfOption(option: Option): Source {
  if (option.argChoices !== undefined) return option.argChoices;
  return OPTION_SOURCES[option.long ?? ''] ?? SOURCES[valueName(option.flags)] ?? null;
}

function sourceOfArgument(argument: Argument, words: Words): Source {
  return argument.argChoices ?? words[argument.name()] ?? SOURCES[argument.name()] ?? null;
}

/** The options of a command and of those above it. */
function optionsOf(command: Command): readonly Option[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  return command.parent ? [...own, ...optionsOf(command.parent)] : own;
}

/** How far the words before the last one have come. */
interface Reached {
  readonly command: Command;
  /** How many arguments have been given. */
  readonly given: number;
  /** The option whose value the last word is, or may be. */
  readonly option: Option | null;
  /** Options are over: `--` was there. */
  readonly over: boolean;
}

function read(words: readonly string[], program: Command): Reached {
  let reached: Reached = { command: program, given: 0, option: null, over: false };
  for (const word of words) reached = step(reached, word);
  return reached;
}

function step({ command, given, option, over }: Reached, word: string): Reached {
  if (!over && word === '--') return { command, given, option: null, over: true };
  if (!over && word.startsWith('-')) {
    const found = optionsOf(command).find(({ long, short }) => word === long || word === short) ?? null;
    const takesValue = found !== null && (found.required || found.optional);
    return { command, given, option: takesValue ? found : null, over };
  }
  // An option with several values goes on taking them.
  if (option !== null) return { command, given, option: option.variadic ? option : null, over };
  const child = given === 0 ? command.commands.find((sub) => sub.name() === word) : undefined;
  return child ? { command: child, given: 0, option, over } : { command, given: given + 1, option, over };
}

/** The first sentence, or as much of it as a line of candidates needs. */
const briefly = (text: string): string => text.replace(/[;:].*/s, '');

/**
 * What the last word can become. `words` are those behind the name of the program; `known` are values that are words of
 * ours, by the names of arguments.
 */
export function completionOf(words: readonly string[], program: Command, known: Words): Completion {
  const last = words.at(-1) ?? '';
  const { command, given, option, over } = read(words.slice(0, -1), program);
  const named = (list: readonly Candidate[]): Candidate[] => list.filter(({ word }) => word.startsWith(last));
  // An option that may have more values, or none, may as well be followed by another option.
  if (option?.required && !(option.variadic && last.startsWith('-'))) return withSource(sourceOfOption(option), last);
  if (!over && last.startsWith('-')) {
    const options = optionsOf(command).map(({ long, short, description }) => ({
      word: long ?? short ?? '',
      meaning: briefly(description),
    }));
    const help = { word: '--help', meaning: 'display help for command' };
    return { candidates: named([...options, help]), source: null };
  }
  const children = given === 0 ? command.commands : [];
  const commands = children.map((child) => ({ word: child.name(), meaning: briefly(child.description()) }));
  const { registeredArguments: all } = command;
  const lastArgument = all.at(-1);
  const argument = all[given] ?? (lastArgument?.variadic ? lastArgument : undefined);
  const rest = argument ? withSource(sourceOfArgument(argument, known), last) : { candidates: [], source: null };
  return { candidates: [...named(commands), ...rest.candidates], source: rest.source };
}

function withSource(source: Source, last: string): Completion {
  if (source === null || typeof source === 'string') return { candidates: [], source };
  const candidates = source.filter((word) => word.startsWith(last)).map((word) => ({ word, meaning: '' }));
  return { candidates, source: null };
}
