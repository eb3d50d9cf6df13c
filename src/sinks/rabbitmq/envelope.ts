/**
 * Events as oslo.messaging sends notifications over RabbitMQ: an envelope of version 2.0, whose message is a text of JSON.
 * https://opendev.org/openstack/oslo.messaging/src/branch/master/oslo_messaging/_drivers/common.py (serialize_msg) and notify/messaging.py.
 */
import type { ToldEvent } from '../../core/outlets.ts';

/** The topics of notifications: what is before the dot of a routing key. */
interface Topics {
  /** Of plans, actions and audits. */
  readonly plans: string;
  /** Of all else. */
  readonly nodes: string;
}

/** oslo.messaging drops a notification whose priority it does not know, and has another word for this one. */
const PRIORITIES = { INFO: 'INFO', WARNING: 'WARN', ERROR: 'ERROR' } as const satisfies Record<
  ToldEvent['priority'],
  string
>;

/** The routing key of an event, which is also the name of the queue where listeners look for it. */
export function routingKeyOf({ payload, priority }: Pick<ToldEvent, 'payload' | 'priority'>, topics: Topics): string {
  const topic = 'watcher_object.name' in payload ? topics.plans : topics.nodes;
  return `${topic}.${PRIORITIES[priority].toLowerCase()}`;
}

/** The body of the message. @param publisherId who says so; null: who the event says */
export function envelopeOf(event: ToldEvent, publisherId: string | null): Buffer {
  const { messageId, eventType, priority, payload, timestamp } = event;
  const message = {
    message_id: messageId,
    publisher_id: publisherId ?? event.publisherId,
    event_type: eventType,
    priority: PRIORITIES[priority],
    payload,
    timestamp: osloTime(timestamp),
    _unique_id: messageId.replaceAll('-', ''),
  };
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) }));
}

/** UTC with microseconds and without a zone. */
const osloTime = (at: number): string => `${new Date(at).toISOString().slice(0, -1).replace('T', ' ')}000`;
