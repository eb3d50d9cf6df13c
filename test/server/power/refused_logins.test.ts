/** Who asks a BMC that refuses the login, in virtual time: sync, the watch of a task and a window together, then operators. */
import test from 'ava';
import { changeNode, validateInfo } from '../../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../../src/server/plans/create.ts';
import { readNode } from '../../../src/server/power/readings.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';

const HOUR_MS = 3_600_000;

test('over an hour all who read one BMC have the tries of one back-off; then each operator who asks has one', async (t) => {
  const world = await World.open(t, { limits: { softPowerOffTimeoutMs: 10 * HOUR_MS } });
  await world.startAgent('a1');
  // Three nodes at one BMC: one is read by its task, one by its window, one by power sync.
  for (const name of ['n1', 'n2', 'n3', 'n4']) await world.enrol(name, { fake_place: 'bmc', fake_soft_ms: 'never' });
  await world.clock.turn(1000);
  const server = world.server('bmc');
  await world.order('n2', 'soft power off', { timeoutMs: 5000 });
  await world.clock.turn(20_000);
  const task = await world.order('n1', 'soft power off', { timeoutMs: 5 * HOUR_MS });
  await world.clock.turn(60_000);
  server.settings = { ...server.settings, fake_fault: 'login' };

  // At 0, 1, 3, 7, 15 and 31 minutes; the next would be at 63.
  await world.clock.turn(HOUR_MS);
  t.is(server.refusedLogins, 6);
  t.is((await getPowerTask(task.uuid, world.database.read)).state, 'CONFIRMING');
  for (const name of ['n1', 'n2', 'n3']) {
    const { problem } = await getNode(name, world.database.read);
    t.is(problem?.code, 'BMC_PASSWORD_WRONG');
    t.regex(problem?.message ?? '', /the next try is at 2026-01-02T04:0\d:\d\d/, name);
  }

  const { readings, shutdown } = world.conductor;
  const tries = async (what: string, count: number, ask: () => Promise<unknown>): Promise<void> => {
    const before = server.refusedLogins;
    await world.finish(ask());
    await world.clock.turn(60_000);
    t.is(server.refusedLogins - before, count, what);
  };
  const n3 = await getNode('n3', world.database.read);
  await tries('a reading by the conductor', 0, () => readNode(n3, 'conductor', readings, shutdown));
  await tries('node refresh', 1, () => readNode(n3, 'operator', readings, shutdown));
  await tries('node validate', 1, () => validateInfo(n3, world.conductor, shutdown));
  // One BMC takes one order at a time.
  await tries('an abort', 0, () => world.order('n1', 'abort soft power off'));
  await tries('an order of a client', 1, () => world.order('n3', 'power off'));
  const action = { name: 'a', actionType: 'change_node_power_state', parents: [], timeoutMs: null };
  const inputParameters = { resource_id: 'n3', state: 'power off' };
  const rules = { maxParallel: 0, canary: 0, onFailure: 'STOP' as const };
  await tries('an action of a plan', 0, async () => {
    await createActionPlan(
      { name: 'p', requestId: 'p', ...rules, actions: [{ ...action, inputParameters }] },
      world.conductor,
    );
    await world.conductor.plans.start('p', false);
  });
  const change = { setLabels: {}, removeLabels: [], removeDriverInfo: [], node: 'n4' };
  await tries('another driver_info', 1, async () => {
    await changeNode({ ...change, setDriverInfo: { fake_password: 'new' } }, world.conductor);
    await readNode(await getNode('n4', world.database.read), 'conductor', readings, shutdown);
  });

  // The right password ends it for the node that has it, and for those that get it.
  server.settings = { ...server.settings, fake_fault: 'none' };
  await world.finish(readNode(n3, 'operator', readings, shutdown));
  await world.clock.turn(200_000);
  for (const name of ['n1', 'n2', 'n3']) {
    // That they share a BMC is a problem of its own.
    const { problem } = await getNode(name, world.database.read);
    t.not(problem?.code, 'BMC_PASSWORD_WRONG', name);
  }
  await world.end();
});
