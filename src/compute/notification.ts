/**
 * Notifications of a compute service, as oslo.messaging carries them: an envelope of version 2.0 whose message is a text of JSON, or, by
 * the driver `messaging`, the message bare. Whatever else stands in one is passed over, and nothing of its context is kept: old releases put
 * tokens there.
 */
import * as z from 'zod';
import { type ClusterEventType, isClusterEventType } from '../core/cluster_events.ts';
import { actionOfRequest } from '../core/request_ids.ts';

/** A message is no notification. The sentence repeats nothing that stands in it. */
export class UnreadableNotification extends Error {}

/** What a notification says of a change. */
interface ComputeChange {
  readonly type: ClusterEventType;
  /** The hosts whose instances or services have changed, each once. */
  readonly hosts: readonly string[];
  /** The uuid of the instance; null if it is about none. */
  readonly instance: string | null;
  /** What is told of it, for people. */
  readonly details: Readonly<Record<string, string | boolean>>;
}

/** One notification. */
export interface ComputeNotification {
  /** The same each time that it comes. */
  readonly id: string;
  readonly eventType: string;
  /** Milliseconds since 1970, by the clock of the sender; null if it does not say. */
  readonly sentAt: number | null;
  /** The request id of the action of ours that has caused it; null if none has. */
  readonly origin: string | null;
  /** Null if it tells of nothing that changes what runs where. */
  readonly change: ComputeChange | null;
}

/** Printable, and short enough for every column; whatever else is no name of ours. */
const name = z.string().regex(/^[\x21-\x7e]{1,200}$/);
const any = z.unknown().optional();
const message = z.looseObject({
  message_id: any,
  _unique_id: any,
  publisher_id: any,
  event_type: name,
  timestamp: any,
  payload: any,
  _context_global_request_id: any,
});
const payload = z.looseObject({ 'nova_object.data': z.record(z.string(), z.unknown()) });

/** Reads the body of a message. @throws UnreadableNotification */
export function readNotification(body: Uint8Array): ComputeNotification {
  const parsed = message.safeParse(unwrap(body));
  if (!parsed.success) throw new UnreadableNotification('it is no message of oslo.messaging with an event_type');
  const { event_type: eventType, publisher_id: publisher, timestamp, _context_global_request_id: asked } = parsed.data;
  const id = named(parsed.data.message_id) ?? named(parsed.data._unique_id);
  if (id === null) throw new UnreadableNotification('it has neither message_id nor _unique_id');
  const request = named(asked);
  return {
    id,
    eventType,
    sentAt: timeOf(timestamp),
    origin: request !== null && actionOfRequest(request) !== null ? request : null,
    change: changeOf(eventType, named(publisher) ?? '', parsed.data.payload),
  };
}

const named = (value: unknown): string | null => (name.safeParse(value).success ? (value as string) : null);

function unwrap(body: Uint8Array): unknown {
  const outer = jsonOf(textOf(body));
  if (outer === null || typeof outer !== 'object' || !('oslo.message' in outer)) return outer;
  const { 'oslo.message': inner, 'oslo.version': version } = outer as Record<string, unknown>;
  if (typeof version !== 'string' || !/^2\.\d{1,3}$/.test(version))
    throw new UnreadableNotification('its envelope is not of version 2');
  if (typeof inner !== 'string') throw new UnreadableNotification('the message in its envelope is no text');
  return jsonOf(inner);
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new UnreadableNotification('it is not UTF-8');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableNotification('it is not JSON');
  }
}

/** `2026-11-27 23:13:59.779259`, in UTC. */
function timeOf(text: unknown): number | null {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?$/.test(text)) return null;
  const at = Date.parse(`${text.slice(0, 23).replace(' ', 'T')}Z`);
  return Number.isNaN(at) ? null : at;
}

function changeOf(type: string, publisher: string, given: unknown): ComputeChange | null {
  const parsed = payload.safeParse(given);
  if (!isClusterEventType(type) || !parsed.success) return null;
  const data = parsed.data['nova_object.data'];
  const own = /^nova-compute:(.+)$/.exec(publisher)?.[1] ?? null;
  if (type === 'compute.exception') return exceptionOf(data, own);
  if (type.startsWith('service.')) return serviceOf(type, data);
  // Every save of an instance is told: only some of them change it. And it may be the API that tells, under the name of a host.
  if (type === 'instance.update' && !isOtherState(data.state_update)) return null;
  // The other host of a migration is the one that tells of it.
  const hosts = [named(data.host), type === 'instance.update' ? null : own];
  return {
    type,
    hosts: [...new Set(hosts.filter((host) => host !== null))],
    instance: named(data.uuid),
    details: detailsOf(data, 'uuid', 'host', 'state'),
  };
}

function serviceOf(type: ClusterEventType, data: Readonly<Record<string, unknown>>): ComputeChange | null {
  const host = named(data.host);
  if (data.binary !== 'nova-compute' || host === null) return null;
  const details = detailsOf(data, 'host', 'disabled', 'disabled_reason', 'forced_down');
  return { type, hosts: [host], instance: null, details };
}

/** What only asks changes nothing, and fails wherever a hypervisor cannot answer. */
const ASKS = /^(get|check|validate|external)_/;

function exceptionOf(data: Readonly<Record<string, unknown>>, own: string | null): ComputeChange | null {
  if (own === null || (typeof data.function_name === 'string' && ASKS.test(data.function_name))) return null;
  const details = { host: own, ...detailsOf(data, 'function_name', 'exception') };
  return { type: 'compute.exception', hosts: [own], instance: null, details };
}

function isOtherState(given: unknown): boolean {
  const update = payload.safeParse(given);
  if (!update.success) return false;
  const { old_state: before, state } = update.data['nova_object.data'];
  return typeof state === 'string' && state !== before;
}

/** Longer texts are cut; what cannot be printed is left out, as a database may refuse it. */
const DETAIL_LIMIT = 200;

function detailsOf(data: Readonly<Record<string, unknown>>, ...keys: readonly string[]): ComputeChange['details'] {
  const told = keys.flatMap((key): [string, string | boolean][] => {
    const value = data[key];
    if (typeof value === 'boolean') return [[key, value]];
    return typeof value === 'string' ? [[key, value.replace(/[\p{C}]+/gu, ' ').slice(0, DETAIL_LIMIT)]] : [];
  });
  return Object.fromEntries(told);
}
