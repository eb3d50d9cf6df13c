/** Tables without borders, each column as wide as its widest cell. */
import stringWidth from 'fast-string-width';
import { coloured, type Meaning } from './colours.ts';
import { oneLine } from './harmless.ts';

/** Between two columns. */
const GUTTER = 3;
/** A column that is cut keeps this width. */
const LEAST_WIDTH = 8;
const CUT = '…';

/** The width of text on a terminal. Most cells are plain, and then it is their length. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text));

/** One cell: its text, and what its colour means. */
interface Cell {
  readonly text: string;
  readonly meaning?: Meaning | undefined;
}

/** One column with its cells. */
interface TableColumn {
  readonly head: string;
  readonly cells: readonly Cell[];
  /** Where the terminal is too narrow, the column with the highest number is left out first; never without a number. */
  readonly spare?: number | undefined;
  /** Where the terminal is too narrow, its cells may be cut. */
  readonly cuts?: boolean | undefined;
}

/** How a table is printed. */
export interface TableLook {
  /** The width of the terminal; null: as wide as it is. */
  readonly width: number | null;
  readonly coloured: boolean;
  readonly heads: boolean;
}

interface Sized extends TableColumn {
  readonly width: number;
}

/**
 * Rows under heads. Where they are wider than the terminal, columns that are empty are left out, then those that are spare,
 * and at last cells are cut.
 */
export function fittedTable(columns: readonly TableColumn[], look: TableLook): string {
  const sized = columns.map((column): Sized => {
    const cells = column.cells.map((cell) => ({ ...cell, text: oneLine(cell.text) }));
    const width = cells.reduce(
      (most, { text }) => Math.max(most, widthOf(text)),
      look.heads ? widthOf(column.head) : 0,
    );
    return { ...column, cells, width };
  });
  const fitting = look.width === null ? sized : fit(sized, look.width);
  const heading = (text: string): Cell => ({ text, meaning: 'heading' });
  const heads = look.heads ? [fitting.map(({ head, width }) => pad(heading(head), width, look))] : [];
  const count = columns[0]?.cells.length ?? 0;
  const rows = Array.from({ length: count }, (_, row) =>
    fitting.map(({ cells, width }) => pad(cells[row] as Cell, width, look)),
  );
  return [...heads, ...rows].map((cells) => cells.join(' '.repeat(GUTTER)).trimEnd()).join('\n');
}

const widthOfAll = (columns: readonly Sized[]): number =>
  columns.reduce((total, { width }) => total + width, GUTTER * Math.max(0, columns.length - 1));

const isEmpty = ({ cells }: Sized): boolean => cells.every(({ text }) => text === '');

/** The column that is missed the least, or none. */
function mostSpare(columns: readonly Sized[]): Sized | undefined {
  const [first] = columns
    .filter(({ spare }) => spare !== undefined)
    .sort((one, other) => Number(isEmpty(other)) - Number(isEmpty(one)) || (other.spare ?? 0) - (one.spare ?? 0));
  return first;
}

function fit(columns: readonly Sized[], width: number): readonly Sized[] {
  if (widthOfAll(columns) <= width) return columns;
  // Cutting a little is better than losing a column, and losing one is better than cutting much.
  const cut = cutTo(columns, width, 2 * LEAST_WIDTH);
  if (widthOfAll(cut) <= width) return cut;
  const spare = mostSpare(columns);
  if (spare !== undefined)
    return fit(
      columns.filter((column) => column !== spare),
      width,
    );
  return cutTo(columns, width, LEAST_WIDTH);
}

/** The columns with those that may be cut no wider than it takes, but at least `least`. */
function cutTo(columns: readonly Sized[], width: number, least: number): readonly Sized[] {
  let over = widthOfAll(columns) - width;
  return columns.map((column) => {
    const room = column.cuts ? Math.max(0, column.width - Math.max(least, widthOf(column.head))) : 0;
    const less = Math.min(room, Math.max(0, over));
    over -= less;
    return { ...column, width: column.width - less };
  });
}

function pad({ text, meaning }: Cell, width: number, look: TableLook): string {
  const shown = widthOf(text) > width ? cutText(text, width) : text;
  const rest = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return look.coloured && meaning !== undefined && shown !== ''
    ? `${coloured(shown, meaning)}${rest}`
    : `${shown}${rest}`;
}

/** What gives text its colours. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

/** Lines that are no wider than this. One that is cut loses its colours. */
export function cutLines(text: string, width: number): string {
  const cut = (line: string): string => (widthOf(line) > width ? cutText(line.replaceAll(COLOURS, ''), width) : line);
  return text.split('\n').map(cut).join('\n');
}

/** How many rows of a terminal of this width the lines take. */
export function rowsOf(text: string, width: number): number {
  const rows = (line: string): number => Math.max(1, Math.ceil(widthOf(line) / width));
  return text.split('\n').reduce((sum, line) => sum + rows(line), 0);
}

function cutText(text: string, width: number): string {
  let shown = '';
  for (const character of text) {
    if (widthOf(`${shown}${character}${CUT}`) > width) break;
    shown += character;
  }
  return `${shown}${CUT}`;
}

/** Rows under a head, as wide as they are. An empty head is left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(head.length, ...rows.slice(0, 1).map(({ length }) => length));
  const columns = Array.from({ length: width }, (_, column) => ({
    head: head[column] ?? '',
    cells: rows.map((cells) => ({ text: cells[column] ?? '' })),
  }));
  return fittedTable(columns, { width: null, coloured: false, heads: head.length > 0 });
}

/** What is known of one thing, a line for each fact; what is empty is left out. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  return table(
    [],
    rows.filter(([, value]) => value !== ''),
  );
}
