/** The RPCs of NodeService that freeze zones and labels. */
import type { Freeze, NodeServiceImplementation } from '../../gen/countermand/v1/node.ts';
import type { Asked } from '../access/identity.ts';
import type { Conductor } from '../conductor.ts';
import type { FreezeRow } from '../store/freezes.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';
import { date } from './wire.ts';

type FreezeRpcs = Pick<
  NodeServiceImplementation<Asked & Viewed & Recorded>,
  'freezeNodes' | 'listFreezes' | 'liftFreeze'
>;

/** The RPCs over a conductor. */
export function freezesOf({ orders: { freezes } }: Conductor): FreezeRpcs {
  return {
    async freezeNodes({ zone, labels, reason, until }, { identity, record }) {
      const wanted = { zone, labels, reason, until: until?.getTime() ?? null, createdBy: identity.name };
      return { freeze: toFreeze(await freezes.add(wanted, record)) };
    },

    // Labels and zones tell of nodes, so they are told to those who may see all of them.
    async listFreezes(_request, { view }) {
      return { freezes: view.filter === undefined ? freezes.list().map(toFreeze) : [] };
    },

    async liftFreeze({ freeze }, { record }) {
      return { freeze: toFreeze(await freezes.lift(freeze, record)) };
    },
  };
}

function toFreeze({ uuid, zone, labels, reason, createdAt, createdBy, until }: FreezeRow): Freeze {
  const end = date(until);
  return {
    uuid,
    zone,
    labels: { ...labels },
    reason,
    createdBy,
    createdAt: date(createdAt),
    ...(end && { until: end }),
  };
}
