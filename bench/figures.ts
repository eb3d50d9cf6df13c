/** Measurements as figures, and figures as a table. */
import { systemClock } from '../src/core/clock.ts';

/** One line of results. */
export interface Row {
  readonly what: string;
  /** In milliseconds, or in `unit`. */
  readonly times: readonly number[];
  readonly unit?: 'ms' | 'MB' | 'per s';
  /** The peer in the same run, to be compared with. */
  readonly peer?: Row;
  /** What we want, in the same unit. */
  readonly aim?: { readonly median?: number; readonly max?: number };
}

/** The milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - startedAt;
}

/** The time below which a share of the times lies: 0.5 is the median, 1 the maximum. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? Number.NaN;
}

const HEAD = ['', 'n', 'median', 'p95', 'max', 'aim', 'beside the peer'];

/** Rows as a Markdown table. */
export const table = (rows: readonly Row[]): string => grid(HEAD, rows.map(cellsOf));

/** A Markdown table that is also easy to read as it is. All columns but the first hold figures. */
export function grid(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const cells = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...lines];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return cells.map((line) => `| ${line.map(pad).join(' | ')} |`).join('\n');
}

function cellsOf({ what, times, unit = 'ms', peer, aim }: Row): string[] {
  const figures = [0.5, 0.95, 1].map((share) => `${rounded(quantile(times, share))} ${unit}`);
  const ratio = peer ? `${rounded(quantile(times, 0.5) / quantile(peer.times, 0.5))} x` : '';
  return [what, String(times.length), ...figures, aimText(aim), ratio];
}

const rounded = (figure: number): string => figure.toFixed(figure < 10 ? 1 : 0);

function aimText(aim: Row['aim']): string {
  const parts = [aim?.median && `median ${aim.median}`, aim?.max && `max ${aim.max}`];
  return parts.filter((part) => part !== undefined).join(', ');
}
