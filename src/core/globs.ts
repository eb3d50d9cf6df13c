/** Globs of event types, verbs and identities: `*` stands for any part, dots included. */

/** True if the text matches one of the globs, or if there are none. */
export function matchesAny(text: string, globs: readonly string[]): boolean {
  return matcherOf(globs)(text);
}

/** The same for many texts. Each costs no more steps for each glob than it has characters, whatever the glob. */
export function matcherOf(globs: readonly string[]): (text: string) => boolean {
  // Stars in a row are one: a part between them is found anywhere, and costs a step.
  const all = globs.map((glob) => glob.split(/\*+/));
  return (text) => all.length === 0 || all.some((parts) => matches(text, parts));
}

/** Not by a regular expression: one with many stars could keep the conductor busy for hours. */
function matches(text: string, [head = '', ...others]: readonly string[]): boolean {
  const tail = others.at(-1);
  if (tail === undefined) return text === head;
  const end = text.length - tail.length;
  if (!text.startsWith(head) || !text.endsWith(tail) || head.length > end) return false;
  let at = head.length;
  for (const part of others.slice(0, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
