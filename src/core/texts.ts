/** Texts that have to fit. */

/**
 * The beginning of a text, of at most `limit` UTF-16 units. A character is not cut in half: half of a surrogate pair is no text to a database, nor
 * to strict readers of JSON.
 */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
