/** An order that says how many running nodes it is to take down is refused with any other number, and then nothing is written. */
import test, { type ExecutionContext } from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import type { WantedAudit } from '../../../src/server/audits/request.ts';
import { previewRollback } from '../../../src/server/plans/rollback_order.ts';
import type { Expected } from '../../../src/server/plans/takes_down.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import type { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, wanted, worldWith } from '../plan_making.ts';

const change = (node: string, state: string) => wanted(node, 'change_node_power_state', { resource_id: node, state });

/** One order that takes running nodes down. */
interface Case {
  /** Resolves with what the order is given to. */
  arrange(world: World): Promise<unknown>;
  /** The right number. */
  readonly count: number;
  order(world: World, expected: Expected): Promise<unknown>;
  /** It takes an order back, so it may always leave the number out. */
  readonly takesBack?: true;
}

const AUDIT: WantedAudit = {
  name: 'rack',
  requestId: 'rack',
  auditType: 'ONESHOT',
  strategy: 'host_maintenance',
  goal: '',
  parameters: {},
  scope: [{ baremetal: [{ nodes: ['n[1-2]'] }] }],
  intervalMs: null,
  autoTrigger: true,
  maxParallel: 0,
  onFailure: 'STOP',
};

/** Runs a plan that powers n1, n2 and n3 on, which are off. */
async function wake(world: World): Promise<void> {
  for (const node of ['n1', 'n2', 'n3']) await world.order(node, 'power off');
  await world.clock.turn(10_000);
  await make(world, 'wake', [change('n1', 'power on'), change('n2', 'power on'), change('n3', 'power on')]);
  await world.conductor.plans.start('wake', false);
}

const CASES: Readonly<Record<string, Case>> = {
  'a start': {
    arrange: (world) => make(world, 'down', [softOff('n1'), change('n2', 'power off'), change('n3', 'power on')]),
    count: 2,
    order: (world, expected) => world.conductor.plans.start('down', false, false, expected),
  },
  'a start by force of a plan that is too old': {
    async arrange(world) {
      await make(world, 'down', [softOff('n1')]);
      world.clock.jump(25 * 3_600_000);
    },
    count: 1,
    order: (world, expected) => world.conductor.plans.start('down', false, true, expected),
  },
  'a start of a plan about a node that is being powered on': {
    async arrange(world) {
      await world.order('n1', 'power off');
      await world.order('n2', 'power off');
      await world.clock.turn(10_000);
      await make(world, 'down', [softOff('n1'), softOff('n2')]);
      // Its order waits for an agent.
      await world.killAgent('a1');
      await world.order('n1', 'power on');
    },
    count: 1,
    order: (world, expected) => world.conductor.plans.start('down', false, false, expected),
  },
  'a start that waits for a plan that powers the nodes on': {
    async arrange(world) {
      for (const node of ['n1', 'n2']) await world.order(node, 'power off');
      await world.clock.turn(10_000);
      const on = { resource_id: 'n1', state: 'power on' };
      const later = wanted('n1', 'change_node_power_state', on, ['rest']);
      await make(world, 'wakes', [wanted('rest', 'sleep', { duration: 60 }), later]);
      await world.conductor.plans.start('wakes', false);
      await make(world, 'down', [softOff('n1'), softOff('n2'), change('n3', 'power on')]);
    },
    count: 2,
    order: (world, expected) => world.conductor.plans.start('down', true, false, expected),
  },
  'a rollback': {
    async arrange(world) {
      await wake(world);
      await world.clock.turn(10_000);
    },
    count: 3,
    order: (world, expected) =>
      world.conductor.plans.rollback({
        plan: 'wake',
        requestId: 'back',
        skipIrreversible: false,
        acceptDrift: false,
        expected: expected as number | null,
      }),
    takesBack: true,
  },
  'a cancel that goes on to roll back': {
    async arrange(world) {
      for (const node of ['n1', 'n2', 'n3']) await world.order(node, 'power off');
      await world.clock.turn(10_000);
      const rest = wanted('rest', 'sleep', { duration: 600 });
      await make(world, 'wake', [change('n1', 'power on'), change('n2', 'power on'), rest]);
      await world.conductor.plans.start('wake', false);
      await world.clock.turn(10_000);
    },
    count: 2,
    order: (world, expected) => world.conductor.plans.cancel('wake', '', true, expected as number | null),
    takesBack: true,
  },
  'a cancel of what waits': {
    arrange: (world) => make(world, 'down', [softOff('n1')]),
    count: 0,
    order: (world, expected) => world.conductor.plans.cancel('down', '', true, expected as number | null),
    takesBack: true,
  },
  'an audit that starts its plan': {
    arrange: async () => {},
    count: 2,
    order: (world, expected) => world.conductor.audits.create(AUDIT, expected),
  },
  'an audit that is resumed': {
    async arrange(world) {
      const often = { auditType: 'CONTINUOUS' as const, intervalMs: 86_400_000, scope: AUDIT.scope };
      await world.conductor.audits.create({ ...AUDIT, ...often });
      await world.conductor.audits.suspend('rack');
      await world.conductor.plans.cancel('rack', '');
      await world.clock.turn(60_000);
    },
    count: 2,
    order: (world, expected) => world.conductor.audits.resume('rack', expected),
  },
};

async function allOf({ database: { read } }: World): Promise<unknown> {
  const tables = ['action_plans', 'actions', 'audits', 'power_tasks', 'nodes'];
  const rows = await Promise.all(tables.map((table) => read(table).select().orderBy('uuid')));
  return { rows, events: await readEvents(0, 50_000, read) };
}

async function worldOf(t: ExecutionContext, { arrange }: Case): Promise<World> {
  const world = await worldWith(t, 'n1', 'n2', 'n3');
  await arrange(world);
  await world.clock.settle();
  return world;
}

for (const [what, each] of Object.entries(CASES)) {
  test(`${what} takes ${each.count} down: any other number is refused, and nothing is written`, async (t) => {
    const world = await worldOf(t, each);
    const before = await allOf(world);
    for (const wrong of [each.count + 1, each.count - 1].filter((number) => number >= 0)) {
      const refused = await t.throwsAsync<CountermandError>(each.order(world, wrong), { code: 'TAKES_DOWN_MISMATCH' });
      t.regex(refused.message, new RegExp(`takes ${each.count} running nodes? down.*, and ${wrong} were expected`));
      t.deepEqual(await allOf(world), before);
    }
    if (!each.takesBack && each.count > 0) {
      const order = each.order(world, { atMost: each.count - 1 });
      const refused = await t.throwsAsync<CountermandError>(order, { code: 'TAKES_DOWN_UNSTATED' });
      t.regex(refused.message, /\(confirm_above\), and the number was not stated; .* state it in expect_taken_down$/);
      t.deepEqual(await allOf(world), before);
    }
    await t.notThrowsAsync(each.order(world, each.takesBack ? each.count : { atMost: each.count }));
    t.notDeepEqual(await allOf(world), before);
    await endWorld(world);
  });
}

test('the same request_id joins its order, whatever number is expected now', async (t) => {
  const back = CASES['a rollback'] as Case;
  const world = await worldOf(t, back);
  const first = await back.order(world, 3);
  await world.clock.turn(10 * 60_000);
  t.like(await back.order(world, 3), { uuid: (first as { uuid: string }).uuid });
  const audit = CASES['an audit that starts its plan'] as Case;
  await t.throwsAsync(audit.order(world, 2), { code: 'TAKES_DOWN_MISMATCH' }, 'all nodes are off');
  await audit.order(world, 0);
  await t.notThrowsAsync(audit.order(world, 2));
  await endWorld(world);
});

test('a cancel tells what its rollback takes down while the plan runs, and joins when it is asked for twice', async (t) => {
  const each = CASES['a cancel that goes on to roll back'] as Case;
  const world = await worldOf(t, each);
  const { takesDown } = await previewRollback('wake', world.conductor);
  t.deepEqual(takesDown, { count: 2, nodes: ['n1', 'n2'], hard: 0 });
  await each.order(world, 2);
  await t.notThrowsAsync(world.conductor.plans.cancel('wake', '', true, 7));
  await world.clock.turn(10 * 60_000);
  t.is((await standing(world, 'wake')).plan.state, 'CANCELLED');
  await endWorld(world);
});
