/** What it costs to hold events of plans back from who may not see them. */
import test from 'ava';
import { type GrantFilter, Rights } from '../../../src/server/access/rights.ts';
import { type SeenPlans, seesEvent } from '../../../src/server/api/seen_events.ts';
import { View } from '../../../src/server/api/view.ts';
import { nodesOfPlans } from '../../../src/server/store/actions.ts';
import type { Transaction } from '../../../src/server/store/database.ts';
import type { EventRow } from '../../../src/server/store/rows.ts';
import { nodeCodec } from '../../../src/server/store/rows.ts';
import { actionRow, auditRow, nodeRow, planRow, putPlan } from '../rows.ts';
import { openRealDatabase, readingsPerTurn } from '../turns.ts';

test('a subscription looks a plan up at its first event, and not at the others', async (t) => {
  const database = await openRealDatabase(t);
  const nodes = [nodeRow({ labels: { rack: '7' } }), nodeRow({ labels: { rack: '8' } })];
  await database.write(({ sql }) => sql('nodes').insert(nodes.map(nodeCodec.encode)));
  const events: EventRow[] = [];
  for (const node of nodes) {
    const audit = auditRow();
    const plan = planRow(audit, { size: 1 });
    await putPlan(database, audit, plan, [actionRow(plan, { nodeUuid: node.uuid })]);
    const data = { action_plan: { 'watcher_object.data': { uuid: plan.uuid } } };
    events.push({ eventType: 'action.execution.end', payload: { 'watcher_object.data': data } } as never);
  }
  const rack7 = new Rights([{ verbs: ['event.read'], filter: ({ labels }) => labels.rack === '7', place: '' }], '');
  const view = new View(rack7, 'basic:rack7', database.read);
  const remembered: SeenPlans = new Map();
  const seen: boolean[] = [];
  const follow = async (): Promise<void> => {
    for (const event of [...events, ...events, ...events]) seen.push(await seesEvent(event, view, remembered));
  };
  const { all } = await readingsPerTurn(follow, /from `actions`/, database);
  t.deepEqual(seen, [true, false, true, false, true, false]);
  t.is(all, 2);
});

test('the events of a plan that is not kept any more are for those who may follow all', async (t) => {
  const database = await openRealDatabase(t);
  const event = { eventType: 'action_plan.create', payload: { 'watcher_object.data': { uuid: 'pruned' } } } as never;
  const sees = async (filter: GrantFilter): Promise<boolean> => {
    const rights = new Rights([{ verbs: ['event.read'], filter, place: '' }], '');
    return seesEvent(event, new View(rights, 'basic:rack7', database.read), new Map());
  };
  t.deepEqual([await sees(() => true), await sees(null)], [false, true]);
});

test('the nodes of a plan are found in a time that grows with their number, and not with its square', async (t) => {
  const rows = Array.from({ length: 400_000 }, (_, at) => ({ plan_uuid: 'p', node_uuid: `n${at}` }));
  const query = { whereIn: () => query, whereNotNull: () => query, distinct: async () => rows };
  // With its square it would take a quarter of an hour, which ends the test.
  const found = await nodesOfPlans(['p'], (() => query) as unknown as Transaction['sql']);
  t.is(found.get('p')?.length, rows.length);
});
