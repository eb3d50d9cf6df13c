/** What must hold between the rows of the state tables, whatever they are. */
import test from 'ava';
import {
  ACTION_DONE,
  ACTION_PLAN_RUNNING,
  ACTION_PLAN_STATES,
  ACTION_PLAN_TABLE,
  ACTION_STATES,
  ACTION_TABLE,
  type ActionPlanState,
  type ActionState,
  AUDIT_TABLE,
  isActionUnsettled,
  isPlanAtRest,
  type TransitionRow,
} from '../../src/core/states.ts';

type Table = readonly TransitionRow<string, string>[];

/** Every state that can be reached from one, itself left out. */
function reachable(table: Table, from: string): Set<string> {
  const found = new Set<string>();
  const look = (state: string): void => {
    for (const { to } of table.filter((row) => row.from.includes(state) && !found.has(row.to))) {
      found.add(to);
      look(to);
    }
  };
  look(from);
  return found;
}

const leaving = (table: Table, state: string): string[] =>
  table.filter((row) => row.from.includes(state)).map(({ event }) => event);

test('a cancel that is committed never ends SUCCEEDED', (t) => {
  t.deepEqual([...reachable(ACTION_PLAN_TABLE, 'CANCELLING')].sort(), ['CANCELLED', 'DELETED', 'FAILED']);
});

test('nothing leads from an end back to a run', (t) => {
  for (const state of Object.keys(ACTION_PLAN_STATES) as ActionPlanState[])
    if (isPlanAtRest(state))
      t.true(
        [...reachable(ACTION_PLAN_TABLE, state)].every((next) => next === 'DELETED'),
        state,
      );
  for (const state of Object.keys(ACTION_STATES) as ActionState[])
    if (!isActionUnsettled(state))
      t.true(
        [...reachable(ACTION_TABLE, state)].every((next) => next === 'DELETED'),
        state,
      );
});

test('what is called at rest is what no event but a delete leaves', (t) => {
  for (const state of Object.keys(ACTION_PLAN_STATES) as ActionPlanState[])
    t.is(
      isPlanAtRest(state),
      leaving(ACTION_PLAN_TABLE, state).every((event) => event === 'delete'),
      state,
    );
  for (const state of Object.keys(ACTION_STATES) as ActionState[])
    t.is(
      !isActionUnsettled(state),
      leaving(ACTION_TABLE, state).every((event) => event === 'delete'),
      state,
    );
  t.true(ACTION_PLAN_RUNNING.every((state) => !isPlanAtRest(state)));
  t.true(ACTION_DONE.every((state) => !isActionUnsettled(state)));
});

for (const [name, table] of Object.entries({ action_plan: ACTION_PLAN_TABLE, action: ACTION_TABLE }) as [
  string,
  Table,
][]) {
  test(`${name}: each cancel.start has one end, in its own row or in every row that leaves CANCELLING`, (t) => {
    for (const row of table) {
      const said = row.notifies.map((type) => type.split(' ')[0]?.replace(`${name}.`, '') ?? '');
      const ends = said.filter((type) => type === 'cancel.end' || type === 'cancel.error');
      const starts = said.filter((type) => type === 'cancel.start');
      const leaves = row.from.includes('CANCELLING');
      t.is(starts.length, row.to === 'CANCELLING' || row.event === 'drop' ? 1 : 0, row.event);
      t.is(ends.length, leaves || row.event === 'drop' ? 1 : 0, row.event);
      t.is(said.includes('cancel.error'), leaves && row.to === 'FAILED', row.event);
      if (leaves) t.deepEqual(row.from, ['CANCELLING'], row.event);
    }
  });
}

test('each move says `update` once, each creation `create`, and each deletion `delete` after it', (t) => {
  const tables: [string, Table][] = [
    ['audit', AUDIT_TABLE],
    ['action_plan', ACTION_PLAN_TABLE],
    ['action', ACTION_TABLE],
  ];
  for (const [name, table] of tables) {
    for (const { event, from, to, notifies } of table) {
      const label = `${name} ${event}`;
      if (from.length === 0) t.deepEqual(notifies, [`${name}.create`], label);
      else t.is(notifies.filter((type) => type === `${name}.update`).length, 1, label);
      if (to === 'DELETED') t.deepEqual(notifies, [`${name}.update`, `${name}.delete`], label);
      t.true(
        notifies.every((type) => type.startsWith(`${name}.`)),
        label,
      );
    }
  }
});
