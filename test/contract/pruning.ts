/** What every implementation of `Database` deletes when it is old. */
import type { ExecutionContext } from 'ava';
import {
  forgetModelChanges,
  insertModelChanges,
  isAnyChangeOld,
  modelRevision,
} from '../../src/server/store/cluster_model.ts';
import type { Database } from '../../src/server/store/database.ts';
import { eventsGoneTo } from '../../src/server/store/events.ts';
import { listOldPlans } from '../../src/server/store/plans.ts';
import { madeAtOfExcess, pruneAudits, pruneEvents, prunePlans, pruneTasks } from '../../src/server/store/prune.ts';
import { actionRow, auditRow, nodeRow, planRow, putPlan, putRows, taskRow } from '../server/rows.ts';
import { appendEvents } from './writes.ts';

/** Old rows go, each kind by its own rule, and the size of the database can be told. */
export async function oldRowsGo(t: ExecutionContext, { database }: { readonly database: Database }): Promise<void> {
  const ended = { state: 'SUCCEEDED' as const, endedAt: 2000, createdAt: 1000 };
  const nodes = ['n1', 'n2', 'n3'].map((name) => nodeRow({ name }));
  for (const [at, node] of nodes.entries())
    await putRows(database, node, taskRow(node, { ...ended, createdAt: 1000 + at, endedAt: 2000 + at }));
  const audit = auditRow();
  const plan = planRow(audit, { ...ended, rollbackUntil: 3000 });
  await putPlan(
    database,
    audit,
    plan,
    [actionRow(plan, { state: 'SUCCEEDED', endedAt: 2000 })],
    [nodes[0]?.uuid ?? ''],
  );
  await database.write((transaction) => appendEvents(['a', 'b', 'c'], transaction));

  t.is(await madeAtOfExcess('power_tasks', 2, database.read), 1000);
  t.is(await madeAtOfExcess('power_tasks', 3, database.read), null);
  const old = { madeBefore: 5000, endedBefore: 2002 };
  t.is(await database.write((transaction) => pruneTasks(old, 5000, transaction)), 2);
  t.is(await database.write((transaction) => pruneAudits(old, transaction)), 0);
  t.deepEqual(await database.write((transaction) => prunePlans(old, 2500, transaction)), { count: 0, more: false });
  t.deepEqual(await database.write((transaction) => prunePlans(old, 5000, transaction)), { count: 1, more: false });
  t.is(await database.write((transaction) => pruneAudits(old, transaction)), 1);
  const all = { before: 5000, limit: null, limitBefore: 0, readTo: null };
  t.is(await database.write((transaction) => pruneEvents(all, transaction)), 2);
  t.is(await eventsGoneTo(database.read), 2);
  for (const [table, count] of Object.entries({ power_tasks: 1, action_plans: 0, actions: 0, audits: 0, events: 1 }))
    t.is((await database.read(table)).length, count, table);
  t.true((await database.bytes()) > 100_000);
  await oldPlansAndChangesAreFound(t, database);
}

/** What is looked for now and then by itself: plans that were not launched, and the history of the model. */
async function oldPlansAndChangesAreFound(t: ExecutionContext, database: Database): Promise<void> {
  const who = { nodeUuid: 'n', nodeName: 'n1', planUuid: null, changedBy: null, changedFor: null };
  const change = { ...who, what: 'labels', oldValue: '', newValue: 'a=1', cause: 'a test' };
  const changes = [1000, 1001, 1002, 1003].map((changedAt) => ({ ...change, changedAt }));
  await database.write((transaction) => insertModelChanges(changes, transaction));
  t.false(await isAnyChangeOld(1000, database.read));
  t.true(await isAnyChangeOld(1001, database.read));
  const audit = auditRow();
  const runs = planRow(audit, { state: 'ONGOING', modelRevision: (await modelRevision(database.read)) - 2 });
  const waits = planRow(audit, { state: 'RECOMMENDED', createdAt: 1000 });
  await putPlan(database, audit, runs, [], []);
  t.true(await isAnyChangeOld(5000, database.read));
  await database.write((transaction) => forgetModelChanges(5000, transaction));
  t.is((await database.read('model_changes')).length, 3);
  t.false(await isAnyChangeOld(5000, database.read));
  await putPlan(database, auditRow(), waits, [], []);
  t.deepEqual(await listOldPlans(['RECOMMENDED'], 999, 1, database.read), []);
  t.deepEqual(await listOldPlans(['RECOMMENDED'], 1000, 1, database.read), [waits]);
}
