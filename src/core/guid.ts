/** The GUIDs by which servers are told apart. One is text: where it was read, if not over IPMI, then its digits. */

/** The GUID of a server in its 32 hexadecimal digits; undefined if it is none, or zeros or ones: those prove nothing. */
export function guidFrom(text: string, source = ''): string | undefined {
  const digits = text.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(digits) || /^(0+|f+)$/.test(digits)) return undefined;
  const grouped = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return source === '' ? grouped : `${source}:${grouped}`;
}

const sourceOf = (guid: string): string => guid.slice(0, guid.lastIndexOf(':') + 1);

/**
 * True if `seen` proves that a server is another than the one with the GUID `known`. Nothing is proved by a GUID that is
 * not known, and by two that were read from different sources: the same server writes them differently.
 */
export function isOtherGuid(known: string | null | undefined, seen: string | null | undefined): boolean {
  return Boolean(known && seen && known !== seen && sourceOf(known) === sourceOf(seen));
}
