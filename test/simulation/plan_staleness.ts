/** What waits to run must not be stale. Found from the history of the cluster model, apart from what the product does with it. */
import { modelChangeCodec } from '../../src/server/store/cluster_model.ts';
import type { ActionPlanRow } from '../../src/server/store/plan_rows.ts';
import { insist } from './insist.ts';
import type { SeenWorld } from './seen_world.ts';

/** Checks every plan that waits to be started, or for its turn, against what has changed since it was made. */
export async function checkStaleness(plans: readonly ActionPlanRow[], world: SeenWorld): Promise<void> {
  const { read } = world.database;
  const changes = (await read('model_changes')).map(modelChangeCodec.decode);
  const rows: { plan_uuid: string; node_uuid: string }[] = await read('plan_nodes');
  const { actionPlanExpiryMs, checkPeriodicIntervalMs } = world.limits;
  const { forwardMs } = world.clock.set;
  const oldest = world.clock.now() - forwardMs - actionPlanExpiryMs - checkPeriodicIntervalMs;
  for (const { uuid, name, state, modelRevision, rollbackOf, forced, createdAt } of plans) {
    if (!['RECOMMENDED', 'PENDING'].includes(state) || rollbackOf !== null) continue;
    const nodes = new Set(rows.filter((row) => row.plan_uuid === uuid).map((row) => row.node_uuid));
    // A plan in the queue bears what the plans before it do.
    const since = changes.filter(
      ({ revision, nodeUuid, planUuid }) =>
        revision > modelRevision && nodes.has(nodeUuid) && (state === 'RECOMMENDED' || planUuid === null),
    );
    insist(since.length === 0, `${name} is ${state}, and ${since[0]?.nodeName} has changed: ${since[0]?.cause}`);
    insist(forced || createdAt >= oldest, `${name} is ${state}, and too old`);
  }
}
