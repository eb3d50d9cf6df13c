/** Where a fault is in what was sent or written, as zod tells it, in words. */

/** `actions[2].parents`: a path of keys and positions; empty for the whole. */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** A fault as zod tells it, as far as its place goes. */
interface Fault {
  readonly path: readonly PropertyKey[];
  /** Of a fault about keys that are not known. */
  readonly keys?: readonly string[];
}

/** Where a fault is, as a path from `root` on: to a key that is not known, if that is the fault. */
export const fieldOf = (fault: Fault | undefined, root: string): string =>
  pathText([root, ...(fault?.path ?? []), ...(fault?.keys ?? []).slice(0, 1)]).slice(0, FIELD_LIMIT);

/** Keys are chosen by clients. */
const FIELD_LIMIT = 255;

/** `'a', 'b'`: keys that are not known. */
export const quotedKeys = (keys: readonly string[]): string => keys.map((key) => `'${key}'`).join(', ');

/** The path of a field, of a place that names an action for people too: `actions[1].timeout` of `actions[1] 'boot'.timeout`. */
export const pathOf = (place: string): string => place.replace(/(actions\[\d+\]) '.*'/s, '$1');
