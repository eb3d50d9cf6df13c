import { hash } from 'node:crypto';

/** A short text that stands for a value: the same for the same, whatever the order of its keys. (SHA-256, hexadecimal) */
export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value, inOrder));
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
