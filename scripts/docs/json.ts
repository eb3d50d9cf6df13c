/** JSON for people: what fits on a line stands on one, as Biome formats it. */

const WIDTH = 120;
const STEP = '  ';

/** A value as a JSON document. */
export function printJson(value: unknown): string {
  return `${expanded(value, '')}\n`;
}

function written(value: unknown, indent: string, used: number): string {
  const line = onOneLine(value);
  // One more for the comma behind it.
  return indent.length + used + line.length + 1 <= WIDTH ? line : expanded(value, indent);
}

function expanded(value: unknown, indent: string): string {
  const inner = `${indent}${STEP}`;
  const between = `,\n${inner}`;
  if (Array.isArray(value)) {
    return `[\n${inner}${value.map((item) => written(item, inner, 0)).join(between)}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => {
    const name = `${JSON.stringify(key)}: `;
    return `${name}${written(member, inner, name.length)}`;
  });
  return `{\n${inner}${members.join(between)}\n${indent}}`;
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${onOneLine(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
