/** Measurements of clients that each did the same to a fleet, and a table that sets them beside the best peer. */
import { quantile } from '../figures.ts';

/** What one client did to a fleet, and what it took. */
export interface Measured {
  readonly what: string;
  /** BMCs that answered, and as they should. */
  readonly operations: number;
  /** From the start of the client to its end, or of the call to its answer for a client that was there already. */
  readonly wallMs: number;
  /** User and system time of all processes of the client, daemons too, within that. */
  readonly cpuMs: number;
  /** The most memory (resident) that the client's processes had; what they share counts for each. */
  readonly peakMemoryMb: number;
  /** What should be known of how this was measured. */
  readonly remark?: string;
}

/** BMCs per second. */
export const rateOf = ({ operations, wallMs }: Measured): number => (operations / wallMs) * 1000;

/** Milliseconds of processor for each BMC. */
export const cpuPerOperationMs = ({ operations, cpuMs }: Measured): number => cpuMs / operations;

/** The measurement with the highest rate. @throws an Error if there is none */
export function fastest(all: readonly Measured[]): Measured {
  const [first] = all.toSorted((a, b) => rateOf(b) - rateOf(a));
  if (first === undefined) throw new Error('nothing was measured');
  return first;
}

/** Several measurements of one thing as one: the median of each figure, the most memory, all remarks. @throws if there are none */
export function middle(all: readonly Measured[]): Measured {
  const [first] = all;
  if (first === undefined) throw new Error('nothing was measured');
  const remarks = all.flatMap(({ remark }) => remark ?? []);
  const median = (figure: (measured: Measured) => number): number => quantile(all.map(figure), 0.5);
  return {
    what: first.what,
    operations: median(({ operations }) => operations),
    wallMs: median(({ wallMs }) => wallMs),
    cpuMs: median(({ cpuMs }) => cpuMs),
    peakMemoryMb: Math.max(...all.map(({ peakMemoryMb }) => peakMemoryMb)),
    ...(remarks.length > 0 ? { remark: remarks.join('; ') } : {}),
  };
}

const HEAD = ['', 'n', 'wall', 'per s', 'CPU each', 'peak memory', 'rate beside the peer', 'CPU beside the peer'];

/** Peers, then what is compared with them, as a Markdown table. The ratios are to the peer with the highest rate. */
export function comparison(peers: readonly Measured[], ours: readonly Measured[] = []): string {
  const best = fastest(peers);
  const lines = [...peers, ...ours].map((measured) => cellsOf(measured, best));
  const cells = [HEAD, HEAD.map((_, column) => (column === 0 ? '---' : '---:')), ...lines];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return cells.map((line) => `| ${line.map(pad).join(' | ')} |`).join('\n');
}

function cellsOf(measured: Measured, best: Measured): string[] {
  const { what, operations, wallMs, peakMemoryMb, remark } = measured;
  return [
    remark === undefined ? what : `${what} (${remark})`,
    String(operations),
    `${digits(wallMs)} ms`,
    digits(rateOf(measured)),
    `${digits(cpuPerOperationMs(measured))} ms`,
    `${digits(peakMemoryMb)} MB`,
    `${digits(rateOf(measured) / rateOf(best))} x`,
    `${digits(cpuPerOperationMs(measured) / cpuPerOperationMs(best))} x`,
  ];
}

/** Two digits that mean something, or more before the point. */
function digits(figure: number): string {
  if (figure >= 10 || figure <= 0) return figure.toFixed(0);
  return figure.toFixed(Math.max(1, 1 - Math.floor(Math.log10(figure))));
}
