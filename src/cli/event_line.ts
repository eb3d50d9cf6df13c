/** An event on one line, for people. */
import type { Event } from '../gen/countermand/v1/notification.ts';
import { oneLine } from './output.ts';

type Data = Readonly<Record<string, unknown>>;

const asData = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {});

const word = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : 'unknown');

/** The data of the versioned object, whatever its kind is called ("ironic_object.data"). */
function dataOf(payload: Data): Data {
  const key = Object.keys(payload).find((candidate) => candidate.endsWith('.data'));
  return key === undefined ? {} : asData(payload[key]);
}

/** What changed, as `from -> to`. */
function changeOf(data: Data): string {
  if ('from_power' in data) return `${word(data.from_power)} -> ${word(data.power_state)}`;
  const task = asData(data.power_task);
  if (typeof task.state !== 'string') return '';
  const { outcome } = asData(data.abort);
  const states = typeof task.old_state === 'string' ? `${task.old_state} -> ${task.state}` : task.state;
  return `${word(task.target)}: ${states}${typeof outcome === 'string' ? ` (${outcome})` : ''}`;
}

/** Sequence, time, type, node, and the states that it left and reached. */
export function eventLine(event: Event): string {
  const data = dataOf(event.payload ?? {});
  const parts = [
    String(event.sequence).padStart(6),
    event.timestamp?.toISOString() ?? '',
    oneLine(event.eventType).padEnd(44),
    oneLine(typeof data.name === 'string' ? data.name : ''),
    oneLine(changeOf(data)),
  ];
  return parts.join('  ').trimEnd();
}
