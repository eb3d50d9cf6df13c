/** Where a fault is in what was sent or written, as zod tells it, in words. */

/** `actions[2].parents`: a path of keys and positions; empty for the whole. */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** `'a', 'b'`: keys that are not known. */
export const quotedKeys = (keys: readonly string[]): string => keys.map((key) => `'${key}'`).join(', ');
