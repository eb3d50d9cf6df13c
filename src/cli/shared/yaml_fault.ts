/** What is wrong with a YAML file, in one sentence that repeats nothing of the file: it may hold a password. */

/**
 * The sentence of an error that the parser has thrown, with its place. The parser repeats the text that it stumbles over behind a
 * colon, and a password that is not quoted may begin with `*`, `!` or `>`.
 */
export function wordsOfYamlFault(error: unknown): string {
  const [line = ''] = (error as Error).message.split('\n');
  const place = / at line \d+, column \d+(?=:?$)/.exec(line)?.[0] ?? '';
  const [sentence = ''] = (place === '' ? line : line.slice(0, line.lastIndexOf(place))).split(': ', 1);
  return `${sentence.replace(/; please use .*\(\)|:$/g, '')}${place}`;
}
