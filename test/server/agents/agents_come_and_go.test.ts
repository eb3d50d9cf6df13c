/** Agents that come and go, however often, delay no node that was not theirs, and nothing of them is left. */
import test, { type ExecutionContext } from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { type AttachRequest, Hello } from '../../../src/gen/countermand/v1/agent.ts';
import { deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import { AGENT_LEASE_MS } from '../../world/conductors.ts';
import { World } from '../../world/world.ts';

const CYCLES = 1000;

async function newWorld(t: ExecutionContext): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  return world;
}

/** An agent that says that it can do all that the honest one can, and answers nothing. @returns how its stream is cut */
async function attachLiar({ conductor }: World, agentUuid: string): Promise<() => Promise<unknown>> {
  const drivers = [{ name: 'fake', driverInfoSchema: '{}', targets: [], recalls: [] }];
  const hello = Hello.fromPartial({ agentUuid, name: 'liar', zones: ['default'], drivers });
  const outgoing = openChannel<AttachRequest>(openCancellation([]).signal);
  outgoing.push({ message: { $case: 'hello', value: hello } });
  const answers = conductor.attachments.attach(outgoing, openCancellation([]).signal);
  await answers.next();
  return async () => {
    outgoing.end();
    while (!(await answers.next()).done);
  };
}

test(`${CYCLES} attaches and losses: few rounds of handing out, one at a time, and nothing of them is left`, async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  await world.enrol('n2');
  const { uuid } = await world.order('n1', 'soft power off');
  await world.clock.turn(1000);
  const before = await getPowerTask(uuid, world.database.read);
  const { keeper } = world.conductor.orders;
  const handOut = keeper.handOut.bind(keeper);
  let rounds = 0;
  let running = 0;
  let most = 0;
  keeper.handOut = async (fits) => {
    rounds += 1;
    running += 1;
    most = Math.max(most, running);
    await handOut(fits);
    running -= 1;
  };
  const timers = world.clock.timers;
  const cycle = async (_: unknown, at: number): Promise<void> => {
    const cut = await attachLiar(world, `liar-${at}`);
    await cut();
  };
  await world.finish(Promise.all(Array.from({ length: CYCLES }, cycle)));
  t.true(rounds <= 3, `${rounds} rounds`);
  t.is(most, 1);
  t.true(world.clock.timers <= timers + 3, `${world.clock.timers - timers} timers more`);
  const asksAt = world.clock.monotonic();
  t.like(await getPowerTask((await world.order('n2', 'power off')).uuid, world.database.read), { state: 'SUCCEEDED' });
  t.is(world.clock.monotonic(), asksAt, 'an order for a node of the honest agent waits for nothing');
  t.is(world.conductor.attachments.remembered.lost, CYCLES);

  await world.clock.turn(2 * AGENT_LEASE_MS + 1000);
  t.true(rounds <= 6, `${rounds} rounds`);
  t.deepEqual(world.conductor.attachments.remembered, { claims: 2, lost: 0 });
  t.deepEqual(
    (await world.database.read('agents')).map(({ name }) => name),
    ['honest'],
  );
  const after = await getPowerTask(uuid, world.database.read);
  t.like(after, { state: before.state, deadlineAt: before.deadlineAt, fence: before.fence });
  await deleteNode('n2', world.conductor);
  t.is(world.conductor.attachments.remembered.claims, 1);
});

test('an agent that was lost without having been told of a node delays nothing about it', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  const names = Array.from({ length: 10 }, (_, at) => `n${at}`);
  for (const name of names) await world.enrol(name);
  await world.clock.turn(1000);
  // A new process of the conductor knows of no node whose it is.
  await world.killConductor();
  await world.startConductor();
  await world.clock.turnUntil(() => world.conductor.attachments.list().length > 0, 20_000);
  const cut = await attachLiar(world, 'liar');
  const { attachments } = world.conductor;
  const nodes = await Promise.all(names.map((name) => getNode(name, world.database.read)));
  const owners = nodes.map((node) => attachments.ownerOf(node));
  t.true(owners.some((owner) => owner.kind === 'attached' && owner.attachment.hello.agentUuid === 'liar'));
  await cut();
  const asksAt = world.clock.monotonic();
  for (const name of names) await world.order(name, 'power off');
  t.is(world.clock.monotonic(), asksAt);
  for (const name of names) t.is((await getNode(name, world.database.read)).powerState, 'power off');
});
