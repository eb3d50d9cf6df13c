/** Costs of an order as a table. */
import { PER_SECOND, percent } from '../cost.ts';
import { grid } from '../figures.ts';
import type { OrderCost } from './orders.ts';
import type { Part } from './shares.ts';

/** A line for each part, for all of them together, and for all that an order costs; then the functions that take most. */
export function costTable(
  parts: readonly (readonly [what: string, part: Part])[],
  { shares, cpuUs }: OrderCost,
): string {
  const line = (what: string, share: number) => {
    const us = share * cpuUs;
    return [what, `${us.toFixed(1)} us`, percent(share), percent((us * PER_SECOND) / 1_000_000)];
  };
  const together = parts.reduce((sum, [, part]) => sum + shares.parts[part], 0);
  const head = [
    'the profile of an order, agent inside',
    'processor time',
    'of the order',
    `at ${PER_SECOND} orders per second`,
  ];
  const lines = [
    ...parts.map(([what, part]) => line(what, shares.parts[part])),
    line('together', together),
    line('everything', 1),
  ];
  const largest = parts.flatMap(([, part]) =>
    shares.largest[part].map(([name, share]) => [name, `${(share * cpuUs).toFixed(1)} us`]),
  );
  return [grid(head, lines), grid(['where most of it goes', 'processor time'], largest)].join('\n\n');
}
