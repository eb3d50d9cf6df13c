/**
 * What is named as possible is tried, in a world of its own each, and accepted; what is not named is tried too, and refused
 * or without effect. Nodes and power tasks here, plans and audits in `offers.test.ts`.
 */

import anyTest, { type ExecutionContext } from 'ava';
import { asCountermandError, type CountermandError } from '../../../src/core/errors.ts';
import { findTarget, isAbort, TARGETS, type Target } from '../../../src/core/power.ts';
import { fromTarget } from '../../../src/server/agents/wire.ts';
import { answerTask } from '../../../src/server/api/answers.ts';
import { explainNode } from '../../../src/server/api/explain.ts';
import { toPossible } from '../../../src/server/api/possible.ts';
import { ableNow } from '../../../src/server/api/supported.ts';
import { withdrawOrder } from '../../../src/server/power/orders.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { getPowerTask } from '../../../src/server/store/power_tasks.ts';
import type { PowerTaskRow } from '../../../src/server/store/rows.ts';
import type { WorldSettings } from '../../world/settings.ts';
import { World } from '../../world/world.ts';
import { make, wanted } from '../plan_making.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

/** How n1 stands. */
interface Situation {
  readonly settings?: WorldSettings;
  readonly info?: Readonly<Record<string, string>>;
  readonly arrange?: (world: World) => Promise<unknown>;
  /** The targets that are possible, written down a second time, by their words in the command line. */
  readonly possible: string;
  /** What may be ordered about the power task that holds n1, without its uuid. */
  readonly task?: string;
}

const ALL = 'on off reboot soft_reboot soft_off inject_nmi';
const order =
  (target: Target, turnMs = 5000) =>
  async (world: World): Promise<void> => {
    await world.order('n1', target);
    await world.clock.turn(turnMs);
  };

const leave = (world: World) => world.stopAgent('a1');
const lose = async (world: World, turnMs = 1000) => {
  await world.killAgent('a1');
  await world.clock.turn(turnMs);
};

/** An order that was sent, and whose agent is lost since: it is waited for. `fits` says at which moment. */
const sentAndWaitedFor =
  (give: (world: World) => Promise<unknown>, fits: (task: PowerTaskRow) => boolean = () => true) =>
  async (world: World): Promise<void> => {
    const server = world.server('n1');
    server.settings = { ...server.settings, fake_answer_ms: 500 };
    await give(world);
    for (;;) {
      const task = await holderOf(world);
      if (task?.state === 'CONFIRMING' && fits(task)) break;
      await world.clock.turn(100);
    }
    await lose(world);
  };

/** A plan orders n1. */
const planned = (state: string) => async (world: World) => {
  const parameters = { resource_id: 'n1', state };
  await make(world, 'p1', [wanted('n1', 'change_node_power_state', parameters)]);
  await world.conductor.plans.start('p1', false);
};

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'a free node': { possible: ALL },
  'the agent has left': { arrange: leave, possible: '' },
  'the agent is lost, and another may come': { arrange: lose, possible: ALL },
  'the agent is lost for long': { arrange: (world) => lose(world, 40_000), possible: '' },
  'a driver that can do little': {
    settings: { lacks: ['soft power off', 'abort soft power off', 'inject nmi', 'abort inject nmi'] },
    possible: 'on off reboot soft_reboot',
  },
  'hardware that can do less than its driver': {
    info: { fake_unsupported: 'soft power off, soft rebooting' },
    possible: 'on off reboot inject_nmi',
  },
  'a hardware that does not answer': {
    arrange: async (world) => {
      const server = world.server('n1');
      server.settings = { ...server.settings, fake_answer_ms: 3_000_000 };
    },
    possible: ALL,
  },
  'a soft power off that is waited for': {
    arrange: order('soft power off'),
    possible: 'abort_soft_off',
    task: 'node power n1 abort_soft_off',
  },
  'a soft power off that is waited for, without an agent': {
    arrange: async (world) => {
      await order('soft power off')(world);
      await lose(world, 40_000);
    },
    possible: 'abort_soft_off',
    task: 'node power n1 abort_soft_off',
  },
  'a soft power off of a driver without its abort': {
    settings: { lacks: ['abort soft power off'] },
    arrange: order('soft power off'),
    possible: '',
    task: 'power withdraw --stop-waiting',
  },
  'a soft reboot on its way down': {
    arrange: order('soft rebooting'),
    possible: 'abort_soft_reboot',
    task: 'node power n1 abort_soft_reboot',
  },
  'a soft reboot on its way up': {
    info: { fake_soft_ms: '1000' },
    arrange: sentAndWaitedFor(
      (world) => world.order('n1', 'soft rebooting'),
      ({ phase }) => phase === 'UP',
    ),
    possible: '',
    task: 'power withdraw --stop-waiting',
  },
  'an NMI': {
    arrange: order('inject nmi'),
    possible: 'abort_inject_nmi',
    task: 'node power n1 abort_inject_nmi',
  },
  'an NMI of a driver without its abort': {
    settings: { lacks: ['abort inject nmi'] },
    arrange: order('inject nmi'),
    possible: '',
    task: 'power withdraw --stop-waiting',
  },
  'a hard reboot': {
    arrange: sentAndWaitedFor((world) => world.order('n1', 'rebooting')),
    possible: '',
    task: 'power withdraw --stop-waiting',
  },
  'an order that was not sent yet': {
    arrange: async (world) => {
      await lose(world);
      await world.order('n1', 'power off');
    },
    possible: '',
    task: 'power withdraw',
  },
  'an order of a plan': {
    arrange: sentAndWaitedFor(planned('soft power off')),
    possible: 'abort_soft_off',
    task: 'node power n1 abort_soft_off',
  },
  'an order of a plan that nothing takes back': {
    arrange: sentAndWaitedFor(planned('rebooting')),
    possible: '',
    task: 'power withdraw --stop-waiting',
  },
  'an order that is being aborted': {
    arrange: async (world) => {
      await order('soft power off')(world);
      await world.order('n1', 'abort soft power off');
      await world.clock.turn(2000);
    },
    possible: '',
    task: '',
  },
  'another node on the same BMC, which is held': {
    info: { fake_place: 'here' },
    arrange: async (world) => {
      await world.enrol('n2', { fake_place: 'here', fake_soft_ms: 'never' });
      await world.clock.turn(5000);
      await world.order('n2', 'soft power off');
      await world.clock.turn(2000);
    },
    possible: '',
  },
  'another server at its address': {
    info: { fake_guid: '11111111111111111111111111111111' },
    arrange: async (world) => {
      await world.clock.turn(5000);
      for (const server of world.hardware.values())
        server.settings = { ...server.settings, fake_guid: '22222222222222222222222222222222' };
      const task = await world.order('n1', 'power off');
      await world.clock.turn(10_000);
      const { errorCode } = await getPowerTask(task.uuid, world.database.read);
      if (errorCode !== 'BMC_IS_ANOTHER') throw new Error(`the order ended with ${errorCode}`);
    },
    possible: '',
  },
  'a node that may still change': {
    arrange: async (world) => {
      await world.order('n1', 'soft power off', { timeoutMs: 10_000 });
      await world.clock.turn(15_000);
    },
    possible: `${ALL} abort_soft_off`,
  },
  'a node whose order was given up and is being taken back': {
    arrange: async (world) => {
      await world.order('n1', 'soft power off', { timeoutMs: 10_000 });
      await world.clock.turn(15_000);
      await world.order('n1', 'abort soft power off');
      await world.clock.turn(2000);
    },
    possible: '',
  },
};

async function worldOf(t: ExecutionContext, { settings = {}, info = {}, arrange }: Situation): Promise<World> {
  const world = await World.open(t, { ...settings, limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: 'never', fake_start_ms: '50000', ...info });
  await world.clock.turn(1000);
  await arrange?.(world);
  return world;
}

async function possibleIn(world: World): Promise<Target[]> {
  const node = await getNode('n1', world.database.read);
  const { conductor } = world;
  const able = await world.finish(ableNow(node, conductor, conductor.shutdown));
  const { possible } = await explainNode(node, conductor, able);
  return possible.map(({ target }) => fromTarget(target)).filter((target) => target !== null);
}

const holderOf = async (world: World): Promise<PowerTaskRow | null> => {
  const { heldBy } = await getNode('n1', world.database.read);
  return heldBy === null ? null : getPowerTask(heldBy, world.database.read);
};

/** The outcome of an order: refused, by the conductor or by the agent before anything is sent; without effect; accepted. */
async function tryOrder(world: World, target: Target): Promise<string> {
  const task = await world.order('n1', target).catch(asCountermandError);
  if (task instanceof Error) return `refused: ${task.code}`;
  if (task.abortOutcome === 'NOTHING_TO_ABORT') return 'without effect';
  if (isAbort(target)) return 'accepted';
  await world.clock.turn(20_000);
  const { errorCode } = await getPowerTask(task.uuid, world.database.read);
  const byAgent = errorCode === 'TARGET_NOT_SUPPORTED' || errorCode === 'BMC_IS_ANOTHER';
  return byAgent ? `refused: ${errorCode}` : 'accepted';
}

for (const [name, situation] of Object.entries(SITUATIONS)) {
  test(`${name}: the targets that are named are accepted, and no others`, async (t) => {
    t.timeout(600_000);
    const words = situation.possible.split(' ').filter((word) => word !== '');
    for (const target of TARGETS) {
      const world = await worldOf(t, situation);
      const named = await possibleIn(world);
      t.deepEqual([...named].sort(), words.map((word) => findTarget(word) as Target).sort());
      const came = await tryOrder(world, target);
      t.is(came === 'accepted', named.includes(target), `${target}: ${came}`);
      await world.end();
    }
  });

  const { task: expected } = situation;
  if (expected === undefined) continue;
  test(`${name}: what is named about its power task is accepted, and nothing else`, async (t) => {
    t.timeout(600_000);
    const world = await worldOf(t, situation);
    const holder = (await holderOf(world)) as PowerTaskRow;
    const { possible, possibleOrders } = await answerTask(holder, world.conductor.orders.store);
    t.is(possible.join('; ').replace(` ${holder.uuid}`, ''), expected);
    // The refusal of another order names the same, and nothing that would be refused.
    const refusal = await world.order('n1', 'power on').catch(asCountermandError);
    const says = possible.length > 0 ? /; possible: / : /wait until it is at rest/;
    const unserved = name.endsWith('without an agent');
    const { message, details } = refusal as CountermandError;
    t.regex(message, unserved ? /no agent .* is attached/ : says);
    if (!unserved) {
      // If a plan gave the order, its cancel is named first.
      const { planUuid } = holder;
      const cancel = planUuid === null ? [] : [toPossible({ verb: 'CANCEL_ACTION_PLAN', resource: planUuid })];
      t.deepEqual(details.possible?.map(toPossible), [...cancel, ...possibleOrders]);
    }
    const stopWaiting = expected.endsWith('--stop-waiting');
    if (!expected.startsWith('power withdraw')) {
      await t.throwsAsync(world.finish(withdrawOrder(holder.uuid, '', world.conductor.orders)), {
        code: 'NOT_WITHDRAWABLE',
      });
    } else {
      const { orders } = world.conductor;
      const gentler = await world.finish(withdrawOrder(holder.uuid, '', orders)).catch(asCountermandError);
      t.is(gentler instanceof Error, stopWaiting);
      if (stopWaiting) await world.finish(withdrawOrder(holder.uuid, '', orders, true));
      t.is((await getPowerTask(holder.uuid, world.database.read)).state, 'ABORTED');
    }
    await world.end();
  });
}

const fillDisk = (world: World): unknown =>
  Object.defineProperty(world.conductor.orders.store.database, 'isFull', { value: true });

test('while the disk is full, only aborts are named', async (t) => {
  const free = await worldOf(t, { possible: ALL });
  const held = await worldOf(t, { arrange: order('soft power off'), possible: '' });
  for (const world of [free, held]) fillDisk(world);
  t.deepEqual(await possibleIn(free), []);
  t.deepEqual(await possibleIn(held), ['abort soft power off']);
  for (const world of [free, held]) await world.end();
});
