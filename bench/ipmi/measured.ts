/** Measurements of clients that each did the same to a fleet, and a table that sets them beside some of them. */
import { grid, quantile } from '../figures.ts';

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
  /** What we want of it. */
  readonly aim?: string;
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
  const remarks = new Set(all.flatMap(({ remark }) => remark ?? []));
  const median = (figure: (measured: Measured) => number): number => quantile(all.map(figure), 0.5);
  return {
    ...first,
    operations: median(({ operations }) => operations),
    wallMs: median(({ wallMs }) => wallMs),
    cpuMs: median(({ cpuMs }) => cpuMs),
    peakMemoryMb: Math.max(...all.map(({ peakMemoryMb }) => peakMemoryMb)),
    ...(remarks.size > 0 ? { remark: [...remarks].join('; ') } : {}),
  };
}

/** What others are set beside, and its name in the head of the table. */
export type Reference = readonly [name: string, measured: Measured];

const HEAD = ['', 'n', 'wall', 'per s', 'CPU each', 'peak memory'];

/** Measurements as a Markdown table, each set beside the references. */
export function comparison(rows: readonly Measured[], references: readonly Reference[]): string {
  const beside = references.map(([name]) => `beside ${name}`);
  return grid(
    [...HEAD, ...beside, 'aim'],
    rows.map((row) => cellsOf(row, references)),
  );
}

function cellsOf(measured: Measured, references: readonly Reference[]): string[] {
  const { what, operations, wallMs, peakMemoryMb, remark, aim = '' } = measured;
  const ratios = references.map(([, reference]) => {
    const rate = digits(rateOf(measured) / rateOf(reference));
    return `rate ${rate} x, CPU ${digits(cpuPerOperationMs(measured) / cpuPerOperationMs(reference))} x`;
  });
  return [
    remark === undefined ? what : `${what} (${remark})`,
    String(operations),
    `${digits(wallMs)} ms`,
    digits(rateOf(measured)),
    `${digits(cpuPerOperationMs(measured))} ms`,
    `${digits(peakMemoryMb)} MB`,
    ...ratios,
    aim,
  ];
}

/** Two digits that mean something, or more before the point. */
function digits(figure: number): string {
  if (figure >= 10 || figure <= 0) return figure.toFixed(0);
  return figure.toFixed(Math.max(1, 1 - Math.floor(Math.log10(figure))));
}
