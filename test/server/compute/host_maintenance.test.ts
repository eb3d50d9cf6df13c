/** Host maintenance with a compute service: hosts are drained before their nodes go down, and a rollback brings everything back. */
import test from 'ava';
import { asCountermandError } from '../../../src/core/errors.ts';
import { listActions } from '../../../src/server/store/actions.ts';
import { findNode } from '../../../src/server/store/nodes.ts';
import type { ActionPlanRow } from '../../../src/server/store/plan_rows.ts';
import { getPlan } from '../../../src/server/store/plans.ts';
import type { SimInstance } from '../../../src/sim/compute/model.ts';
import { make, wanted } from '../plan_making.ts';
import { type CloudWorld, cameTo, openCloudWorld, startOne } from './cloud_world.ts';

async function audit(
  { world }: CloudWorld,
  nodes: string,
  parameters: Record<string, unknown> = {},
  strategy = 'host_maintenance',
): Promise<ActionPlanRow> {
  const made = world.conductor.audits.create({
    name: 'maintenance',
    requestId: world.chance.uuid(),
    auditType: 'ONESHOT',
    strategy,
    goal: '',
    parameters,
    scope: [{ baremetal: [{ nodes: [nodes] }] }],
    intervalMs: null,
    autoTrigger: false,
    maxParallel: 20,
    onFailure: 'STOP',
  });
  const { plan } = await world.finish(made);
  if (plan === null) throw new Error('no plan was made');
  return plan;
}

const actionsOf = (plan: ActionPlanRow, { world }: CloudWorld) => listActions(plan.uuid, -1, 1000, world.database.read);
const hostsOf = (vms: readonly SimInstance[]): string[] =>
  vms.map(({ name, host, vmState }) => `${name} ${host} ${vmState}`);

const arrivals = ({ sim }: CloudWorld, vm: SimInstance | undefined): number =>
  sim.cloud.arrived.filter(({ instance }) => instance === vm?.uuid).length;

async function ended({ world }: CloudWorld, uuid: string, limitMs = 3_600_000): Promise<ActionPlanRow> {
  const { read } = world.database;
  await world.clock.turnUntil(async () => (await getPlan(uuid, read)).endedAt !== null, limitMs);
  return getPlan(uuid, read);
}

test('three hosts with 30 instances, cancelled half way and rolled back: all is as it was, and nothing else was touched', async (t) => {
  const at = await openCloudWorld(t, 5);
  const { world, sim } = at;
  const vms = Array.from({ length: 30 }, (_, index) =>
    at.vm(`vm${index}`, `cmp${(index % 3) + 1}`, index % 10 === 9 ? 'stopped' : 'active'),
  );
  const apart = [at.vm('apart1', 'cmp4'), at.vm('apart2', 'cmp5')];
  const disabled = sim.cloud.hosts.get('cmp5');
  Object.assign(disabled ?? {}, { status: 'disabled', reason: 'burnt' });
  const before = hostsOf(vms);
  const plan = await audit(at, 'n[1-3]', { wave_size: 1, moves_at_once: 2 });
  const efficacy = Object.fromEntries(plan.globalEfficacy.map(({ name, value }) => [name, value]));
  t.like(efficacy, { instances_moved_live: 27, instances_moved_cold: 3, instances_stopped: 0, nodes_powered_off: 3 });
  await world.conductor.plans.start(plan.uuid, false);
  let atOnce = 0;
  const isHalfWay = (): boolean => {
    for (const host of ['cmp1', 'cmp2', 'cmp3'])
      atOnce = Math.max(atOnce, vms.filter((vm) => vm.host === host && vm.taskState !== null).length);
    return vms.filter(({ host }) => host === 'cmp4').length >= 15;
  };
  await world.clock.turnUntil(isHalfWay, 3_600_000);
  t.is(atOnce, 2, 'as many of one host as moves_at_once says');
  t.is((await findNode('n1', world.database.read))?.powerState, 'power off');
  await world.conductor.plans.cancel(plan.uuid, '', true);
  const cancelled = await ended(at, plan.uuid);
  t.is(cancelled.state, 'CANCELLED', cancelled.statusMessage);
  const rollback = await ended(at, cancelled.rolledBackBy ?? '');
  t.is(rollback.state, 'SUCCEEDED', rollback.statusMessage);
  t.deepEqual(hostsOf(vms), before);
  t.deepEqual(hostsOf(apart), ['apart1 cmp4 active', 'apart2 cmp5 active']);
  for (const host of ['cmp1', 'cmp2', 'cmp3', 'cmp4'])
    t.like(sim.cloud.hosts.get(host), { status: 'enabled', reason: null, forcedDown: false });
  t.like(disabled, { status: 'disabled', reason: 'burnt' });
  for (const name of ['n1', 'n2', 'n3', 'n4', 'n5'])
    t.like(await findNode(name, world.database.read), { powerState: 'power on', maintenance: false });
  t.true(sim.cloud.arrived.every(({ instance }) => vms.some(({ uuid }) => uuid === instance)));
});

test('what has drifted since is named and left alone, and what is gone is no failure', async (t) => {
  const at = await openCloudWorld(t, 3);
  const { world, sim } = at;
  const [stays, gone, drifted] = ['stays', 'gone', 'drifted'].map((name) => at.vm(name, 'cmp1'));
  const plan = await audit(at, 'n1', { moves_at_once: 3 });
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  t.is(sim.cloud.on('cmp1').length, 0);
  t.is((await findNode('n1', world.database.read))?.powerState, 'power off');
  sim.cloud.instances.delete(gone?.uuid ?? '');
  const left = drifted?.host;
  const elsewhere = left === 'cmp2' ? 'cmp3' : 'cmp2';
  Object.assign(drifted ?? {}, { host: elsewhere });
  const rollback = await world.conductor.plans.rollback({
    plan: plan.uuid,
    requestId: 'back',
    skipIrreversible: false,
    acceptDrift: false,
  });
  t.is((await ended(at, rollback.uuid)).state, 'SUCCEEDED');
  t.deepEqual([stays?.host, drifted?.host], ['cmp1', elsewhere]);
  const said = (await actionsOf(rollback, at)).map(({ statusMessage }) => statusMessage);
  t.true(
    said.includes(`drifted is on ${elsewhere}, and the plan left it on ${left}: it is left alone`),
    said.join('; '),
  );
  t.true(said.includes(`instance ${gone?.uuid} is gone`));
  t.like(sim.cloud.hosts.get('cmp1'), { status: 'enabled', reason: null });
});

test('a service that another client has changed since is left as it is, and the reason that was there before comes back', async (t) => {
  const at = await openCloudWorld(t, 3);
  const { world, sim } = at;
  const [first, second] = ['cmp1', 'cmp2'].map((name) => sim.cloud.hosts.get(name));
  Object.assign(first ?? {}, { status: 'disabled', reason: 'rack 7 smells' });
  const plan = await audit(at, 'n[1-2]');
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  t.like(first, { status: 'disabled', reason: 'rack 7 smells' });
  t.like(second, { status: 'disabled', reason: 'countermand: host maintenance' });
  Object.assign(second ?? {}, { reason: 'burnt out' });
  const { uuid } = await world.conductor.plans.rollback({
    plan: plan.uuid,
    requestId: 'back',
    skipIrreversible: false,
    acceptDrift: false,
  });
  t.is((await ended(at, uuid)).state, 'SUCCEEDED');
  t.like(first, { status: 'disabled', reason: 'rack 7 smells' });
  t.like(second, { status: 'disabled', reason: 'burnt out' });
});

test('a host that was disabled before takes nothing back: its instance is named, and all else is as it was', async (t) => {
  const at = await openCloudWorld(t, 3);
  const { world, sim } = at;
  const vms = [at.vm('one', 'cmp1'), at.vm('two', 'cmp2')];
  Object.assign(sim.cloud.hosts.get('cmp2') ?? {}, { status: 'disabled', reason: 'smells' });
  const plan = await audit(at, 'n[1-2]', { wave_size: 1 });
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  t.deepEqual(hostsOf(vms), ['one cmp3 active', 'two cmp3 active']);
  const order = { plan: plan.uuid, requestId: 'back', skipIrreversible: false, acceptDrift: false };
  const { uuid } = await world.conductor.plans.rollback(order);
  const rollback = await ended(at, uuid);
  t.is(rollback.state, 'FAILED');
  t.deepEqual(hostsOf(vms), ['one cmp1 active', 'two cmp3 active']);
  t.like(sim.cloud.hosts.get('cmp2'), { status: 'disabled', reason: 'smells' });
  t.regex(
    rollback.statusMessage,
    /host cmp2 is disabled \(smells\) and takes no instances; two stays on cmp3, nothing was ordered/,
  );
  for (const name of ['n1', 'n2', 'n3'])
    t.like(await findNode(name, world.database.read), { powerState: 'power on', maintenance: false });
  t.is(arrivals(at, vms[1]), 1);
});

test('a node is not powered off again by a rollback while an instance on it cannot go back', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world, sim } = at;
  const vm = at.vm('vm1', 'cmp1');
  await world.order('n2', 'power off');
  await world.clock.turn(60_000);
  const on = wanted('on', 'change_node_power_state', { resource_id: 'n2', state: 'power on' });
  const boots = wanted('boots', 'sleep', { duration: 60 }, ['on']);
  const moves = wanted('moves', 'migrate', { resource_id: 'n1', instance: vm.uuid, destination: 'cmp2' }, ['boots']);
  const plan = await make(world, 'spare', [on, boots, moves]);
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  Object.assign(sim.cloud.hosts.get('cmp1') ?? {}, { status: 'disabled' });
  const order = { plan: plan.uuid, requestId: 'back', skipIrreversible: false, acceptDrift: false };
  const { uuid } = await world.conductor.plans.rollback(order);
  t.is((await ended(at, uuid)).state, 'FAILED');
  t.deepEqual(hostsOf([vm]), ['vm1 cmp2 active']);
  t.is((await findNode('n2', world.database.read))?.powerState, 'power on');
});

test('an instance that cannot come back keeps no node down', async (t) => {
  const at = await openCloudWorld(t, 3);
  const { world, sim } = at;
  const vms = ['cmp1', 'cmp2', 'cmp2'].map((host, index) => at.vm(`vm${index}`, host));
  const plan = await audit(at, 'n[1-2]', { wave_size: 1 });
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  sim.cloud.faults.set(vms[1]?.uuid ?? '', { live: 'no-valid-host' });
  const order = { plan: plan.uuid, requestId: 'back', skipIrreversible: false, acceptDrift: false };
  const { uuid } = await world.conductor.plans.rollback(order);
  const rollback = await ended(at, uuid);
  t.is(rollback.state, 'FAILED');
  t.regex(rollback.statusMessage, /vm1 is still on cmp3: migration \d+ failed: No valid host was found/);
  t.deepEqual(hostsOf(vms), ['vm0 cmp1 active', 'vm1 cmp3 active', 'vm2 cmp2 active']);
  for (const name of ['n1', 'n2', 'n3'])
    t.like(await findNode(name, world.database.read), { powerState: 'power on', maintenance: false });
  for (const host of ['cmp1', 'cmp2']) t.like(sim.cloud.hosts.get(host), { status: 'enabled', reason: null });
});

test('one failure stops further moves: no node goes down, and the plan says why', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world, sim } = at;
  const vms = Array.from({ length: 5 }, (_, index) => at.vm(`vm${index}`, 'cmp1'));
  sim.cloud.faults.set(vms[1]?.uuid ?? '', { live: 'no-valid-host' });
  const plan = await audit(at, 'n1');
  await world.conductor.plans.start(plan.uuid, false);
  const failed = await ended(at, plan.uuid);
  t.is(failed.state, 'FAILED');
  t.regex(failed.statusMessage, /vm1 is still on cmp1: migration 2 failed: No valid host was found/);
  t.deepEqual(
    hostsOf(vms).map((line) => line.split(' ')[1]),
    ['cmp2', 'cmp1', 'cmp1', 'cmp1', 'cmp1'],
  );
  t.like(await findNode('n1', world.database.read), { powerState: 'power on', maintenance: false });
});

/** What is in the way of a drain: no plan is made, and nothing is touched. */
const IN_THE_WAY: readonly [string, (at: CloudWorld) => void, RegExp][] = [
  ['an instance that is built', (at) => at.vm('new', 'cmp1', 'building'), /HOST_NOT_READY.*new is BUILD/],
  [
    'one that cannot be moved',
    (at) => at.vm('ill', 'cmp1', 'error'),
    /ill is ERROR and cannot be moved \(cannot_move\)/,
  ],
  [
    'a dead nova-compute',
    (at) => Object.assign(at.sim.cloud.hosts.get('cmp1') ?? {}, { forcedDown: true }),
    /nova-compute of cmp1 is down/,
  ],
  [
    'a cold migration that is not confirmed',
    (at) => {
      const vm = at.vm('half', 'cmp2', 'resized');
      Object.assign(at.sim.cloud.newMigration('migration', vm, 'finished'), { source: 'cmp1', dest: 'cmp2' });
    },
    /waits to be confirmed or reverted/,
  ],
  [
    'an instance that arrives',
    (at) => {
      const vm = at.vm('late', 'cmp2');
      Object.assign(at.sim.cloud.newMigration('live-migration', vm, 'running'), { dest: 'cmp1' });
    },
    /arrives, running/,
  ],
  ['a cloud that is away', (at) => Object.assign(at.sim.traits, { unavailable: true }), /COMPUTE_BUSY.*answers 503/],
  ['a user without rights', (at) => Object.assign(at.sim.user, { admin: false }), /COMPUTE_FORBIDDEN/],
  ['an old service', (at) => Object.assign(at.sim.traits, { version: '2.60' }), /COMPUTE_TOO_OLD/],
  [
    'a host that does not exist',
    (at) => at.sim.cloud.hosts.delete('cmp1'),
    /AUDIT_INVALID.*no nova-compute on host cmp1/,
  ],
];
for (const [what, arrange, says] of IN_THE_WAY)
  test(`${what} lets no plan be made, and nothing is moved`, async (t) => {
    const at = await openCloudWorld(t, 2);
    at.vm('vm1', 'cmp1');
    arrange(at);
    const error = await audit(at, 'n1').then(() => null, asCountermandError);
    t.regex(`${error?.code} ${error?.message}`, says);
    t.deepEqual(at.sim.cloud.arrived, []);
    t.like(at.sim.cloud.hosts.get('cmp2'), { status: 'enabled' });
  });

test('what cannot be moved is stopped or left where that is said, and the plan says so before it starts', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world } = at;
  const runs = at.vm('runs', 'cmp1');
  const ill = at.vm('ill', 'cmp1', 'error');
  const plan = await audit(at, 'n1', { live: false, cold: false, cannot_move: 'stop' });
  const names = (await actionsOf(plan, at)).map(({ name }) => name);
  t.true(names.includes(`stop runs (${runs.uuid})`));
  t.true(names.includes(`leave ill (${ill.uuid})`));
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  t.deepEqual(hostsOf([runs, ill]), ['runs cmp1 stopped', 'ill cmp1 error']);
  const { uuid } = await world.conductor.plans.rollback({
    plan: plan.uuid,
    requestId: 'back',
    skipIrreversible: false,
    acceptDrift: false,
  });
  t.is((await ended(at, uuid)).state, 'SUCCEEDED');
  t.deepEqual(hostsOf([runs, ill]), ['runs cmp1 active', 'ill cmp1 error']);
});

test('what would run on while its host goes down lets no plan be made, whatever is said', async (t) => {
  const at = await openCloudWorld(t, 1);
  const stays = at.vm('stays', 'cmp1', 'paused');
  const asked = { live: false, cold: false, cannot_move: 'stop' };
  const refused = () => audit(at, 'n1', asked).then(() => '', asCountermandError);
  t.regex(String(await refused()), /stays is PAUSED and cannot be moved, and would be left on a host that goes down$/);
  Object.assign(stays, { vmState: 'active' });
  asked.cannot_move = 'leave';
  t.regex(String(await refused()), /stays is ACTIVE and cannot be moved.*; cannot_move: stop shuts it down$/);
  Object.assign(stays, { vmState: 'suspended' });
  const plan = await audit(at, 'n1', asked);
  await at.world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
});

test('a host that is off and empty is no reason to make no plan for the others, and its rollback waits for nothing', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world } = at;
  await world.order('n1', 'power off');
  await world.clock.turn(180_000);
  const plan = await audit(at, 'n[1-2]');
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  const order = { plan: plan.uuid, requestId: 'back', skipIrreversible: false, acceptDrift: false };
  const { uuid } = await world.conductor.plans.rollback(order);
  t.is((await ended(at, uuid, 300_000)).state, 'SUCCEEDED');
  const { read } = world.database;
  t.deepEqual(
    [(await findNode('n1', read))?.powerState, (await findNode('n2', read))?.powerState],
    ['power off', 'power on'],
  );
  for (const host of ['cmp1', 'cmp2']) t.like(at.sim.cloud.hosts.get(host), { status: 'enabled' });
});

test('evacuation begins only when the node is seen off, and cannot be undone', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world, sim } = at;
  const vm = at.vm('vm1', 'cmp1');
  const alive = await audit(at, 'n1', {}, 'evacuate').then(() => null, asCountermandError);
  t.regex(alive?.message ?? '', /nova-compute of cmp1 \(node n1\) is up/);
  sim.cloud.killHost('cmp1');
  await world.clock.turn(60_000);
  const plan = await audit(at, 'n1', {}, 'evacuate');
  await world.conductor.plans.start(plan.uuid, false);
  t.is((await ended(at, plan.uuid)).state, 'SUCCEEDED');
  t.is(vm.host, 'cmp2');
  t.deepEqual(
    world.received.map(({ target }) => target),
    ['power off'],
  );
  t.like(sim.cloud.hosts.get('cmp1'), { status: 'disabled', forcedDown: true });
  const refused = await world.conductor.plans
    .rollback({ plan: plan.uuid, requestId: 'back', skipIrreversible: false, acceptDrift: false })
    .then(() => null, asCountermandError);
  t.regex(refused?.message ?? '', /an evacuation cannot be undone/);
  const { uuid } = await world.conductor.plans.rollback({
    plan: plan.uuid,
    requestId: 'rest',
    skipIrreversible: true,
    acceptDrift: false,
  });
  t.is((await ended(at, uuid)).state, 'SUCCEEDED');
  t.is(vm.host, 'cmp2');
  t.like(sim.cloud.hosts.get('cmp1'), { status: 'enabled', forcedDown: false });
});

test('an instance of a node that is not off is not evacuated', async (t) => {
  const at = await openCloudWorld(t, 2);
  const vm = at.vm('vm1', 'cmp1');
  Object.assign(at.sim.cloud.hosts.get('cmp1') ?? {}, { forcedDown: true });
  await startOne(at, 'evacuate_instance', { instance: vm.uuid });
  await at.world.clock.turn(10_000);
  t.regex(await cameTo(at), /^FAILED node n1 is not known to be off \(unknown\)/);
  t.is(vm.host, 'cmp1');
});

test('an instance is not evacuated by a reading of before the clock was set back', async (t) => {
  const at = await openCloudWorld(t, 2);
  const { world, sim } = at;
  const vm = at.vm('vm1', 'cmp1');
  await world.order('n1', 'power off');
  await world.clock.turn(5000);
  Object.assign(sim.cloud.hosts.get('cmp1') ?? {}, { forcedDown: true });
  world.clock.jump(-3_600_000);
  await startOne(at, 'evacuate_instance', { instance: vm.uuid });
  await world.clock.turn(10_000);
  t.regex(await cameTo(at), /^FAILED node n1 is not known to be off \(it was not read in the last ten minutes\)/);
  t.is(vm.host, 'cmp1');
});
