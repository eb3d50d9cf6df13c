/** Rules about text of any kind: leftovers, folder names, words of the contract. */
import { wordsOf } from './code.ts';
import type { Finding } from './sources.ts';

/** Every line of the texts in which `look` finds something. */
function findInLines(texts: Readonly<Record<string, string>>, look: (line: string) => string | null): Finding[] {
  return Object.entries(texts).flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => {
      const says = look(line);
      return says === null ? [] : [{ path, line: index + 1, says }];
    }),
  );
}

/** Notes to oneself that were left in. */
export function leftovers(texts: Readonly<Record<string, string>>, marks: readonly string[]): Finding[] {
  const pattern = new RegExp(`\\b(${marks.join('|')})\\b`);
  return findInLines(texts, (line) => {
    const match = pattern.exec(line);
    return match ? `${match[1]} was left in; do it, or write it where work is kept` : null;
  });
}

/** Folders with names that say nothing. */
export function vagueFolders(paths: readonly string[], names: readonly string[]): Finding[] {
  return paths.flatMap((path) => {
    const vague = path
      .split('/')
      .slice(0, -1)
      .find((folder) => names.includes(folder));
    return vague === undefined
      ? []
      : [{ path, line: 1, says: `a folder called ${vague}; name it after what is in it` }];
  });
}

/** Names in proto files that use a word which is not ours. Comments are not looked at. */
export function foreignProtoWords(
  texts: Readonly<Record<string, string>>,
  words: Readonly<Record<string, string>>,
): Finding[] {
  return findInLines(texts, (line) => {
    const names =
      line
        .replace(/\/\/.*/, '')
        .replaceAll(/"[^"]*"/g, '')
        .match(/\w+/g) ?? [];
    const found = names.find((name) => wordsOf(name).some((word) => Object.hasOwn(words, word)));
    const foreign = wordsOf(found ?? '').find((word) => Object.hasOwn(words, word));
    return found && foreign ? `'${found}' says ${foreign}; ours is ${words[foreign]}` : null;
  });
}

/** A command line of ours, to its end or to the backtick behind it. */
const COMMAND_LINE = /countermand (?:--\S+ \S+ )*(?:serve|agent|sim|node|power|plan|audit|events)\b[^`]*/g;
/** Quoted parts, which the shell leaves alone. */
const QUOTED = /'[^']*'|"[^"]*"/g;
/** What usage lines say of arguments. */
const PLACEHOLDER = /^\[(?:--)?[a-z-]+(?:\.\.\.)?\]$/;
/** A node range, wherever it stands. */
const RANGE = /[\w.-]+\[\d+(?:[-,]\d+)+\]/g;
/** Parts in which a range is not taken for a word of a command line: what is quoted, and the nodes that a sentence tells in parentheses. */
const SET_APART = /'[^']*'|"[^"]*"|`[^`]*`|\([^()]*\)/g;

/** Ranges and globs that a reader would paste into a shell without quotes: the shell may replace them by names of files. */
export function unquotedGlobs(texts: Readonly<Record<string, string>>): Finding[] {
  return findInLines(texts, (line) => {
    const words = (line.match(COMMAND_LINE) ?? []).flatMap((command) => command.replaceAll(QUOTED, '').split(/\s+/));
    const glob = words.find((word) => /\S\*|[*?]\w|\w\?$|\[/.test(word) && !PLACEHOLDER.test(word));
    if (glob !== undefined) return `the shell may replace ${glob} by the names of files; put quotes around it`;
    const parts = [...line.matchAll(SET_APART)].map(({ index, 0: part }) => [index, index + part.length] as const);
    const bare = [...line.matchAll(RANGE)].find(({ index }) => !parts.some(([from, to]) => from < index && index < to));
    return bare ? `put quotes around the range ${bare[0]}: it will be pasted into a shell` : null;
  });
}

/** Lines with words that a native engineer would not write there. "The field of the request" is a field; what is quoted is a name. */
export function translatedWords(texts: Readonly<Record<string, string>>, words: readonly string[]): Finding[] {
  const one = `(?:${words.join('|')})`;
  const name = `(?<=['"\`]${one})['"\`]`;
  const pattern = new RegExp(`(?<!:)\\b(${one})\\b(?!${name}| of the request| rest)`, 'i');
  return findInLines(texts, (line) => {
    const match = pattern.exec(line);
    return match ? `says '${match[1]}'; name the actor and the number` : null;
  });
}
