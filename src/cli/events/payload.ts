/** What stands in the payload of an event: of which plan, action and node it tells. Nothing in it is taken for granted. */
import type { Event } from '../../gen/countermand/v1/notification.ts';

/** A part of a payload. */
export type Data = Readonly<Record<string, unknown>>;

/** Anything as a part of a payload; what is none is empty. */
export const asData = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {});

/** Anything as text; what is none is empty. */
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The data of a versioned object, whatever its kind is called ("ironic_object.data", "watcher_object.data"). */
export function dataOf(versioned: unknown): Data {
  const object = asData(versioned);
  const key = Object.keys(object).find((candidate) => candidate.endsWith('.data'));
  return key === undefined ? {} : asData(object[key]);
}

/** The data of an event. */
export function eventData({ payload }: Event): Data {
  return dataOf(payload);
}

/** The uuid of the plan that an event tells of, or of an action of which: empty for other events. */
export function planOfEvent(event: Event): string {
  const data = eventData(event);
  if (event.eventType.startsWith('action_plan.')) return asText(data.uuid);
  if (event.eventType.startsWith('action.')) return asText(dataOf(data.action_plan).uuid);
  return '';
}

/** A plan or a node that events are asked for. */
export interface Wanted {
  readonly uuid: string;
  readonly name: string;
}

/** True if an event tells of the plan, of an action of it, or of a power task that such an action gave or took back. */
export function isOfPlan(event: Event, { uuid }: Wanted): boolean {
  if (planOfEvent(event) === uuid) return true;
  const data = eventData(event);
  const task = asData(data.power_task);
  // Of what an action changes at a node itself, and of a power task.
  const told = [data, task].filter((each) => 'plan_uuid' in each);
  if (told.length > 0) return told.some((each) => each.plan_uuid === uuid);
  // Events of earlier versions have no plan_uuid: they name the plan in the cause, or in the reason.
  return [data.cause, task.reason].some((words) => asText(words).includes(`(${uuid})`));
}

/** True if an event tells of the node, or of an action that is about it. */
export function isOfNode(event: Event, { uuid, name }: Wanted): boolean {
  const data = eventData(event);
  if (event.eventType.startsWith('baremetal.')) return data.uuid === uuid || data.name === name;
  if (!event.eventType.startsWith('action.')) return false;
  const resource = asText(asData(data.input_parameters).resource_id);
  return resource !== '' && (resource === name || resource === uuid);
}
