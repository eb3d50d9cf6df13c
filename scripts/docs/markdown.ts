/** Small pieces of Markdown. */

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A table. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Text as code; empty stays empty. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

/** A fenced block. */
export function block(text: string, language = ''): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

/** A page from its parts, with the line that says where it comes from. */
export function page(title: string, source: string, parts: readonly string[]): string {
  const origin = `<!-- Printed from ${source} by \`npm run docs\`. Change it there. -->`;
  return `${[`# ${title}`, origin, ...parts].join('\n\n')}\n`;
}
