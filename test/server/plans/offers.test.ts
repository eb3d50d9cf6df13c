/**
 * What is named as possible for a plan or an audit is tried, in a world of its own each, and accepted; an order that is not
 * named, or without a flag that is named, is refused.
 */
import anyTest, { type ExecutionContext } from 'ava';
import { asCountermandError } from '../../../src/core/errors.ts';
import { UpdateNodeRequest } from '../../../src/gen/countermand/v1/node.ts';
import { toActionPlans } from '../../../src/server/api/plan_wire.ts';
import { possibleFields } from '../../../src/server/api/possible.ts';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import { offersFor } from '../../../src/server/plans/offers.ts';
import { auditPossible } from '../../../src/server/plans/possible.ts';
import { previewRollback } from '../../../src/server/plans/rollback_order.ts';
import { getAudit } from '../../../src/server/store/audits.ts';
import { getPlan } from '../../../src/server/store/plans.ts';
import type { World } from '../../world/world.ts';
import { endWorld, make, softOff, wanted, worldWith } from '../plan_making.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const change = (node: string, state: string) => wanted(node, 'change_node_power_state', { resource_id: node, state });

/** Runs a plan about a node to its end. */
async function run(world: World, name: string, ...actions: Parameters<typeof make>[2]): Promise<void> {
  await make(world, name, actions);
  await world.conductor.plans.start(name, false);
  await world.clock.turn(10_000);
}

/** Starts a plan that keeps n1, and behind which others wait. */
async function occupy(world: World, name: string): Promise<void> {
  await make(world, name, [softOff('n1')]);
  await world.conductor.plans.start(name, true);
  await world.clock.turn(1000);
}

const FREEZE = { zone: 'default', labels: {}, reason: 'work', until: null, createdBy: 'jwt:zoe' };

/** How plan 'p' stands. */
interface Situation {
  readonly arrange: (world: World) => Promise<unknown>;
  /** What is possible for it, without its uuid, written down a second time. */
  readonly possible: readonly string[];
}

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'a new plan': {
    arrange: (world) => make(world, 'p', [softOff('n1')]),
    possible: ['plan start', 'plan cancel', 'plan delete'],
  },
  'a new plan about the node of one that runs': {
    async arrange(world) {
      await occupy(world, 'runs');
      await make(world, 'p', [softOff('n1')]);
    },
    possible: ['plan start --queue', 'plan cancel', 'plan delete'],
  },
  'a new plan about the node of one that waits': {
    async arrange(world) {
      await occupy(world, 'runs');
      await make(world, 'waits', [softOff('n1'), softOff('n2')]);
      await world.conductor.plans.start('waits', true);
      await make(world, 'p', [softOff('n2')]);
    },
    possible: ['plan start --queue', 'plan cancel', 'plan delete'],
  },
  'a new plan about the node of one that is being cancelled': {
    async arrange(world) {
      await occupy(world, 'runs');
      await make(world, 'p', [softOff('n1')]);
      await world.conductor.plans.cancel('runs', '');
    },
    possible: ['plan start --queue', 'plan cancel', 'plan delete'],
  },
  'a new plan about a frozen node': {
    async arrange(world) {
      await make(world, 'p', [softOff('n1')]);
      await world.finish(world.conductor.orders.freezes.add(FREEZE));
    },
    possible: ['plan cancel', 'plan delete'],
  },
  'a plan that has ended, about a node that was frozen since': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'));
      await world.finish(world.conductor.orders.freezes.add(FREEZE));
    },
    possible: ['plan delete'],
  },
  'a plan that is too old': {
    async arrange(world) {
      await make(world, 'p', [softOff('n1')]);
      // The next look at the age of plans is still to come.
      world.clock.jump(25 * 3_600_000);
    },
    possible: ['plan start --force', 'plan cancel', 'plan delete'],
  },
  'a plan that waits': {
    async arrange(world) {
      await occupy(world, 'runs');
      await make(world, 'p', [softOff('n1')]);
      await world.conductor.plans.start('p', true);
    },
    possible: ['plan cancel'],
  },
  'a plan that runs': { arrange: (world) => occupy(world, 'p'), possible: ['plan cancel'] },
  'a plan that is being cancelled': {
    async arrange(world) {
      await occupy(world, 'p');
      await world.conductor.plans.cancel('p', '');
    },
    possible: [],
  },
  'a plan that has ended': {
    arrange: (world) => run(world, 'p', change('n1', 'power off')),
    possible: ['plan rollback', 'plan delete'],
  },
  'a plan that has changed nothing': {
    arrange: (world) => run(world, 'p', change('n1', 'power on')),
    possible: ['plan delete'],
  },
  'a plan without anything to undo': {
    arrange: (world) => run(world, 'p', wanted('nothing', 'nop')),
    possible: ['plan delete'],
  },
  'a plan of which a part cannot be undone': {
    arrange: (world) => run(world, 'p', change('n1', 'power off'), change('n2', 'inject nmi')),
    possible: ['plan rollback --skip-irreversible', 'plan delete'],
  },
  'a plan of which nothing can be undone': {
    arrange: (world) => run(world, 'p', change('n2', 'inject nmi')),
    possible: ['plan delete'],
  },
  'a plan that has drifted': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'));
      await world.order('n1', 'power on');
      await world.clock.turn(10_000);
    },
    possible: ['plan rollback --accept-drift', 'plan delete'],
  },
  'a plan that has drifted, and of which a part cannot be undone': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'), change('n2', 'inject nmi'));
      await world.order('n1', 'power on');
      await world.clock.turn(10_000);
    },
    possible: ['plan rollback --skip-irreversible --accept-drift', 'plan delete'],
  },
  'a plan that has ended, about the node of one that waits': {
    async arrange(world) {
      await run(world, 'p', change('n2', 'power off'));
      await occupy(world, 'runs');
      await make(world, 'waits', [softOff('n1'), softOff('n2')]);
      await world.conductor.plans.start('waits', true);
    },
    possible: ['plan rollback', 'plan delete'],
  },
  'a plan that has ended, about the node of one that runs': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'));
      await make(world, 'runs', [wanted('nap', 'sleep', { duration: 60 }), softOff('n1')]);
      await world.conductor.plans.start('runs', false);
      await world.clock.turn(1000);
    },
    possible: ['plan delete'],
  },
  'a plan that has ended long ago': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'));
      await world.clock.turn(3_700_000);
    },
    possible: ['plan delete'],
  },
  'a plan that was rolled back': {
    async arrange(world) {
      await run(world, 'p', change('n1', 'power off'));
      await rollBack(world, []);
      await world.clock.turn(10_000);
    },
    possible: ['plan delete'],
  },
  'a plan that was cancelled before it ran': {
    async arrange(world) {
      await make(world, 'p', [softOff('n1')]);
      await world.conductor.plans.cancel('p', '');
    },
    possible: ['plan delete'],
  },
  'a plan that was superseded': {
    async arrange(world) {
      await make(world, 'p', [softOff('n1')]);
      const relabelled = UpdateNodeRequest.fromPartial({ node: 'n1', setLabels: { rack: '7' } });
      await world.finish(changeNode(relabelled, world.conductor));
    },
    possible: ['plan delete'],
  },
  'a plan that was deleted': {
    async arrange(world) {
      await make(world, 'p', [softOff('n1')]);
      await world.conductor.plans.delete('p');
    },
    possible: [],
  },
};

const rollBack = (world: World, flags: readonly string[]) =>
  world.conductor.plans.rollback({
    plan: 'p',
    requestId: world.chance.uuid(),
    skipIrreversible: flags.includes('--skip-irreversible'),
    acceptDrift: flags.includes('--accept-drift'),
  });

/** Orders as a command line would. */
function give(world: World, verb: string, flags: readonly string[]): Promise<unknown> {
  const { plans } = world.conductor;
  if (verb === 'start') return plans.start('p', flags.includes('--queue'), flags.includes('--force'));
  if (verb === 'rollback') return rollBack(world, flags);
  return verb === 'cancel' ? plans.cancel('p', '') : plans.delete('p');
}

async function worldOf(t: ExecutionContext, { arrange }: Situation): Promise<World> {
  const world = await worldWith(t, 'n1', 'n2');
  await world.clock.turn(1000);
  await arrange(world);
  return world;
}

async function possibleIn(world: World): Promise<string[]> {
  const { read } = world.database;
  const plan = await getPlan('p', read);
  const offers = await offersFor(plan, world.conductor, read);
  const [answered] = await toActionPlans([plan], world.conductor);
  const { possible, possibleOrders } = possibleFields(offers);
  if (JSON.stringify([answered?.possible, answered?.possibleOrders]) !== JSON.stringify([possible, possibleOrders]))
    throw new Error(`the answer names ${answered?.possible}`);
  return possible.map((words) => words.replace(` ${plan.uuid}`, ''));
}

/** To cancel a plan again is to join, and changes nothing. */
const JOINS = ['a plan that is being cancelled', 'a plan that was cancelled before it ran'];

for (const [name, situation] of Object.entries(SITUATIONS)) {
  test(`${name}: the orders that are named are accepted, and no others`, async (t) => {
    t.timeout(600_000);
    for (const verb of ['start', 'cancel', 'delete', 'rollback']) {
      const world = await worldOf(t, situation);
      const possible = await possibleIn(world);
      t.deepEqual(possible, situation.possible);
      const named = possible
        .find((words) => words.startsWith(`plan ${verb}`))
        ?.split(' ')
        .slice(2);
      const before = await getPlan('p', world.database.read);
      const preview = await previewRollback('p', world.conductor);
      if (verb === 'rollback') t.is(preview.refused === null, named !== undefined, 'the preview says so as well');
      // Without one of the flags, and where nothing is named with all of them, it is refused.
      const all = ['--skip-irreversible', '--accept-drift', '--force'];
      const bad = named === undefined ? [all] : named.map((flag) => named.filter((other) => other !== flag));
      for (const flags of bad) {
        const error = await world.finish(give(world, verb, flags)).then(() => null, asCountermandError);
        const joins = verb === 'cancel' && JOINS.includes(name);
        t.is(error !== null, !joins, `${verb} ${flags.join(' ')}: ${error?.message}`);
        const own = error?.details.possible?.filter(({ resource }) => resource === before.uuid) ?? [];
        for (const words of possibleFields(own).possible)
          t.true(await isNamed(words, before.uuid, world, possible), words);
      }
      // A start of a plan that is too old supersedes it.
      const again = name === 'a plan that is too old' && verb === 'start' ? await worldOf(t, situation) : world;
      if (named !== undefined) await t.notThrowsAsync(again.finish(give(again, verb, named)), `${verb} ${named}`);
      if (verb === 'rollback' && named !== undefined) {
        t.deepEqual(preview.effect.inTheWay, []);
        t.deepEqual(
          preview.effect.supersedes.map(({ uuid }) => uuid),
          (await world.database.read('action_plans').where({ state: 'SUPERSEDED' })).map(({ uuid }) => uuid),
        );
      }
      if (again !== world) await endWorld(again);
      await endWorld(world);
    }
  });
}

/** What an error names of the plan itself is among what is possible for it as it now is. */
async function isNamed(words: string, uuid: string, world: World, possible: readonly string[]): Promise<boolean> {
  const plain = words.replace(` ${uuid}`, '');
  const now = await possibleIn(world);
  return plain === 'plan cancel --rollback'
    ? now.includes('plan cancel') || now.length === 0
    : [...possible, ...now].includes(plain);
}

test('while the disk is full, no plan or audit is said to be startable', async (t) => {
  const world = await worldOf(t, SITUATIONS['a new plan'] as Situation);
  Object.defineProperty(world.conductor.orders.store.database, 'isFull', { value: true });
  t.deepEqual(await possibleIn(world), ['plan cancel', 'plan delete']);
  t.deepEqual(auditPossible({ uuid: 'u', state: 'SUSPENDED' }, true), [{ verb: 'DELETE_AUDIT', resource: 'u' }]);
  await endWorld(world);
});

test('a list does not look into the rollback of a large plan, and names its preview', async (t) => {
  const world = await worldOf(t, SITUATIONS['a plan that has ended'] as Situation);
  const plan = await getPlan('p', world.database.read);
  t.deepEqual(await offersFor(plan, world.conductor, world.database.read, 0), [
    { verb: 'PREVIEW_ROLLBACK', resource: plan.uuid },
    { verb: 'DELETE_ACTION_PLAN', resource: plan.uuid },
  ]);
  t.is((await previewRollback('p', world.conductor)).refused, null);
  await endWorld(world);
});

const AUDIT_ARRANGED = ['ONGOING', 'SUSPENDED', 'CANCELLED', 'SUCCEEDED', 'DELETED'] as const;
const AUDIT_VERBS = ['suspend', 'resume', 'cancel', 'delete'] as const;
/** To be moved to where it is already is to join. */
const REACHES = { suspend: 'SUSPENDED', resume: 'ONGOING', cancel: 'CANCELLED', delete: 'DELETED' };

for (const state of AUDIT_ARRANGED)
  test(`an audit that is ${state}: the orders that are named are accepted, and no others`, async (t) => {
    for (const verb of AUDIT_VERBS) {
      const world = await worldWith(t);
      const { audits } = world.conductor;
      const continuous = state !== 'SUCCEEDED';
      const { audit } = await audits.create({
        name: 'a',
        requestId: 'a',
        auditType: continuous ? 'CONTINUOUS' : 'ONESHOT',
        strategy: 'dummy',
        goal: '',
        parameters: { para1: 1 },
        scope: [],
        intervalMs: continuous ? 60_000 : null,
        autoTrigger: false,
        maxParallel: 0,
        onFailure: 'STOP',
      });
      if (state === 'SUSPENDED') await audits.suspend('a');
      if (state === 'CANCELLED' || state === 'DELETED') await audits.cancel('a');
      if (state === 'DELETED') await audits.delete(audit.uuid);
      const now = await getAudit(audit.uuid, world.database.read);
      t.is(now.state, state);
      const named = possibleFields(auditPossible(now)).possible.includes(`audit ${verb} ${audit.uuid}`);
      const accepted = await audits[verb](audit.uuid).then(
        () => true,
        () => false,
      );
      const joins = REACHES[verb] === state && verb !== 'delete';
      t.is(accepted, named || joins, `${verb} of ${state}`);
      await endWorld(world);
    }
  });
