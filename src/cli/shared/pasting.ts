/** Words of commands to paste. */

/** A word as a POSIX shell takes it: in single quotes, unless every shell takes it as it is. */
export function quoted(word: string): string {
  return /^[\w.,:/@%+-][\w.,:/@%+=-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
