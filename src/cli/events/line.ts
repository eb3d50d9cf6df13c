/** An event on one line, for people. */

import type { Event } from '../../gen/countermand/v1/notification.ts';
import { oneLine } from '../shared/harmless.ts';
import type { TimeText } from '../shared/times.ts';
import { asData, asText, type Data, dataOf, eventData, planOfEvent } from './payload.ts';

const word = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : 'unknown');

/** What changed at a node, or in an order for it, as `from -> to`. */
function powerChange(data: Data): string {
  if ('from_power' in data) return `${word(data.from_power)} -> ${word(data.power_state)}`;
  const task = asData(data.power_task);
  if (typeof task.state !== 'string') return '';
  const { outcome } = asData(data.abort);
  const states = typeof task.old_state === 'string' ? `${task.old_state} -> ${task.state}` : task.state;
  return `${word(task.target)}: ${states}${typeof outcome === 'string' ? ` (${outcome})` : ''}`;
}

/** What was done to an enrolled node, or why not; or null if the event is of another kind. */
function nodeChange(eventType: string, data: Data): string | null {
  const change = /^baremetal\.node\.(create|update|delete|maintenance_set)\./.exec(eventType)?.[1];
  if (change === undefined) return null;
  const wrong = [asText(data.error_code), asText(data.error_message)].filter((text) => text !== '').join(': ');
  const reason = asText(data.maintenance_reason);
  const words: Readonly<Record<string, string>> = {
    create: `driver ${word(data.driver)}`,
    update: `changed: ${Array.isArray(data.changed) ? data.changed.map(word).join(', ') : 'unknown'}`,
    maintenance_set: `maintenance ${data.maintenance === true ? 'on' : 'off'}${reason && `: ${reason}`}`,
  };
  return [words[change] ?? '', wrong].filter((text) => text !== '').join('; ');
}

/** What became of a conductor on PostgreSQL; null if the event is of another kind. */
function election(eventType: string, data: Data): string | null {
  if (eventType === 'conductor.resigned') return `epoch ${data.epoch}: ${asText(data.reason)}`;
  if (eventType !== 'conductor.elected') return null;
  const before = asText(data.previous_address);
  return `epoch ${data.epoch}${before && `, after ${before}${data.previous_resigned === true ? '' : ' was lost'}`}`;
}

/** The state of a plan, an action or an audit, and the one before if it has changed; then what went wrong, or why. */
function stateChange(data: Data): string {
  const update = dataOf(data.state_update);
  const fault = dataOf(data.fault);
  const before = asText(update.old_state);
  const states = `${before && `${before} -> `}${asText(data.state)}`;
  const why = asText(update.status_message);
  const wrong = [asText(fault.exception), asText(fault.exception_message)].filter((text) => text !== '').join(': ');
  return `${states}${wrong || why ? `; ${wrong || why}` : ''}`;
}

/** What an event is about. An action is told with its plan, by the plan's name if it is known. */
function subjectOf(event: Event, data: Data, planNames: ReadonlyMap<string, string>): string {
  const name = asText(data.name);
  if (event.eventType.startsWith('conductor.')) return asText(data.address);
  if (!event.eventType.startsWith('action.')) return name;
  const plan = planOfEvent(event);
  return `${planNames.get(plan) ?? plan}/${name}`;
}

/** Sequence, time, type, what it is about, and the states that it left and reached. */
export function eventLine(event: Event, planNames: ReadonlyMap<string, string>, time: TimeText): string {
  const data = eventData(event);
  const isPower = 'from_power' in data || 'power_task' in data;
  const parts = [
    String(event.sequence).padStart(6),
    time(event.timestamp),
    oneLine(event.eventType).padEnd(44),
    oneLine(subjectOf(event, data, planNames)),
    oneLine(
      election(event.eventType, data) ??
        nodeChange(event.eventType, data) ??
        (isPower ? powerChange(data) : stateChange(data)),
    ),
  ];
  return parts.join('  ').trimEnd();
}
