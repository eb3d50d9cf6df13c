import test, { type ExecutionContext } from 'ava';
import { CountermandError } from '../../../src/core/errors.ts';
import { ACTION_PLAN_STATES, type ActionPlanState, isPlanAtRest } from '../../../src/core/states.ts';
import { type EarlierRollback, planVerbs } from '../../../src/server/plans/possible.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import { lastSequence } from '../../../src/server/store/events.ts';
import type { ActionPlanRow } from '../../../src/server/store/plan_rows.ts';
import { getContext } from '../../../src/server/store/plans.ts';
import { World } from '../../world/world.ts';
import { actionRow, auditRow, planRow, putPlan } from '../rows.ts';

const STATES = Object.keys(ACTION_PLAN_STATES) as ActionPlanState[];
const VERBS = ['start', 'cancel', 'delete'] as const;
type Verb = (typeof VERBS)[number];

/** The verbs for each state, written down a second time. */
const OFFERED: Readonly<Record<ActionPlanState, readonly Verb[]>> = {
  RECOMMENDED: ['start', 'cancel', 'delete'],
  PENDING: ['cancel'],
  ONGOING: ['cancel'],
  CANCELLING: [],
  SUCCEEDED: ['delete'],
  FAILED: ['delete'],
  CANCELLED: ['delete'],
  SUPERSEDED: ['delete'],
  DELETED: [],
};
/** Cancelling again is joining: nothing is offered, and nothing is refused. */
const JOINS: readonly ActionPlanState[] = ['CANCELLING', 'CANCELLED'];

async function putPlanIn(state: ActionPlanState, world: World): Promise<ActionPlanRow> {
  const audit = auditRow();
  const started = state === 'RECOMMENDED' ? {} : { startedAt: 1000, startOrder: 1 };
  const stamps = { createdAt: world.clock.now(), endedAt: isPlanAtRest(state) ? 2000 : null };
  const plan = planRow(audit, { state, ...started, ...stamps });
  await putPlan(world.database, audit, plan, [actionRow(plan)]);
  return plan;
}

async function allOf({ uuid }: ActionPlanRow, { database: { read } }: World): Promise<unknown> {
  const events = await lastSequence(read);
  return { ...(await getContext(uuid, read)), actions: await listActions(uuid, -1, 10, read), events };
}

const VERB_NAMES = {
  start: 'START_ACTION_PLAN',
  cancel: 'CANCEL_ACTION_PLAN',
  delete: 'DELETE_ACTION_PLAN',
} as const;

function give(verb: Verb, { uuid }: ActionPlanRow, { conductor: { plans } }: World): Promise<ActionPlanRow> {
  if (verb === 'start') return plans.start(uuid, false);
  return verb === 'cancel' ? plans.cancel(uuid, '') : plans.delete(uuid);
}

async function checkRefused(t: ExecutionContext, verb: Verb, plan: ActionPlanRow, world: World): Promise<void> {
  const label = `${verb} of ${plan.state}`;
  const before = await allOf(plan, world);
  const error = await t.throwsAsync(give(verb, plan, world), { instanceOf: CountermandError }, label);
  t.is(error?.code, 'ACTION_PLAN_STATE', label);
  t.true(error?.message.includes(`is ${plan.state}; it cannot be`), error?.message);
  const named = error?.details.possible?.map((possible) => [possible.verb, possible.resource]);
  const verbs = planVerbs(plan, null, plan.createdAt);
  t.deepEqual(
    named,
    verbs.map((possible) => [possible, plan.uuid]),
    label,
  );
  t.is(error?.message.includes('; possible: '), verbs.length > 0, error?.message);
  t.deepEqual(await allOf(plan, world), before, label);
}

test('what is offered for a plan is accepted, and everything else is refused with what can be done instead', async (t) => {
  const world = await World.open(t);
  for (const state of STATES) {
    for (const verb of VERBS) {
      const plan = await putPlanIn(state, world);
      const label = `${verb} of ${state}`;
      const offered = planVerbs(plan, null, plan.createdAt).includes(VERB_NAMES[verb]);
      t.is(offered, OFFERED[state].includes(verb), label);
      if (offered) {
        const moved = await give(verb, plan, world);
        t.not(moved.state, state, label);
        t.is(moved.revision > plan.revision, true, label);
      } else if (verb === 'cancel' && JOINS.includes(state)) {
        const before = await allOf(plan, world);
        t.deepEqual(await give(verb, plan, world), plan, label);
        t.deepEqual(await allOf(plan, world), before, label);
      } else {
        await checkRefused(t, verb, plan, world);
      }
      await world.clock.settle();
    }
    t.is(planVerbs(await putPlanIn(state, world), null, 0).length, OFFERED[state].length, state);
  }
});

test('a rollback is offered in its window, unless another one has succeeded or is under way', async (t) => {
  const world = await World.open(t);
  const plan = { ...(await putPlanIn('SUCCEEDED', world)), rollbackUntil: 5000, rolledBackBy: 'another' };
  const offers = (rollback: EarlierRollback | null, now: number): boolean =>
    planVerbs(plan, rollback, now).includes('ROLLBACK_ACTION_PLAN');
  t.true(offers(null, 5000));
  t.false(offers(null, 5001));
  const again: ActionPlanState[] = ['FAILED', 'CANCELLED', 'SUPERSEDED', 'DELETED'];
  for (const state of STATES) t.is(offers({ state, previousState: null }, 5000), again.includes(state), state);
  t.false(offers({ state: 'DELETED', previousState: 'SUCCEEDED' }, 5000));
  t.false(planVerbs({ ...plan, state: 'DELETED' }, null, 0).includes('ROLLBACK_ACTION_PLAN'));
});
