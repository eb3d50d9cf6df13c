/**
 * What do the log and the metrics cost? One conductor does without both in every other block of orders (bench/alternating). Then another one profiles
 * itself, which says where the time goes: what ran is added up by the source it is written in (bench/profile/shares.ts). Beside that stands what one line
 * and one observation cost alone, for who wants to count.
 */
import { openSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import { openLogStream } from '../src/cli/daemon/log_stream.ts';
import { systemClock } from '../src/core/clock.ts';
import { MetricRegistry } from '../src/server/metrics/registry.ts';
import { alternate } from './alternating/blocks.ts';
import { differenceTable } from './alternating/difference.ts';
import { grid } from './figures.ts';
import { costTable } from './profile/cost_table.ts';
import { profileOrders } from './profile/orders.ts';

const CALLS = 200_000;

/** Tables. */
export async function observing(signal: AbortSignal): Promise<string> {
  const blocks = await alternate(['observing'], signal);
  const difference = differenceTable([['the log and the metrics', 'observing', true]], blocks);
  const cost = await profileOrders(signal);
  const inOrders = costTable(
    [
      [`the log: ${cost.bytes.toFixed(0)} bytes in ${cost.writes.toFixed(2)} writes`, 'log'],
      ['the metrics', 'metrics'],
    ],
    cost,
  );
  return [difference, inOrders, alone()].join('\n\n');
}

/** What each costs when nothing else runs. */
function alone(): string {
  const nowhere = openSync('/dev/null', 'w');
  const stream = { write: (text: string) => writeSync(nowhere, text) > 0, writableLength: 0 };
  const log = pino({ base: null }, openLogStream(stream as never, systemClock));
  const registry = new MetricRegistry();
  const fields = {
    task: '0b7d3f3e-8f7c-4d8c-9f5e-1c8a5d0d8b11',
    node: 'rack7-node12',
    target: 'power off',
    request_id: '6f1c0a44-0f8a-4f0f-9a5e-5f1f7b0c2d22',
    ordered_by: 'token:orders',
  };
  const rows: readonly (readonly [what: string, call: () => void])[] = [
    ['a line of the log, into /dev/null', () => log.info(fields, 'power order accepted')],
    ['a time into a histogram', () => registry.observe('countermand_database_seconds', { kind: 'task' }, 0.002)],
    ['a count', () => registry.add('countermand_calls_total', { rpc: 'PowerService/SetPowerState', code: 'OK' })],
  ];
  return grid(
    ['alone', 'processor time'],
    rows.map(([what, call]) => [what, `${costOf(call).toFixed(2)} us`]),
  );
}

/** In microseconds, after it was compiled. */
function costOf(call: () => void): number {
  const many = (): void => {
    for (let count = 0; count < CALLS; count += 1) call();
  };
  many();
  const before = process.threadCpuUsage();
  many();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / CALLS;
}
