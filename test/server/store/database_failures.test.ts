/**
 * A database that fails once, at each point of a story: nothing that one event had begun is left undone. The disk fails
 * after the orders were accepted, so whatever goes wrong goes wrong in the background.
 */
import anyTest, { type ExecutionContext } from 'ava';
import { type ActionPlanState, POWER_TASK_REST } from '../../../src/core/states.ts';
import { UpdateNodeRequest } from '../../../src/gen/countermand/v1/node.ts';
import type { WantedAudit } from '../../../src/server/audits/request.ts';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import type { WantedAction } from '../../../src/server/plans/wanted.ts';
import { nodeCodec } from '../../../src/server/store/rows.ts';
import { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, wanted, worldWith } from '../plan_making.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const change = (node: string, state: string, parents: string[] = []) =>
  wanted(node, 'change_node_power_state', { resource_id: node, state }, parents);

const maintain = (node: string, maintenance: boolean) =>
  wanted(node, 'set_node_maintenance', { resource_id: node, maintenance });

const relabelled = (node: string): UpdateNodeRequest =>
  UpdateNodeRequest.fromPartial({ node, setLabels: { rack: '7' } });

/** Makes a plan and starts it, behind those that it overlaps with. */
async function queue(world: World, name: string, actions: readonly WantedAction[]): Promise<void> {
  await make(world, name, actions);
  await world.conductor.plans.start(name, true);
}

/** One story: what is accepted before the disk fails, how it goes on, and what must have come of it. */
interface Story {
  readonly nodes: readonly string[];
  readonly prepare: (world: World) => Promise<unknown>;
  readonly goOn: (world: World) => Promise<unknown>;
  readonly check: (world: World, touch: string) => Promise<unknown>;
  readonly withoutSync?: boolean;
}

/** Power sync would find out in time what is lost: where a story says so, there is none. */
async function worldOf(t: ExecutionContext, { nodes, withoutSync = false }: Story): Promise<World> {
  const world = await World.open(t, withoutSync ? { limits: { syncPowerStateIntervalMs: 0 } } : {});
  await world.startAgent('a1');
  for (const node of nodes) await world.enrol(node, { fake_soft_ms: '60000' });
  await world.clock.turn(1000);
  return world;
}

/** Each touch would take a minute. What follows a write reads a few times, so most of it is met; seeds meet the rest. */
const STEP = 5;

/** Tells the story with a failure at its first touch, then at a later one each time, until it has fewer. */
async function tell(t: ExecutionContext, story: Story, times = 1): Promise<void> {
  t.timeout(1_800_000);
  let told = 0;
  for (let touch = 1; ; touch += STEP) {
    const world = await worldOf(t, story);
    await story.prepare(world);
    const first = world.conductorProcess;
    world.conductorProcess.failAtTouch(touch, times);
    await story.goOn(world);
    if (first.failures === 0) {
      await endWorld(world);
      break;
    }
    told += 1;
    await story.check(world, `touch ${touch}`);
    const unsettled = await world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
    t.is(unsettled.length, 0, `touch ${touch}: every power task is at rest`);
    await endWorld(world);
  }
  t.true(told >= 5, `${told} failures`);
}

const receivedBy = (world: World, node: string) =>
  world.received.filter(({ address }) => address === node).map(({ target }) => target);

for (const times of [1, 4])
  test(`a plan that fails is rolled back, whatever fails ${times} times`, (t) =>
    tell(
      t,
      {
        nodes: ['n1', 'n2'],
        async prepare(world) {
          const actions = [change('n1', 'power off'), change('n2', 'power off', ['n1'])];
          await make(world, 'p1', actions, { onFailure: 'ROLLBACK' });
          const server = world.server('n2');
          server.settings = { ...server.settings, fake_fault: 'refuse' };
          await world.conductor.plans.start('p1', false);
        },
        goOn: (world) => world.clock.turn(120_000),
        async check(world, touch) {
          const { plan, actions } = await standing(world, 'p1');
          t.deepEqual([plan.state, actions.n1, actions.n2], ['FAILED', 'SUCCEEDED', 'FAILED'], touch);
          t.regex(plan.errorMessage, /refuses the command/, touch);
          const [undoing] = await world.database.read('action_plans').where('rollback_of', plan.uuid);
          t.is(undoing?.state, 'SUCCEEDED', `${touch}: the rollback`);
          t.deepEqual(receivedBy(world, 'n1'), ['power off', 'power on'], touch);
        },
      },
      times,
    ));

test('plans in the queue are launched, whatever fails as the plan before them ends', (t) =>
  tell(t, {
    nodes: ['n1', 'n2'],
    async prepare(world) {
      await queue(world, 'p1', [change('n1', 'power off')]);
      await queue(world, 'p2', [maintain('n1', true)]);
      await queue(world, 'p3', [maintain('n1', false)]);
    },
    goOn: (world) => world.clock.turn(60_000),
    async check(world, touch) {
      for (const plan of ['p1', 'p2', 'p3'])
        t.is((await standing(world, plan)).plan.state, 'SUCCEEDED', `${touch}: ${plan}`);
    },
  }));

test('a cancel that was answered is carried out, and the next plan launched, whatever fails', (t) =>
  tell(t, {
    nodes: ['n1', 'n2'],
    async prepare(world) {
      await queue(world, 'p1', [softOff('n1'), change('n2', 'power off', ['n1'])]);
      await queue(world, 'p2', [maintain('n2', true)]);
      await world.clock.turn(5000);
    },
    async goOn(world) {
      // The order itself may be refused: then the client gives it again.
      const cancel = () => world.conductor.plans.cancel('p1', '');
      await world.finish(cancel().catch(cancel));
      await world.clock.turn(60_000);
    },
    async check(world, touch) {
      const { plan, actions } = await standing(world, 'p1');
      t.deepEqual([plan.state, actions.n1, actions.n2], ['CANCELLED', 'CANCELLED', 'CANCELLED'], touch);
      t.deepEqual(receivedBy(world, 'n1'), ['soft power off', 'recall'], touch);
      t.is((await standing(world, 'p2')).plan.state, 'SUCCEEDED', touch);
    },
  }));

const LEAVES: readonly [ActionPlanState, (world: World) => Promise<unknown>][] = [
  ['CANCELLED', (world) => world.conductor.plans.cancel('p2', '')],
  ['SUPERSEDED', (world) => changeNode(relabelled('n3'), world.conductor)],
];
for (const [end, leave] of LEAVES)
  test(`a plan that is ${end} in the queue keeps no other waiting, whatever fails`, (t) =>
    tell(t, {
      nodes: ['n1', 'n2', 'n3'],
      async prepare(world) {
        await queue(world, 'p1', [softOff('n1')]);
        await queue(world, 'p2', [maintain('n1', true), maintain('n2', true), maintain('n3', true)]);
        await queue(world, 'p3', [maintain('n2', true)]);
      },
      async goOn(world) {
        await world.finish(leave(world).catch(() => leave(world)));
        await world.clock.turn(10_000);
      },
      async check(world, touch) {
        t.is((await standing(world, 'p2')).plan.state, end, touch);
        t.is((await standing(world, 'p3')).plan.state, 'SUCCEEDED', touch);
        await world.clock.turn(60_000);
      },
    }));

/** A node of which the system is asked to stop in vain, and is given up: then it may still change for ten minutes. */
test('a window that is open is watched to its end, whatever fails', (t) =>
  tell(t, {
    nodes: ['n1'],
    withoutSync: true,
    async prepare(world) {
      const server = world.server('n1');
      server.settings = { ...server.settings, fake_soft_ms: 90_000 };
      await world.order('n1', 'soft power off', { timeoutMs: 30_000 });
      await world.clock.turn(35_000);
    },
    goOn: (world) => world.clock.turn(100_000),
    async check(world, touch) {
      const node = nodeCodec.decode(await world.database.read('nodes').first());
      t.like(node, { powerState: 'power off', mayChangeUntil: null }, touch);
    },
  }));

test('what an agent has under way goes on with the next one, whatever fails as it attaches', (t) =>
  tell(t, {
    nodes: ['n1', 'n2'],
    async prepare(world) {
      await world.order('n1', 'soft power off');
      await world.order('n2', 'soft power off');
      await world.clock.turn(2000);
      await world.killAgent('a1');
    },
    async goOn(world) {
      await world.startAgent('a2');
      await world.clock.turn(110_000);
    },
    async check(world, touch) {
      const states = (await world.database.read('power_tasks')).map(({ state }) => state);
      t.deepEqual(states, ['SUCCEEDED', 'SUCCEEDED'], touch);
    },
  }));

test('audits run at their times and their plans are launched, whatever fails', (t) => {
  const asked = (name: string): WantedAudit => ({
    name,
    requestId: name,
    auditType: 'CONTINUOUS',
    strategy: 'dummy',
    goal: '',
    parameters: { para1: 1 },
    scope: [],
    intervalMs: 60_000,
    autoTrigger: true,
    maxParallel: 0,
    onFailure: 'STOP',
  });
  return tell(t, {
    nodes: [],
    async prepare(world) {
      for (const name of ['one', 'other']) await world.conductor.audits.create(asked(name));
      await world.clock.turn(50_000);
    },
    goOn: (world) => world.clock.turn(50_000),
    async check(world, touch) {
      const states = (await world.database.read('action_plans')).map(({ state }) => state);
      t.deepEqual(states, ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'], touch);
    },
  });
});

test('plans that are too old are superseded, and nodes read, whatever fails at the time', async (t) => {
  const world = await worldWith(t, 'n1', 'n2', 'n3');
  await make(world, 'old', [softOff('n1')]);
  await world.clock.turn(24 * 3_600_000 - 10_000);
  // Both the look at the ages of plans and the rounds of power sync fail for a while.
  world.conductorProcess.failAtTouch(1, 20);
  await world.clock.turn(180_000);
  t.is((await standing(world, 'old')).plan.state, 'SUPERSEDED');
  const readAt = (await world.database.read('nodes').select('power_state_read_at')).map(
    (row) => row.power_state_read_at,
  );
  for (const at of readAt) t.true(world.clock.now() - at < 180_000, String(world.clock.now() - at));
  t.true(world.conductorProcess.failures > 0);
  await endWorld(world);
});
