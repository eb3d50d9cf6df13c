/** Ids of orders. `crypto.randomUUID` exists over https only; this does over http too. */

/** A new id: the same one twice is one order. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
