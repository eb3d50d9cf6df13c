/** Globs of event types, verbs and identities: `*` stands for any part, dots included. */

/** True if the text matches one of the globs, or if there are none. */
export function matchesAny(text: string, globs: readonly string[]): boolean {
  return globs.length === 0 || globs.some((glob) => matchesGlob(text, glob));
}

/** Not by a regular expression: one with many stars could keep the conductor busy for hours. */
function matchesGlob(text: string, glob: string): boolean {
  const [head = '', ...middle] = glob.split('*');
  const tail = middle.pop();
  if (tail === undefined) return text === glob;
  const end = text.length - tail.length;
  if (!text.startsWith(head) || !text.endsWith(tail) || head.length > end) return false;
  let at = head.length;
  for (const part of middle) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
