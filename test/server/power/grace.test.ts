/** An agent that comes again and again and says nothing holds no deadline back for ever. */
import test, { type ExecutionContext } from 'ava';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { World } from '../../world/world.ts';

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
