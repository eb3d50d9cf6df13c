/** The notifications of elections: which conductor leads, and which one has stopped doing so in order. One that dies says nothing. */
import { VERSION } from '../../core/version.ts';
import { forgetConductor } from '../store/conductors.ts';
import type { Transaction } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { type Announcement, announce } from './announce.ts';

/** A conductor that leads. */
export interface Leader {
  readonly uuid: string;
  /** HOST:PORT. */
  readonly address: string;
  /** HOST:PORT; null if it has no HTTP door. */
  readonly httpAddress: string | null;
  readonly epoch: number;
}

const announcementOf = (eventType: string, name: string, leader: Leader, data: object): Announcement => ({
  eventType,
  priority: 'INFO',
  payload: {
    'countermand_object.namespace': 'countermand',
    'countermand_object.name': name,
    'countermand_object.version': '1.0',
    'countermand_object.data': {
      uuid: leader.uuid,
      address: leader.address,
      http_address: leader.httpAddress,
      version: VERSION,
      epoch: leader.epoch,
      ...data,
    },
  },
});

/** Who led before. */
export interface LedBefore {
  /** HOST:PORT; null if it is not known. */
  readonly address: string | null;
  /** It has stopped in order. */
  readonly resigned: boolean;
}

/** Tells that a conductor was elected. @param before null if it is the first one of the database */
export function announceElected(leader: Leader, before: LedBefore | null, store: Store): Promise<void> {
  const data = { previous_address: before?.address ?? null, previous_resigned: before?.resigned ?? null };
  const elected = announcementOf('conductor.elected', 'ConductorElectedPayload', leader, data);
  return store.database.write((transaction) => announce([elected], transaction, store));
}

/** Tells that a conductor stops leading in order, and lists it no more. */
export function announceResigned(leader: Leader, reason: string, store: Store): Promise<void> {
  const resigned = announcementOf('conductor.resigned', 'ConductorResignedPayload', leader, { reason });
  return store.database.write(async (transaction: Transaction) => {
    await forgetConductor(leader.uuid, transaction);
    await announce([resigned], transaction, store);
  });
}
