/** Compute services and the power of instances as actions, and plans that name what is not there. */
import test from 'ava';
import { asCountermandError } from '../../../src/core/errors.ts';
import { make, wanted } from '../plan_making.ts';
import { actionOf, arrived, type CloudWorld, cameTo, openCloudWorld, startOne } from './cloud_world.ts';

const DISABLE = { state: 'disabled', disabled_reason: 'rack work' };

/** Does this to the conductor just as it writes the state of the service, once. */
function atWrite({ hooks }: CloudWorld, moment: 'before' | 'after', act: () => void): void {
  hooks[moment] = ({ method }) => {
    if (method !== 'PUT') return;
    hooks[moment] = () => {};
    act();
  };
}

for (const moment of ['before', 'after'] as const)
  test(`a conductor that is killed ${moment} the service is written leaves it as wanted, and its undo as it was`, async (t) => {
    const at = await openCloudWorld(t);
    const host = at.sim.cloud.hosts.get('cmp1');
    atWrite(at, moment, () => at.world.conductorProcess.kill());
    await startOne(at, 'change_compute_service_state', DISABLE);
    await at.world.clock.turn(1000);
    t.false(at.world.conductorAlive);
    await at.world.startConductor();
    await at.world.clock.turn(10_000);
    t.is(await cameTo(at), 'SUCCEEDED nova-compute of cmp1 is disabled (rack work)');
    t.like(host, { status: 'disabled', reason: 'rack work' });
    await at.world.conductor.plans.rollback({
      plan: 'p',
      requestId: 'back',
      skipIrreversible: false,
      acceptDrift: false,
    });
    await at.world.clock.turn(30_000);
    t.like(host, { status: 'enabled', reason: null });
  });

test('a write whose answer is lost is looked at, and written again only if it had not arrived', async (t) => {
  const at = await openCloudWorld(t);
  atWrite(at, 'after', () => {
    throw new Error('other side closed');
  });
  await startOne(at, 'change_compute_service_state', DISABLE);
  await at.world.clock.turn(10_000);
  t.is(await cameTo(at), 'SUCCEEDED nova-compute of cmp1 is disabled (rack work)');
  t.is(at.sim.asked.filter(({ method }) => method === 'PUT').length, 1);
});

test('a stop is seen to its end, and undone by a start; what is stopped already is left alone', async (t) => {
  const at = await openCloudWorld(t);
  const [runs, stopped] = [at.vm('runs', 'cmp1'), at.vm('stopped', 'cmp1', 'stopped')];
  const stop = (name: string, instance: string) => wanted(name, 'stop_instance', { resource_id: 'n1', instance });
  await make(at.world, 'p', [stop('it', runs.uuid), stop('other', stopped.uuid)]);
  await at.world.conductor.plans.start('p', false);
  await at.world.clock.turn(10_000);
  t.is(await cameTo(at), 'SUCCEEDED runs is SHUTOFF');
  t.is(await cameTo(at, 'p', 'other'), 'SUCCEEDED stopped is SHUTOFF already');
  await at.world.conductor.plans.rollback({
    plan: 'p',
    requestId: 'back',
    skipIrreversible: false,
    acceptDrift: false,
  });
  await at.world.clock.turn(30_000);
  t.deepEqual([runs.vmState, stopped.vmState], ['active', 'stopped']);
  t.deepEqual([arrived(at, 'stop'), arrived(at, 'start')], [1, 1]);
});

test('a stop that was ordered cannot be taken back: it is waited for, and one that hangs is told', async (t) => {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  await startOne(at, 'stop_instance', { instance: vm.uuid });
  await at.world.clock.turn(500);
  await at.world.conductor.plans.cancel('p', '');
  await at.world.clock.turn(10_000);
  t.is(await cameTo(at), 'SUCCEEDED TOO_LATE: vm1 is SHUTOFF');
  const stuck = at.vm('stuck', 'cmp1');
  at.sim.cloud.faults.set(stuck.uuid, { powerStuck: true });
  await make(at.world, 'q', [wanted('it', 'stop_instance', { resource_id: 'n1', instance: stuck.uuid })]);
  await at.world.conductor.plans.start('q', false);
  await at.world.clock.turn(500);
  await at.world.conductor.plans.cancel('q', '');
  await at.world.clock.turn(130_000);
  t.regex(await cameTo(at, 'q'), /^FAILED still running: it could not be taken back within 120 s/);
});

test('a node without the label, a cloud, a host and an instance that are not there: each is told, and nothing is moved', async (t) => {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  await at.world.enrol('plain');
  await at.world.enrol('far', {}, { compute_host: 'cmp1', compute_cloud: 'mars' });
  const move = (resource_id: string, more = {}) => wanted('it', 'migrate', { resource_id, instance: vm.uuid, ...more });
  const unlabelled = await make(at.world, 'a', [move('plain')]).then(() => null, asCountermandError);
  t.regex(`${unlabelled?.code} ${unlabelled?.message}`, /^ACTION_PLAN_INVALID.*node plain has no label compute_host/);
  const plans: readonly [string, Record<string, unknown>, RegExp][] = [
    ['far', {}, /^FAILED there is no cloud 'mars'; clouds_file has default/],
    [
      'n1',
      { destination: 'cmp9' },
      /^FAILED cloud 'default': the compute service answers 400: Compute host cmp9 could not be found/,
    ],
    ['n1', { instance: '00000000-0000-4000-8000-000000000000' }, /^SUCCEEDED instance 0{8}\S* is gone/],
    ['n2', {}, /^SUCCEEDED vm1 is on cmp1 and not on cmp2: there is nothing to move/],
  ];
  for (const [index, [node, more, says]] of plans.entries()) {
    await make(at.world, `p${index}`, [move(node, more)]);
    await at.world.conductor.plans.start(`p${index}`, false);
    await at.world.clock.turn(10_000);
    t.regex(await cameTo(at, `p${index}`), says);
  }
  t.deepEqual(at.sim.cloud.arrived, []);
});

test('a token that ends in the middle, and a service that is away for a while, end nothing', async (t) => {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  await startOne(at, 'migrate', { instance: vm.uuid });
  await at.world.clock.turn(3000);
  at.sim.keystone.revokeAll();
  at.sim.traits.unavailable = true;
  await at.world.clock.turn(60_000);
  t.is((await actionOf(at)).state, 'ONGOING');
  at.sim.traits.unavailable = false;
  await at.world.clock.turn(20_000);
  t.is(await cameTo(at), 'SUCCEEDED vm1 is on cmp2');
  t.is(arrived(at, 'live-migration'), 1);
});

test('what is wrong with an action about a host is told with its place, and without', async (t) => {
  const { world } = await openCloudWorld(t, 1);
  await world.enrol('n9');
  const refused = async (inputParameters: Record<string, unknown>) => {
    const made = make(world, 'p', [wanted('it', 'change_compute_service_state', inputParameters)]);
    return asCountermandError(await made.catch((thrown: unknown) => thrown)).details;
  };
  t.like(await refused({ resource_id: 'n1', state: 'enabled', disabled_reason: 'why' }), {
    field: 'actions[0].input_parameters.disabled_reason',
    rule: 'an enabled service has no reason',
  });
  const { field, rule } = await refused({ resource_id: 'n9', state: 'disabled', disabled_reason: 'why' });
  t.is(field, 'actions[0].input_parameters.resource_id');
  t.regex(rule ?? '', /^node n9 has no label compute_host/);
});
