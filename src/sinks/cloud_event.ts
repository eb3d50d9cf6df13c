/** Events as CloudEvents 1.0, in structured mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md. */
import type { ToldEvent } from '../core/outlets.ts';

/** The media type of one event in structured mode. */
export const CLOUD_EVENT = 'application/cloudevents+json; charset=utf-8';

/** Wide enough for every number: the extension `sequence` is compared as text. */
const SEQUENCE_DIGITS = 16;

/** An event as JSON. The same event always has the same `source` and `id`, by which a receiver finds that it comes again. */
export function cloudEvent(event: ToldEvent, databaseId: string): string {
  const { eventType, messageId, timestamp, sequence, priority, publisherId, payload } = event;
  const subject = subjectOf(payload);
  return JSON.stringify({
    specversion: '1.0',
    id: messageId,
    source: `/countermand/${databaseId}`,
    type: `io.countermand.${eventType}`,
    time: new Date(timestamp).toISOString(),
    ...(subject !== null && { subject }),
    sequence: String(sequence).padStart(SEQUENCE_DIGITS, '0'),
    priority,
    publisher: publisherId,
    datacontenttype: 'application/json',
    data: payload,
  });
}

/** The uuid of what an event is about: a node, plan, action or audit. */
function subjectOf(payload: ToldEvent['payload']): string | null {
  const key = Object.keys(payload).find((name) => name.endsWith('_object.data'));
  const data = key === undefined ? undefined : (payload[key] as { readonly uuid?: unknown } | null);
  return typeof data?.uuid === 'string' ? data.uuid : null;
}
