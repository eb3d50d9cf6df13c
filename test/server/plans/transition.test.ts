/** The state tables of audits, action plans and actions, exhaustively, through the one writer of their states. */

import test, { type ExecutionContext } from 'ava';
import {
  ACTION_PLAN_STATES,
  ACTION_PLAN_TABLE,
  ACTION_STATES,
  ACTION_TABLE,
  type ActionState,
  AUDIT_STATES,
  AUDIT_TABLE,
  isActionUnsettled,
  isPlanAtRest,
  rowOf,
  type TransitionRow,
} from '../../../src/core/states.ts';
import { openStore } from '../../../src/server/conductor.ts';
import { createAudit, moveAudit } from '../../../src/server/plans/audit_transition.ts';
import { createPlan, moveActions, movePlan } from '../../../src/server/plans/transition.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import {
  type ActionPlanRow,
  type AuditRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
} from '../../../src/server/store/plan_rows.ts';
import { contextOf, getContext } from '../../../src/server/store/plans.ts';
import type { EventRow } from '../../../src/server/store/rows.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { seededChance } from '../../world/chance.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { actionRow, auditRow, nextUuid, planRow, putPlan } from '../rows.ts';

type Row = { readonly uuid: string; readonly state: string; readonly previousState: string | null } & object;
type Table = readonly TransitionRow<string, string>[];

/** One machine: its table, and how a row of it is put, read and moved. */
interface Machine {
  readonly name: string;
  readonly states: readonly string[];
  readonly table: Table;
  readonly sqlTable: string;
  readonly patch: object;
  /** True if a row that enters this state gets the time of its end. */
  ends(state: string): boolean;
  put(state: string, store: Store): Promise<Row>;
  read(uuid: string, store: Store): Promise<Row>;
  move(event: string, row: Row, store: Store): Promise<Row | null>;
}

async function newStore(t: ExecutionContext): Promise<Store> {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const clock = new VirtualClock();
  return openStore({ database, clock, chance: seededChance(1), publisherId: 'countermand-conductor.test' });
}

const rowIn = (table: string, uuid: string, { database }: Store) => database.read(table).where({ uuid }).first();
const patch = { statusMessage: 'patched' };

const AUDIT: Machine = {
  name: 'audit',
  states: Object.keys(AUDIT_STATES),
  table: AUDIT_TABLE,
  sqlTable: 'audits',
  patch: {},
  ends: () => false,
  async put(state, { database }) {
    const audit = auditRow({ state: state as never });
    await putPlan(database, audit, planRow(audit), []);
    return audit;
  },
  read: async (uuid, store) => auditCodec.decode(await rowIn('audits', uuid, store)),
  move: (event, audit, store) =>
    store.database.write((tx) => moveAudit(event as never, audit as AuditRow, {}, tx, store)),
};

const PLAN: Machine = {
  name: 'action_plan',
  states: Object.keys(ACTION_PLAN_STATES),
  table: ACTION_PLAN_TABLE,
  sqlTable: 'action_plans',
  patch,
  ends: (state) => state !== 'DELETED' && isPlanAtRest(state as never),
  async put(state, { database }) {
    const audit = auditRow();
    const plan = planRow(audit, { state: state as never });
    await putPlan(database, audit, plan, [], [nextUuid()]);
    return plan;
  },
  read: async (uuid, store) => actionPlanCodec.decode(await rowIn('action_plans', uuid, store)),
  async move(event, plan, store) {
    const context = await contextOf(plan as ActionPlanRow, store.database.read);
    const moved = await store.database.write((tx) => movePlan(event as never, context, patch, tx, store));
    return moved?.plan ?? null;
  },
};

const ACTION: Machine = {
  name: 'action',
  states: Object.keys(ACTION_STATES),
  table: ACTION_TABLE,
  sqlTable: 'actions',
  patch,
  ends: (state) => state !== 'DELETED' && !isActionUnsettled(state as never),
  async put(state, { database }) {
    const audit = auditRow();
    const plan = planRow(audit, { state: 'ONGOING' });
    const action = actionRow(plan, { state: state as never });
    await putPlan(database, audit, plan, [action]);
    return action;
  },
  read: async (uuid, store) => actionCodec.decode(await rowIn('actions', uuid, store)),
  async move(event, { uuid }, store) {
    const { planUuid } = actionCodec.decode(await rowIn('actions', uuid, store));
    const context = await getContext(planUuid, store.database.read);
    const move = { event: event as never, uuid, patch };
    const [moved] = await store.database.write((tx) => moveActions([move], context, tx, store));
    return moved ?? null;
  },
};

const MACHINES = [AUDIT, PLAN, ACTION];

async function eventsAfter(sequence: number, { database }: Store): Promise<EventRow[]> {
  return readEvents(sequence + 1, 10_000, database.read);
}

interface Said {
  readonly state: string;
  readonly state_update?: { readonly 'watcher_object.data': { old_state: string | null; state: string } };
}

/** The events are those of the row, in its order, and tell the states as they were and are. */
function checkEvents(t: ExecutionContext, events: readonly EventRow[], row: Table[number], from: string | null): void {
  const label = `${row.event} from ${from}`;
  const types = row.notifies.map((type) => type.split(' ')[0]);
  t.deepEqual(
    events.map(({ eventType }) => eventType),
    types as string[],
    label,
  );
  for (const [at, { eventType, payload }] of events.entries()) {
    const { state, state_update: update } = payload['watcher_object.data'] as Said;
    t.is(state, row.notifies[at]?.endsWith('(before)') ? (from as string) : row.to, `${label}: ${eventType}`);
    t.is(update !== undefined, eventType.endsWith('.update'), `${label}: ${eventType}`);
    if (update) t.like(update['watcher_object.data'], { old_state: from, state: row.to }, label);
  }
}

for (const machine of MACHINES) {
  test(`${machine.name}: every event from every state moves by its row, or nothing is written`, async (t) => {
    const store = await newStore(t);
    for (const row of machine.table.filter(({ from }) => from.length > 0)) {
      for (const state of machine.states) {
        const label = `${row.event} from ${state}`;
        const put = await machine.put(state, store);
        const last = (await eventsAfter(0, store)).at(-1)?.sequence ?? 0;
        const moved = await machine.move(row.event, put, store);
        const after = await machine.read(put.uuid, store);
        const events = await eventsAfter(last, store);
        if (!row.from.includes(state)) {
          t.is(moved, null, label);
          t.deepEqual(after, put, label);
          t.deepEqual(events, [], label);
          continue;
        }
        t.deepEqual(moved, after, label);
        t.like(after, { state: row.to, previousState: state, revision: 2, ...machine.patch }, label);
        const { endedAt = null, deletedAt } = after as { endedAt?: number | null; deletedAt?: number | null };
        t.is(endedAt !== null, machine.ends(row.to), label);
        t.is(deletedAt !== null, row.to === 'DELETED', label);
        checkEvents(t, events, row, state);
      }
    }
  });

  test(`${machine.name}: the checks of the database know exactly the states of the table`, async (t) => {
    const store = await newStore(t);
    const { read } = store.database;
    const [{ sql }] = await read('sqlite_master').where({ type: 'table', name: machine.sqlTable }).select('sql');
    t.true(sql.includes(`check ((${machine.states.map((state) => `\`state\` = '${state}'`).join(' or ')}))`), sql);
    await t.throwsAsync(machine.put('LOST', store), { message: new RegExp(`${machine.sqlTable}_state`) });
  });

  test(`${machine.name}: every state is reached, and the rows of a state never disagree`, (t) => {
    const reached = new Set(machine.table.map(({ to }) => to));
    t.deepEqual([...reached].sort(), [...machine.states].sort());
    t.is(new Set(machine.table.map(({ event }) => event)).size, machine.table.length);
    // An approval changes no state: the plan takes its turn.
    for (const { event, from, to } of machine.table) t.is(from.includes(to), event === 'approve', event);
  });
}

test('what is created is in the first state of its table, and says so', async (t) => {
  const store = await newStore(t);
  const audit = auditRow();
  const plan = planRow(audit);
  const actions = [actionRow(plan, { position: 0 }), actionRow(plan, { position: 1 })];
  await store.database.write(async (tx) => {
    const created = await createAudit(audit, tx, store);
    await createPlan(plan, actions, [], created, tx, store);
  });
  const [ofAudit, ofPlan, ...ofActions] = await eventsAfter(0, store);
  checkEvents(t, [ofAudit as EventRow], rowOf(AUDIT_TABLE as Table, 'create'), null);
  checkEvents(t, [ofPlan as EventRow], rowOf(ACTION_PLAN_TABLE as Table, 'create'), null);
  t.is(ofActions.length, 2);
  for (const event of ofActions) checkEvents(t, [event], rowOf(ACTION_TABLE as Table, 'create'), null);
  const rows = await Promise.all([
    AUDIT.read(audit.uuid, store),
    PLAN.read(plan.uuid, store),
    ACTION.read(actions[0]?.uuid ?? '', store),
  ]);
  t.deepEqual(
    rows.map(({ state, previousState }) => [state, previousState]),
    [
      ['PENDING', null],
      ['RECOMMENDED', null],
      ['PENDING', null],
    ],
  );
});

test('a plan is about its nodes until it is at rest', async (t) => {
  const store = await newStore(t);
  for (const row of ACTION_PLAN_TABLE.filter(({ from }) => from.length > 0)) {
    const plan = await PLAN.put(row.from[0] as string, store);
    await PLAN.move(row.event, plan, store);
    const about = await store.database.read('plan_nodes').where('plan_uuid', plan.uuid);
    t.is(about.length, isPlanAtRest(row.to) ? 0 : 1, row.event);
  }
});

test('actions in every state, moved at once: those that may, move, and the events come in the order of the moves', async (t) => {
  const store = await newStore(t);
  const audit = auditRow();
  const plan = planRow(audit, { state: 'CANCELLING' });
  const states = Object.keys(ACTION_STATES) as ActionState[];
  const actions = [...states, ...states].map((state, position) => actionRow(plan, { state, position }));
  await putPlan(store.database, audit, plan, actions);
  const moves = [...actions].reverse().map(({ uuid, state }, at) => ({
    event: at < states.length ? ('drop' as const) : ('cancel' as const),
    uuid,
    patch: { statusMessage: `${state} ${at % 2}` },
  }));
  const moved = await store.database.write((tx) => moveActions(moves, { plan, audit }, tx, store));
  const expected = moves.filter(({ event, uuid }) => {
    const state = actions.find((action) => action.uuid === uuid)?.state as ActionState;
    return rowOf(ACTION_TABLE, event).from.includes(state);
  });
  t.true(expected.length > 1 && expected.length < moves.length);
  t.deepEqual(
    moved.map(({ uuid, statusMessage }) => ({ uuid, statusMessage })),
    expected.map((move) => ({ uuid: move.uuid, ...move.patch })),
  );
  const told = (await eventsAfter(0, store)).map(
    ({ eventType, payload }) => `${eventType} ${(payload['watcher_object.data'] as { uuid: string }).uuid}`,
  );
  const wanted = expected.flatMap(({ event, uuid }) =>
    rowOf(ACTION_TABLE, event).notifies.map((type) => `${type.split(' ')[0]} ${uuid}`),
  );
  t.deepEqual(told, wanted);
});
