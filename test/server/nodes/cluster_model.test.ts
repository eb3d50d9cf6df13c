import anyTest, { type ExecutionContext } from 'ava';
import { KEPT_LIMITS, SENT_LIMITS } from '../../../src/core/limits.ts';
import type { PowerState } from '../../../src/core/power.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { reportClusterEvent } from '../../../src/server/audits/cluster_events.ts';
import { changeNode, deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { updateNode } from '../../../src/server/nodes/write.ts';
import { keepPlansFresh } from '../../../src/server/plans/staleness.ts';
import { forgetModelChanges, listModelChanges, modelRevision } from '../../../src/server/store/cluster_model.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { EVERY_NODE } from '../../../src/server/store/plans.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';

import type { World } from '../../world/world.ts';
import { endWorld, make, softOff, standing, story, wanted, worldWith } from '../plan_making.ts';
import { times } from '../plan_rack.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const CAUSE = { why: 'a test says so', planUuid: null };
const maintain = (node: string) => wanted('in', 'set_node_maintenance', { resource_id: node, maintenance: true });

/** What changed from a revision on, the oldest first: `n1 labels none -> rack=7`. */
async function changesFrom(revision: number, { database: { read } }: World): Promise<string[]> {
  const changes = await listModelChanges(revision + 1, null, 1000, read);
  return changes
    .map(({ nodeName, what, oldValue, newValue }) => `${nodeName} ${what} ${oldValue} -> ${newValue}`)
    .reverse();
}

/** Writes to a node and answers what that has changed in the model, and where a plan about it now stands. */
async function writeTo(node: string, patch: Partial<NodeRow>, world: World, name: string) {
  const { store } = world.conductor.orders;
  const before = await modelRevision(world.database.read);
  await make(world, name, [maintain(node)]);
  const found = await getNode(node, world.database.read);
  await world.finish(store.database.write((transaction) => updateNode(found, patch, CAUSE, transaction, store)));
  const { plan } = await standing(world, name);
  if (plan.state === 'RECOMMENDED') await world.conductor.plans.delete(name);
  return { changes: await changesFrom(before, world), plan };
}

function relabel(node: string, value: string, world: World): Promise<NodeRow> {
  const rest = { removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
  return changeNode({ node, setLabels: { rack: value }, ...rest }, world.conductor);
}

/** Each field of a node that can be written, with another value, and what the model says of it; null is nothing. */
const FIELDS: readonly (readonly [Partial<NodeRow>, string | null])[] = [
  [{ maintenance: true }, 'maintenance off -> on'],
  [{ zone: 'rack7' }, 'zone default -> rack7'],
  [{ labels: { b: '2', a: '1' } }, 'labels none -> a=1, b=2'],
  [{ driver: 'ipmi' }, 'driver fake -> ipmi'],
  [{ powerState: 'power off' }, 'power state power on -> power off'],
  [{ name: 'other' }, null],
  [{ driverInfo: { fake_address: 'elsewhere' } }, null],
  [{ bmcKey: 'elsewhere' }, 'server fake://n1 -> elsewhere'],
  [{ otherGuid: 'b' }, 'server fake://n1 with GUID a -> fake://n1 with GUID b, not accepted'],
  [{ bmcGuid: 'b' }, 'server fake://n1 with GUID a -> fake://n1 with GUID b'],
  [{ bmcPlace: '10.0.0.1:623' }, null],
  [{ guidShared: true }, null],
  [{ maintenanceReason: 'rack work' }, null],
  [{ lastError: 'it hangs' }, null],
  [{ powerStateReadAt: 7 }, null],
  [{ mayChangeUntil: 7 }, null],
  [{ agentUuid: 'somebody' }, null],
];

test('each field of a node, set to something else, changes the model if it belongs to it, and set to what it was never', async (t) => {
  for (const [patch, says] of FIELDS) {
    const world = await worldWith(t, 'n1');
    await world.clock.turn(1000);
    if (says?.includes('GUID a')) await writeTo('n1', { bmcGuid: 'a' }, world, 'first');
    const label = JSON.stringify(patch);
    const key = Object.keys(patch)[0] as keyof NodeRow;
    const now = await getNode('n1', world.database.read);
    const same = await writeTo('n1', { [key]: now[key] }, world, 'same');
    t.deepEqual(same.changes, [], label);
    t.is(same.plan.state, 'RECOMMENDED', label);
    const other = await writeTo(now.uuid, patch, world, 'other');
    t.deepEqual(other.changes, says === null ? [] : [`n1 ${says}`], label);
    t.is(other.plan.state, says === null ? 'RECOMMENDED' : 'SUPERSEDED', label);
    t.is(other.plan.statusMessage.includes(says ?? ''), true, label);
    await endWorld(world);
  }
});

test('labels in another order are the same labels', async (t) => {
  const world = await worldWith(t, 'n1');
  await writeTo('n1', { labels: { a: '1', b: '2' } }, world, 'p1');
  const again = await writeTo('n1', { labels: { b: '2', a: '1' } }, world, 'p2');
  t.deepEqual(again.changes, []);
  await endWorld(world);
});

/** Labels before and after, and what the model says of the change. */
const RELABELLED: readonly (readonly [NodeRow['labels'], NodeRow['labels'], string])[] = [
  [{ rack: '7', role: 'db', row: 'a' }, { rack: '8', role: 'db', row: 'a' }, 'labels rack=7 -> rack=8'],
  [{ role: 'db' }, { rack: '7', role: 'db' }, 'labels none -> rack=7'],
  [{ rack: '7', role: 'db' }, { role: 'db' }, 'labels rack=7 -> none'],
  [{ rack: '7', role: 'db' }, { rack: '8', row: 'a' }, 'labels rack=7, role=db -> rack=8, row=a'],
];

test('the model says of labels those that have changed, not those that stayed', async (t) => {
  const world = await worldWith(t, 'n1');
  for (const [at, [before, after, says]] of RELABELLED.entries()) {
    await writeTo('n1', { labels: before }, world, `before${at}`);
    const { changes, plan } = await writeTo('n1', { labels: after }, world, `after${at}`);
    t.deepEqual(changes, [`n1 ${says}`]);
    t.true(plan.statusMessage.includes(`: ${says} (`), plan.statusMessage);
  }
  await endWorld(world);
});

test('a change of all the labels that a node may have is cut to its limit in the history', async (t) => {
  const world = await worldWith(t, 'n1');
  const { label_count, label_value } = SENT_LIMITS;
  const labelled = (letter: string): NodeRow['labels'] =>
    Object.fromEntries(
      Array.from({ length: label_count.limit }, (_, at) => [`l${at}`, letter.repeat(label_value.limit)]),
    );
  await writeTo('n1', { labels: labelled('a') }, world, 'p1');
  const { changes, plan } = await writeTo('n1', { labels: labelled('b') }, world, 'p2');
  const longest = 2 * KEPT_LIMITS.change_text.limit;
  t.is(changes.length, 1);
  t.true((changes[0]?.length ?? 0) <= longest + 'n1 labels  -> '.length);
  t.is(plan.state, 'SUPERSEDED');
  t.true(plan.statusMessage.length < longest + 200);
  await endWorld(world);
});

test('power states count against the last good one: error and unknown are no change, and hide none', async (t) => {
  const world = await worldWith(t, 'n1');
  await world.agents.get('a1')?.link?.freeze();
  const states: readonly (PowerState | null)[] = ['power on', 'power off', 'error', null];
  const { uuid } = await getNode('n1', world.database.read);
  let good: PowerState | null = null;
  let round = 0;
  for (const first of states) {
    for (const second of states) {
      for (const third of states) {
        for (const powerState of [first, second, third]) {
          round += 1;
          const label = `${good} -> ${powerState}`;
          const isGood = powerState === 'power on' || powerState === 'power off';
          const { changes, plan } = await writeTo('n1', { powerState }, world, `p${round}`);
          const says =
            isGood && good !== null && good !== powerState ? [`n1 power state ${good} -> ${powerState}`] : [];
          t.deepEqual(changes, says, label);
          t.is(plan.state, says.length > 0 ? 'SUPERSEDED' : 'RECOMMENDED', label);
          if (isGood) good = powerState;
          t.is((await getNode(uuid, world.database.read)).goodPowerState, good as NodeRow['goodPowerState']);
        }
      }
    }
  }
  await endWorld(world);
});

test('a change is noted for the plan whose own action it was, and for no plan if another caller did it', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  for (const node of ['n1', 'n2']) await world.order(node, 'power on');
  await world.clock.turn(1000);
  const before = await modelRevision(world.database.read);
  const { uuid } = await make(world, 'p1', [maintain('n1'), softOff('n1', ['in'])]);
  await world.conductor.plans.start('p1', false);
  await world.order('n2', 'power off');
  await world.clock.turn(2 * 60_000);
  const changes = await listModelChanges(before + 1, null, 10, world.database.read);
  t.deepEqual(changes.map(({ nodeName, what, planUuid }) => `${nodeName} ${what} ${planUuid}`).sort(), [
    `n1 maintenance ${uuid}`,
    `n1 power state ${uuid}`,
    'n2 power state null',
  ]);
  t.is((await standing(world, 'p1')).plan.state, 'SUCCEEDED');
  await endWorld(world);
});

test('a rollback is never superseded, and neither is a plan about other nodes', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const other = await make(world, 'other', [maintain('n2')]);
  const rollback = await make(world, 'rollback', [maintain('n1')]);
  await world.database.read('action_plans').where({ uuid: rollback.uuid }).update({ rollback_of: other.uuid });
  await relabel('n1', '7', world);
  await world.clock.turn(26 * 3_600_000);
  t.is((await standing(world, 'rollback')).plan.state, 'RECOMMENDED');
  t.regex((await standing(world, 'other')).plan.statusMessage, /older than action_plan_expiry, 24 h/);
  await endWorld(world);
});

test('a plan about everything is superseded by any change and by any launch', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const everywhere = async (name: string): Promise<void> => {
    const { uuid } = await make(world, name, [maintain('n1')]);
    await world.database.read('plan_nodes').insert({ plan_uuid: uuid, node_uuid: EVERY_NODE });
  };
  await everywhere('p1');
  await relabel('n2', '7', world);
  t.regex((await standing(world, 'p1')).plan.statusMessage, /^node n2 changed at .*: labels none -> rack=7/);
  await everywhere('p2');
  await world.enrol('n3');
  t.regex((await standing(world, 'p2')).plan.statusMessage, /^node n3 changed at .*: node not known -> enrolled/);
  await everywhere('p3');
  await make(world, 'small', [maintain('n2')]);
  await world.conductor.plans.start('small', false);
  t.regex((await standing(world, 'p3')).plan.statusMessage, /^plan 'small' .* was launched at/);
  await world.clock.turn(1000);
  await everywhere('p4');
  await make(world, 'elsewhere', [maintain('n3')]);
  await world.conductor.plans.start('p4', false);
  t.is((await standing(world, 'elsewhere')).plan.state, 'SUPERSEDED');
  await endWorld(world);
});

/**
 * Runs `play` in worlds in which `meddle` comes first, then just before the first touch of the database, then one touch later
 * each time, until it comes too late.
 */
async function atEveryTouch(
  t: ExecutionContext,
  play: (world: World) => Promise<unknown>,
  meddle: (world: World) => Promise<unknown>,
  check: (world: World, label: string) => Promise<string>,
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let touch = 0; ; touch += 1) {
    t.true(touch < 500);
    const world = await worldWith(t, 'n1');
    await make(world, 'p1', [maintain('n1')]);
    const now = (): void => void meddle(world).catch(() => {});
    const wasDone = touch === 0 ? () => true : world.conductorProcess.meddleAtTouch(touch, now);
    if (touch === 0) now();
    await play(world).catch(() => {});
    await world.clock.turn(5000);
    const done = wasDone();
    if (done) seen.add(await check(world, `touch ${touch}`));
    await endWorld(world);
    if (!done) return seen;
  }
}

/** A plan ran whole, or it never began and is superseded. */
async function ranOrSuperseded(t: ExecutionContext, world: World, label: string): Promise<string> {
  const { plan } = await standing(world, 'p1');
  const told = await story(world);
  const begun = times(told, 'action.execution.start in ONGOING');
  t.is(begun, plan.state === 'SUPERSEDED' ? 0 : 1, label);
  t.is(times(told, 'action_plan.update p1 SUPERSEDED'), plan.state === 'SUPERSEDED' ? 1 : 0, label);
  return plan.state;
}

test('a change at every moment of a start: the plan has begun before it, or never begins', async (t) => {
  const seen = await atEveryTouch(
    t,
    (world) => world.conductor.plans.start('p1', false),
    ({ conductor: { orders } }) =>
      orders.store.database.write(async (transaction) => {
        const node = await getNode('n1', transaction.sql);
        return updateNode(node, { labels: { rack: '7' } }, CAUSE, transaction, orders.store);
      }),
    (world, label) => ranOrSuperseded(t, world, label),
  );
  t.deepEqual([...seen].sort(), ['SUCCEEDED', 'SUPERSEDED']);
});

test('a start at every moment of a change, and of an event from outside: the same', async (t) => {
  const event = { eventType: 'instance.update', nodes: ['n1'], payload: {}, reason: '' };
  const changes = [
    (world: World) => relabel('n1', '7', world),
    (world: World) => reportClusterEvent(event, world.conductor),
  ];
  for (const change of changes) {
    const seen = await atEveryTouch(
      t,
      change,
      (world) => world.conductor.plans.start('p1', false),
      (world, label) => ranOrSuperseded(t, world, label),
    );
    t.true(seen.has('SUPERSEDED') && seen.has('SUCCEEDED'), [...seen].join());
  }
});

test('another launch at every moment of a start: one of the two runs', async (t) => {
  const seen = await atEveryTouch(
    t,
    async (world) => {
      await make(world, 'p2', [wanted('nap', 'sleep', { duration: 60 }), maintain('n1')]);
      await world.conductor.plans.start('p1', false);
    },
    (world) => world.conductor.plans.start('p2', false),
    async (world, label) => {
      const first = (await standing(world, 'p1')).plan.state;
      // Before p2 is made nothing meets.
      const row = await world.database.read('action_plans').where('request_id', 'p2').first('state');
      t.true(first === 'SUCCEEDED' || row.state === 'ONGOING', label);
      t.false(first === 'SUCCEEDED' && row.state === 'ONGOING', label);
      return `${first} ${row.state}`;
    },
  );
  t.true(seen.has('SUPERSEDED ONGOING') && seen.has('SUCCEEDED SUPERSEDED'), [...seen].join());
});

test('a conductor that dies at any moment of a change has made it whole, or not at all', async (t) => {
  const seen = new Set<string>();
  for (let touch = 1; ; touch += 1) {
    t.true(touch < 500);
    const world = await worldWith(t, 'n1');
    await make(world, 'p1', [maintain('n1')]);
    const before = await modelRevision(world.database.read);
    world.conductorProcess.dieAtTouch(touch);
    await relabel('n1', '7', world).catch(() => {});
    await world.clock.settle();
    const died = !world.conductorAlive;
    if (died) await world.startConductor();
    const { labels } = await getNode('n1', world.database.read);
    const { plan, actions } = await standing(world, 'p1');
    const changed = labels.rack === '7';
    t.is(plan.state, changed ? 'SUPERSEDED' : 'RECOMMENDED');
    t.is(actions.in, changed ? 'CANCELLED' : 'PENDING');
    t.is(await modelRevision(world.database.read), changed ? before + 1 : before);
    seen.add(plan.state);
    await endWorld(world);
    if (!died) break;
  }
  t.deepEqual([...seen].sort(), ['RECOMMENDED', 'SUPERSEDED']);
});

test('a node that is deleted at any moment of making a plan about it: the plan is not made, or is superseded', async (t) => {
  const seen = new Set<string>();
  for (let touch = 1; ; touch += 1) {
    t.true(touch < 500);
    const world = await worldWith(t, 'n1');
    const wasDone = world.conductorProcess.meddleAtTouch(
      touch,
      () => void deleteNode('n1', world.conductor).catch(() => {}),
    );
    const made = await make(world, 'p1', [maintain('n1')]).then(
      () => 'made',
      ({ code }) => code,
    );
    await world.clock.settle();
    const done = wasDone();
    if (done) seen.add(made === 'made' ? (await standing(world, 'p1')).plan.state : made);
    await endWorld(world);
    if (!done) break;
  }
  t.deepEqual([...seen].sort(), ['NODE_NOT_FOUND', 'SUPERSEDED']);
});

test('two who look at the age of plans at once do no harm', async (t) => {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', [maintain('n1')]);
  await world.killConductor();
  await world.clock.turn(25 * 3_600_000);
  await world.startConductor();
  const stop = openCancellation([]);
  const both = [1, 2].map(() => keepPlansFresh({ ...world.conductor, shutdown: stop.signal }));
  await world.clock.settle();
  stop.abort(world.conductor.shutdown.reason);
  await Promise.all(both);
  t.is(times(await story(world), 'action_plan.update p1 SUPERSEDED'), 1);
  await endWorld(world);
});

test('old changes are forgotten, but never the revision', async (t) => {
  const world = await worldWith(t, 'n1');
  for (const rack of ['1', '2', '3']) await relabel('n1', rack, world);
  const { read } = world.database;
  const revision = await modelRevision(read);
  const plan = await make(world, 'p1', [maintain('n1')]);
  t.is(plan.modelRevision, revision);
  await world.database.write((transaction) => forgetModelChanges(world.clock.now() + 1, transaction));
  t.deepEqual(await changesFrom(0, world), ['n1 labels rack=2 -> rack=3']);
  t.is(await modelRevision(read), revision);
  await relabel('n1', '4', world);
  t.is(await modelRevision(read), revision + 1);
  await endWorld(world);
});

test('an event from outside that is wrong writes nothing', async (t) => {
  const world = await worldWith(t, 'n1');
  const before = await modelRevision(world.database.read);
  const report = (eventType: string, ...nodes: string[]) =>
    reportClusterEvent({ eventType, nodes, payload: { host: 'n1' }, reason: '' }, world.conductor);
  const known = /instance.update, instance.delete.end, service.update/;
  await t.throwsAsync(report('compute.update', 'n1'), { message: known });
  await t.throwsAsync(report('toString', 'n1'), { message: known });
  await t.throwsAsync(report('instance.update', 'n[1-2]'), { message: /there is no node 'n2'; nothing was done/ });
  await t.throwsAsync(report('instance.update'), { message: /no node is named/ });
  t.is(await modelRevision(world.database.read), before);
  t.deepEqual(await report('instance.delete.end', 'n1', 'n1'), { revision: before + 1, changed: true });
  t.deepEqual(await changesFrom(before, world), ['n1 instance.delete.end  -> {"host":"n1"}']);
  await endWorld(world);
});
