/** An agent that has come late has time to read the hardware; one that comes again and again and says nothing holds no deadline back for ever. */
import test, { type ExecutionContext } from 'ava';
import { Alarms } from '../../../src/server/power/alarms.ts';
import { Deadlines } from '../../../src/server/store/deadlines.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { World } from '../../world/world.ts';
import { nodeRow, taskRow } from '../rows.ts';

/** A node with a soft order that never settles. From now on the link to its agent breaks again and again; what the agent is asked never arrives. */
async function worldOfAFlappingLink(t: ExecutionContext) {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  const { uuid } = await world.order('n1', 'soft power off', { timeoutMs: 60_000 });
  await world.clock.turn(5000);
  const task = () => getPowerTask(uuid, world.database.read);
  t.is((await task()).state, 'CONFIRMING');
  let asked = 0;
  world.onSent = ({ message: { $case } }) => {
    if (!['start', 'observe', 'abort'].includes($case)) return;
    asked += 1;
    world.agents.get('a1')?.link?.freeze();
  };
  const flap = async (times: number): Promise<void> => {
    for (let round = 0; round < times; round += 1) {
      world.agents.get('a1')?.link?.cut();
      await world.clock.turn(10_000);
    }
    t.true(asked > 5, `it was asked ${asked} times`);
  };
  return { world, task, flap };
}

test('the end of an abort: its agent attaches each ten seconds and says nothing of it', async (t) => {
  const { world, task, flap } = await worldOfAFlappingLink(t);
  await world.order('n1', 'abort soft power off');
  await flap(30);
  t.like(await task(), { state: 'ABORTED', abortOutcome: 'FAILED' });
  t.is((await getNode('n1', world.database.read)).heldBy, null);
});

test('the deadline of an order: its agent attaches each ten seconds and says nothing of it', async (t) => {
  const { world, task, flap } = await worldOfAFlappingLink(t);
  await flap(40);
  t.like(await task(), { state: 'FAILED', errorCode: 'TIMED_OUT' });
  t.is((await getNode('n1', world.database.read)).heldBy, null);
});

test('an agent that comes back right before the end of an abort has time for the recall', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: 'never', fake_recall: 'works' });
  const { uuid } = await world.order('n1', 'soft power off');
  await world.clock.turn(5000);
  world.agents.get('a1')?.link?.freeze();
  await world.order('n1', 'abort soft power off');
  await world.clock.turn(world.limits.abortTimeoutMs - 3000);
  const server = world.server('n1');
  server.settings = { ...server.settings, fake_answer_ms: 5000 };
  world.agents.get('a1')?.link?.cut();
  await world.clock.turn(120_000);
  t.like(await getPowerTask(uuid, world.database.read), { state: 'ABORTED', abortOutcome: 'RECALLED' });
});

/** The alarms of a task whose deadline is over in a second, and what they have rung. */
function alarmsOfOne() {
  const clock = new VirtualClock();
  const rung: number[] = [];
  const alarms = new Alarms({ clock, deadlines: new Deadlines(clock) }, () => rung.push(clock.monotonic()));
  const task = taskRow(nodeRow(), { state: 'CONFIRMING', deadlineAt: clock.now() + 1000 });
  return { clock, alarms, rung, task, start: clock.monotonic() };
}

test('while the hardware is read at a deadline, that deadline rings no more, and it is not read twice', async (t) => {
  const { clock, alarms, rung, task } = alarmsOfOne();
  alarms.set(task);
  await clock.turn(1000);
  t.is(rung.length, 1);
  t.true(alarms.hold(task));
  t.false(alarms.hold(task));
  alarms.set(task);
  await clock.turn(5000);
  t.is(rung.length, 1);
  alarms.set({ ...task, deadlineAt: clock.now() + 1000 });
  await clock.turn(1000);
  t.is(rung.length, 2, 'another deadline');
  alarms.release(task.uuid);
  alarms.set(task);
  await clock.turn(1);
  t.is(rung.length, 3);
});

test('a short grace takes nothing from a longer one', async (t) => {
  const { clock, alarms, rung, task, start } = alarmsOfOne();
  alarms.giveGrace(task, 60_000);
  alarms.giveGrace(task, 10_000);
  await clock.turn(100_000);
  t.deepEqual(
    rung.map((at) => at - start),
    [60_000],
  );
});
