/** Tables as RFC 4180 has them: commas between fields, quotes around what has commas, quotes or line ends. */

/** A row, and the line that it begins on. */
interface Row {
  readonly line: number;
  readonly fields: readonly string[];
}

/** One field from where the last ended: quoted or not, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * The rows of a table, without empty lines.
 * @throws a SyntaxError with the line of a quote that is not closed, or that stands inside a field
 */
export function parseCsv(text: string): Row[] {
  const rows: Row[] = [];
  let [line, startedAt] = [1, 1];
  let fields: string[] = [];
  FIELD.lastIndex = text.startsWith('\uFEFF') ? 1 : 0;
  while (FIELD.lastIndex < text.length || fields.length > 0) {
    const match = FIELD.exec(text);
    if (match === null) throw new SyntaxError(`line ${line}: a quote is not closed, or stands inside a field`);
    const [whole, quoted, plain = '', end = ''] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split('\n').length - 1;
    if (end === ',') continue;
    if (fields.length > 1 || fields[0] !== '') rows.push({ line: startedAt, fields });
    [fields, startedAt] = [[], line];
  }
  return rows;
}

/** A table as text. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  const field = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map(field).join(',')).join('\n');
}
