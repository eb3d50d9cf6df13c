/** The client of compute services, against the pretended one: logging in, versions, what is refused, and what is not known. */
import test, { type ExecutionContext } from 'ava';
import type { Cloud } from '../../src/compute/cloud.ts';
import type { InstanceOrder } from '../../src/compute/compute.ts';
import { asCountermandError, fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { CLOUD, cloudsOf, NotReached, openSimCloud } from '../counterparts/sim_cloud.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const BY = '7f3a0a52-0000-4000-a000-000000000001';
const { signal } = openCancellation([]);

function open(cloud: Partial<Cloud> = {}) {
  const clock = new VirtualClock();
  const sim = openSimCloud({ clock, chance: seededChance(1) });
  const vm = sim.cloud.addInstance('vm1', 'cmp1');
  return { clock, ...sim, vm, compute: cloudsOf(sim.transport, clock, cloud).of('default') };
}
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (thrown: unknown) => asCountermandError(thrown).code,
  );

test('it logs in once, and speaks the newest version that both know', async (t) => {
  const { compute, asked, keystone } = open();
  const [vm] = await compute.instancesOn('cmp1', signal);
  t.like(vm, { name: 'vm1', status: 'ACTIVE', host: 'cmp1', taskState: null });
  t.deepEqual(await compute.instancesOn('cmp2', signal), []);
  t.is(keystone.logins, 1);
  t.is(asked.at(-1)?.headers['openstack-api-version'], 'compute 2.90');
});

test('an application credential logs in without a scope, and a fixed endpoint needs no catalog', async (t) => {
  const login = {
    kind: 'application_credential',
    url: 'http://sim/identity/v3',
    id: 'abc',
    secret: () => 'the credential',
  } as const;
  const { compute, asked } = open({ login, endpoint: 'http://sim/compute/v2.1/' });
  t.is((await compute.service('cmp1', signal))?.state, 'up');
  t.false(asked[0]?.body?.includes('scope'));
});

test('a token is renewed two minutes before it expires, and when the service does not accept it any more', async (t) => {
  const { compute, keystone, clock } = open();
  await compute.service('cmp1', signal);
  await clock.turn(keystone.tokenMs - 121_000);
  await compute.service('cmp1', signal);
  t.is(keystone.logins, 1);
  await clock.turn(2000);
  await compute.service('cmp1', signal);
  t.is(keystone.logins, 2);
  keystone.revokeAll();
  await compute.service('cmp1', signal);
  t.is(keystone.logins, 3);
});

test('an order whose token has just ended is sent again, and arrives once', async (t) => {
  const { compute, keystone, vm, cloud } = open();
  await compute.service('cmp1', signal);
  keystone.revokeAll();
  t.is((await compute.order(vm.uuid, { kind: 'live', host: null }, BY, signal)).kind, 'accepted');
  t.deepEqual(cloud.arrived, [{ kind: 'live-migration', instance: vm.uuid, host: null, globalRequestId: `req-${BY}` }]);
});

test('a wrong password is told without the password, and is not tried again for a minute', async (t) => {
  const secret = 'a wrong secret';
  const { compute, keystone, clock } = open({ login: { ...CLOUD.login, secret: () => secret } as Cloud['login'] });
  const error = asCountermandError(await compute.service('cmp1', signal).catch((thrown: unknown) => thrown));
  t.is(error.code, 'COMPUTE_LOGIN_REFUSED');
  t.false(error.message.includes(secret));
  t.is(await codeOf(compute.service('cmp1', signal)), 'COMPUTE_LOGIN_REFUSED');
  t.is(keystone.logins, 1);
  await clock.turn(60_000);
  t.is(await codeOf(compute.service('cmp1', signal)), 'COMPUTE_LOGIN_REFUSED');
  t.is(keystone.logins, 2);
});

/** What is wrong, and the error of a reading and of an order. */
const BAD: readonly [string, (sim: ReturnType<typeof open>) => unknown, string, RegExp][] = [
  [
    'an old service',
    ({ traits }) => Object.assign(traits, { version: '2.64' }),
    'COMPUTE_TOO_OLD',
    /2\.64, and 2\.65 is needed/,
  ],
  [
    'a service that is away',
    ({ traits }) => Object.assign(traits, { unavailable: true }),
    'COMPUTE_BUSY',
    /answers 503/,
  ],
  [
    'a member',
    ({ user }) => Object.assign(user, { admin: false }),
    'COMPUTE_FORBIDDEN',
    /no hosts of instances; it needs the role admin/,
  ],
  [
    'a wrong address',
    ({ way }) => Object.assign(way, { broken: new NotReached('ECONNREFUSED') }),
    'COMPUTE_SILENT',
    /cannot be reached/,
  ],
];
for (const [what, spoil, code, message] of BAD)
  test(`${what} is told, and no order is sent`, async (t) => {
    const sim = open();
    spoil(sim);
    const error = await t.throwsAsync(sim.compute.instancesOn('cmp1', signal));
    t.is(asCountermandError(error).code, code as never);
    t.regex(error?.message ?? '', message);
    t.is((await sim.compute.order(sim.vm.uuid, { kind: 'cold', host: 'cmp2' }, BY, signal)).kind, 'refused');
    t.deepEqual(sim.cloud.arrived, []);
  });

test('a catalog without such an endpoint names those that it has', async (t) => {
  const { compute } = open({ region: 'RegionTwo' });
  await t.throwsAsync(compute.service('cmp1', signal), {
    message: /no public endpoint of type compute in region RegionTwo; it has public in RegionOne/,
  });
});

/** Orders that are refused at once: nothing happens. */
const REFUSED: readonly [string, InstanceOrder, RegExp][] = [
  ['an unknown host', { kind: 'live', host: 'cmp9' }, /Compute host cmp9 could not be found/],
  ['a cold migration to where it is', { kind: 'cold', host: 'cmp1' }, /to the host where the server exists/],
  ['a confirmation of nothing', { kind: 'confirm' }, /vm_state active/],
  ['an abort of nothing', { kind: 'abort', migration: 7 }, /invalid state/],
  ['an evacuation of a living host', { kind: 'evacuate', host: null }, /still in use/],
];
for (const [what, order, message] of REFUSED)
  test(`${what} is refused`, async (t) => {
    const { compute, vm, cloud } = open();
    const sent = await compute.order(vm.uuid, order, BY, signal);
    t.is(sent.kind, 'refused');
    t.regex(sent.kind === 'accepted' ? '' : sent.error.message, message);
    t.deepEqual(cloud.arrived, []);
  });

test('an order whose answer is lost is unknown, whether it arrived or not; it is sent once', async (t: ExecutionContext) => {
  for (const [answers, arrived] of [
    ['lost-before', 0],
    ['lost-after', 1],
  ] as const) {
    const { compute, vm, cloud, asked } = open();
    cloud.faults.set(vm.uuid, { answers });
    const { kind } = await compute.order(vm.uuid, { kind: 'live', host: null }, BY, signal);
    t.deepEqual([kind, cloud.arrived.length], ['unknown', arrived]);
    t.is(asked.filter(({ url }) => url.endsWith('/action')).length, 1);
  }
});

test('a silent service is given up after its time; an abort ends the waiting at once', async (t) => {
  const { compute, way, clock, vm } = open();
  await compute.service('cmp1', signal);
  way.broken = 'silent';
  const waiting = codeOf(compute.service('cmp1', signal));
  const ordered = compute.order(vm.uuid, { kind: 'stop' }, BY, signal);
  await clock.turn(30_000);
  t.is(await waiting, 'COMPUTE_SILENT');
  t.is((await ordered).kind, 'unknown');
  const cancellation = openCancellation([]);
  const aborted = codeOf(compute.service('cmp1', cancellation.signal));
  cancellation.abort(fail('SHUTTING_DOWN', 'we stop'));
  t.is(await aborted, 'SHUTTING_DOWN');
});

test('a list of several pages is read to its end', async (t) => {
  const { compute, cloud } = open();
  for (let number = 0; number < 1001; number += 1) cloud.addInstance(`more${number}`, 'cmp2');
  t.is((await compute.instancesOn('cmp2', signal)).length, 1001);
});

test('what is not there is null, and an unknown cloud names those that there are', async (t) => {
  const { compute, clock, transport } = open();
  t.is(await compute.instance(BY, signal), null);
  t.is(await compute.service('cmp9', signal), null);
  t.is(await compute.actionOf(BY, 'req-1', signal), null);
  t.throws(() => cloudsOf(transport, clock).of('other'), { message: /no cloud 'other'; clouds_file has default/ });
});
