/** A list of plans costs what it answers: between two plans others are served, and rollbacks are looked into up to a limit. */
import test, { type ExecutionContext } from 'ava';
import { PossibleVerb } from '../../../src/gen/countermand/v1/power.ts';
import { LISTED_ACTIONS, toActionPlans } from '../../../src/server/api/plan_wire.ts';
import { openStore } from '../../../src/server/conductor.ts';
import type { PlanParts } from '../../../src/server/plans/parts.ts';
import type { ActionPlanRow } from '../../../src/server/store/plan_rows.ts';
import { seededChance } from '../../world/chance.ts';
import { HandClock } from '../../world/hand_clock.ts';
import { actionRow, auditRow, planRow, putPlan } from '../rows.ts';
import { openRealDatabase, readingsPerTurn } from '../turns.ts';

/** Plans at rest with this number of actions each, whose rollback is still possible. */
async function endedPlans(t: ExecutionContext, plans: number, actions: number) {
  const clock = new HandClock();
  const database = await openRealDatabase(t);
  const store = openStore({ database, clock, chance: seededChance(1), publisherId: 'test' });
  const rows: ActionPlanRow[] = [];
  for (let at = 0; at < plans; at += 1) {
    const audit = auditRow();
    const plan = planRow(audit, { state: 'SUCCEEDED', size: actions, rollbackUntil: clock.now() + 1000 });
    const own = Array.from({ length: actions }, (_, position) => actionRow(plan, { position, state: 'SUCCEEDED' }));
    await putPlan(database, audit, plan, own);
    rows.push(plan);
  }
  return { rows, database, parts: { orders: { store } } as PlanParts };
}

test('others are served between two plans of a list', async (t) => {
  const { rows, database, parts } = await endedPlans(t, 20, 2);
  const one = await readingsPerTurn(() => toActionPlans(rows.slice(0, 1), parts, LISTED_ACTIONS), /^select/, database);
  const all = await readingsPerTurn(() => toActionPlans(rows, parts, LISTED_ACTIONS), /^select/, database);
  t.is(all.all, 20 * one.all);
  t.true(all.most <= one.all, `${all.most} readings before others were served; one plan takes ${one.all}`);
});

test('the rollbacks of one page are looked into up to a limit, and of the others the preview is named', async (t) => {
  const { rows, database, parts } = await endedPlans(t, 6, LISTED_ACTIONS * 0.4);
  let read = 0;
  const count = async (): Promise<void> => {
    const plans = await toActionPlans(rows, parts, LISTED_ACTIONS);
    read = plans.filter(({ possibleOrders }) =>
      possibleOrders.every(({ verb }) => verb !== PossibleVerb.PREVIEW_ROLLBACK),
    ).length;
  };
  const { all } = await readingsPerTurn(count, /^select \* from `actions`/, database);
  t.is(all, 2);
  t.is(read, 2);
});
