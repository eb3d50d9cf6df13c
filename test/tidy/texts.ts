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
