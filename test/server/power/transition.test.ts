import test, { type ExecutionContext } from 'ava';
import { isAbort, TARGETS } from '../../../src/core/power.ts';
import { isAtRest, POWER_TASK_STATES, POWER_TASK_TABLE, type PowerTaskState } from '../../../src/core/states.ts';
import { openStore } from '../../../src/server/conductor.ts';
import { type TaskWrite, taskOf, writeTasks } from '../../../src/server/power/task_writes.ts';
import { createPowerTask, type NewPowerTask, transition } from '../../../src/server/power/transition.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { seededChance } from '../../world/chance.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { nodeRow, putRows, taskRow } from '../rows.ts';

const STATES = Object.keys(POWER_TASK_STATES) as PowerTaskState[];

async function newStore(t: ExecutionContext): Promise<Store> {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  const clock = new VirtualClock();
  return openStore({ database, clock, chance: seededChance(1), publisherId: 'countermand-conductor.test' });
}

/** What a task is made of before the store stamps it. */
function newTask(node: NodeRow): NewPowerTask {
  const {
    state: _1,
    previousState: _2,
    revision: _3,
    createdAt: _4,
    updatedAt: _5,
    fence: _6,
    ...task
  } = taskRow(node);
  return task;
}

test('every event from every state: it moves by its row, or nothing is written', async (t) => {
  const store = await newStore(t);
  const { database } = store;
  const moving = POWER_TASK_TABLE.filter(({ from }) => from.length > 0);
  for (const row of moving) {
    for (const state of STATES) {
      const label = `${row.event} from ${state}`;
      const node = nodeRow();
      const target = row.event.endsWith('_abort') ? 'abort soft power off' : 'soft power off';
      const held = isAtRest(state) || isAbort(target);
      const task = taskRow(node, { target, state });
      await putRows(database, held ? node : { ...node, heldBy: task.uuid, targetPowerState: 'soft power off' }, task);
      const before = await getNode(node.uuid, database.read);
      const last = (await readEvents(0, 10_000, database.read)).length;
      const moved = await database.write((tx) =>
        transition(row.event, { task, node: before }, { task: { message: 'patched' } }, tx, store),
      );
      const events = (await readEvents(0, 10_000, database.read)).slice(last);
      const after = await getPowerTask(task.uuid, database.read);
      if (!(row.from as readonly string[]).includes(state)) {
        t.is(moved, null, label);
        t.deepEqual(after, task, label);
        t.deepEqual(await getNode(node.uuid, database.read), before, label);
        t.deepEqual(events, [], label);
        continue;
      }
      t.like(after, { state: row.to, previousState: state, revision: 2, message: 'patched' }, label);
      t.deepEqual(moved?.task, after, label);
      t.is(after.endedAt !== null, isAtRest(row.to), label);
      t.deepEqual(
        events.map(({ eventType }) => eventType),
        row.notifies as string[],
        label,
      );
      for (const { payload } of events) {
        const data = payload['ironic_object.data'] as { power_task: { state: string; old_state: string } };
        t.like(data.power_task, { state: row.to, old_state: state }, label);
      }
      const shown = await getNode(node.uuid, database.read);
      if (!isAbort(target)) t.is(shown.heldBy, isAtRest(row.to) ? null : task.uuid, label);
    }
  }
});

test('the checks of the database know the same states, targets and phases as the tables', async (t) => {
  const { database } = await newStore(t);
  const [{ sql }] = await database.read('sqlite_master').where({ type: 'table', name: 'power_tasks' }).select('sql');
  // A table that was made anew has the word in capitals.
  const oneOf = (column: string, values: readonly string[]): string =>
    `CHECK ((${values.map((value) => `\`${column}\` = '${value}'`).join(' or ')}))`;
  t.true(sql.includes(oneOf('state', STATES)), sql);
  t.true(sql.includes(oneOf('target', TARGETS)), sql);
  const node = nodeRow();
  await t.throwsAsync(putRows(database, node, taskRow(node, { state: 'LOST' as never })), {
    message: /power_tasks_state/,
  });
  await t.throwsAsync(putRows(database, nodeRow({ powerState: 'half on' as never }), null), {
    message: /nodes_power_state/,
  });
});

test('a node has at most one unsettled order, whatever the code believes', async (t) => {
  const { database } = await newStore(t);
  const node = nodeRow();
  await putRows(database, node, taskRow(node));
  const insert = (target: 'power on' | 'abort soft power off') =>
    putRows(database, nodeRow(), taskRow(node, { target, state: 'SENDING' }));
  await t.throwsAsync(insert('power on'), { message: /UNIQUE/ });
  await t.notThrowsAsync(insert('abort soft power off'));
});

test('taking a node raises its fence, and who decided on the row before cannot take it', async (t) => {
  const store = await newStore(t);
  const { database } = store;
  const node = nodeRow();
  await putRows(database, node, null);
  const order = (task: NewPowerTask) =>
    database.write((tx) => createPowerTask('order', task, node, { agentUuid: 'agent-1', fence: 1 }, tx, store));
  const first = newTask(node);
  const ordered = await order(first);
  t.like(ordered.task, { uuid: first.uuid, state: 'QUEUED', fence: 1, revision: 1 });
  t.like(ordered.node, { fence: 1, heldBy: first.uuid, agentUuid: 'agent-1', revision: 2 });
  await t.throwsAsync(order(newTask(node)));
  t.deepEqual(await getNode(node.uuid, database.read), ordered.node);
  t.is((await database.read('power_tasks')).length, 1);
});

test('what fails in a transaction leaves no state, no event and no word to the feed', async (t) => {
  const store = await newStore(t);
  const { database } = store;
  const node = nodeRow();
  await putRows(database, node, null);
  const controller = new AbortController();
  const changes = database.feed.watch('node', controller.signal);
  const failing = database.write(async (tx) => {
    await createPowerTask('order', newTask(node), node, { fence: 1 }, tx, store);
    throw new Error('the plug was pulled');
  });
  await t.throwsAsync(failing, { message: 'the plug was pulled' });
  t.deepEqual(await getNode(node.uuid, database.read), node);
  t.deepEqual(await readEvents(0, 10, database.read), []);
  t.deepEqual(await database.read('power_tasks'), []);
  controller.abort(new Error('done'));
  await t.throwsAsync(changes.next(), undefined);
  t.is(database.feed.size, 0);
});

test('the writes of one decision follow one another, and one on a row that was changed since is refused with all others', async (t) => {
  const store = await newStore(t);
  const { database } = store;
  const node = nodeRow();
  const task = taskRow(node);
  await putRows(database, { ...node, heldBy: task.uuid, targetPowerState: 'soft power off' }, task);
  const held = await getNode(node.uuid, database.read);
  const abort = { ...newTask(node), target: 'abort soft power off', phase: 'WHOLE' } as const;
  const end = (event: 'abort' | 'abort_end') => ({ kind: 'move', event, taskUuid: task.uuid, patch: {} }) as const;
  const writes: TaskWrite[] = [
    { kind: 'create', event: 'order_abort', task: abort, node: {} },
    end('abort'),
    end('abort_end'),
    { kind: 'move', event: 'end_abort', taskUuid: abort.uuid, patch: {} },
    { kind: 'annotate', taskUuid: task.uuid, patch: { abortReason: 'late' } },
  ];
  const write = (some: readonly TaskWrite[]) =>
    database.write((tx) => writeTasks(some, { node: held, tasks: [task] }, tx, store));
  // The end does not leave QUEUED.
  await t.throwsAsync(write([...writes.slice(0, 1), end('abort_end')]), { code: 'OVERTAKEN' } as never);
  t.deepEqual(await database.read('power_tasks').pluck('uuid'), [task.uuid]);
  const now = await write(writes);
  t.like(taskOf(now, task.uuid).task, { state: 'ABORTED', abortReason: 'late', revision: 4 });
  t.like(taskOf(now, abort.uuid), { task: { state: 'SUCCEEDED' }, node: { heldBy: null } });
  t.deepEqual(await getPowerTask(task.uuid, database.read), taskOf(now, task.uuid).task);
  await t.throwsAsync(write(writes.slice(1)), { code: 'OVERTAKEN' } as never);
});
