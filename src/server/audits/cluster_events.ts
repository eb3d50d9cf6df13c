/** Events that are reported from outside: what runs on nodes has changed, so plans about them may be stale. */
import { CLUSTER_EVENT_TYPES, isClusterEventType } from '../../core/cluster_events.ts';
import { failAt } from '../../core/errors.ts';
import { exceeded, SENT_LIMITS } from '../../core/limits.ts';
import { actionOfRequest } from '../../core/request_ids.ts';
import { cutText } from '../../core/texts.ts';
import { recordChanges } from '../nodes/model_changes.ts';
import type { PlanParts } from '../plans/parts.ts';
import { planOfAction } from '../store/actions.ts';
import { modelRevision } from '../store/cluster_model.ts';
import { resolveNodes } from '../store/nodes.ts';
import { noteMessage } from '../store/reported_messages.ts';

/** One event from outside. */
interface ClusterEvent {
  /** One of CLUSTER_EVENT_TYPES. */
  readonly eventType: string;
  /** Names, uuids and ranges of the nodes concerned, at least one. */
  readonly nodes: readonly string[];
  /** Anything that the reporter knows; kept with the change for people to read. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Why it is reported, in words; may be empty. */
  readonly reason: string;
  /** The id of the message that tells of it; left out or empty: there is none. */
  readonly messageId?: string;
  /** The request id of what has caused it; left out or empty: it is not known. */
  readonly origin?: string;
}

/** The outcome of a report. */
interface Reported {
  /** The revision of the cluster model afterwards. */
  readonly revision: number;
  /** False if the message was reported before. */
  readonly changed: boolean;
}

/** How many types are named when another one is reported. */
const SHOWN = 3;
/** More of a payload, or of a reason, is not kept. */
const TEXT_LIMIT = 1000;

/**
 * Notes an event for each of its nodes: the cluster model grows, and plans about these nodes that were not launched are
 * SUPERSEDED when this resolves.
 * Its own plan stays, if an action of it is the origin. A message that was reported before changes nothing.
 * @throws ARGUMENT_INVALID for an unknown type, NODE_NOT_FOUND; then nothing was written
 */
export async function reportClusterEvent(event: ClusterEvent, parts: PlanParts): Promise<Reported> {
  const { eventType, reason, payload, messageId = '', origin = '' } = event;
  if (!isClusterEventType(eventType)) {
    const known = Object.keys(CLUSTER_EVENT_TYPES);
    const others = `and ${known.length - SHOWN} more in docs/cluster_events.md`;
    throw failAt(
      'ARGUMENT_INVALID',
      'event_type',
      `event_type: there is no event '${eventType}'; there are ${known.slice(0, SHOWN).join(', ')}, ${others}`,
    );
  }
  for (const [place, text] of Object.entries({ message_id: messageId, origin }))
    if (text.length > SENT_LIMITS.name.limit) throw exceeded(SENT_LIMITS.name, place, text.length);
  const { store } = parts.orders;
  const newValue = cutText(JSON.stringify(payload), TEXT_LIMIT);
  const meaning = CLUSTER_EVENT_TYPES[eventType];
  const why = reason === '' ? `reported: ${meaning}` : `reported: ${meaning}: ${cutText(reason, TEXT_LIMIT)}`;
  // Names are looked up before the transaction: a range may have many, and every order would wait for them.
  const named = (await resolveNodes(event.nodes, store.database.read)).map(({ uuid }) => uuid);
  return store.database.write(async (transaction) => {
    const isNew = messageId === '' || (await noteMessage(messageId, store.clock.now(), transaction));
    if (!isNew) return { revision: await modelRevision(transaction.sql), changed: false };
    const nodes = await resolveNodes(named, transaction.sql);
    const changes = [{ what: eventType, oldValue: '', newValue }];
    const all = nodes.map((node) => ({ node, changes }));
    const action = actionOfRequest(origin);
    const planUuid = action === null ? null : await planOfAction(action, transaction.sql);
    await recordChanges(all, { why, planUuid }, transaction, store);
    return { revision: await modelRevision(transaction.sql), changed: true };
  });
}
